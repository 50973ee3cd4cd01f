"""Fixtures: a migrated database of either kind, cloned per test; the service and a world of people on it."""

import gc
import ipaddress
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from werkzeug.serving import make_server

from cfm_workflow import clock, create_app, settings
from cfm_workflow.service import Service, open_service
from tests import compiled, servers, smtp
from tests.live import Server
from tests.mailing import Post
from tests.world import Known, World, populate

hypothesis_settings.register_profile(
    "quick", derandomize=True, max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "long", derandomize=True, max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


compiled.keep()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long tests too: random kills, all zones, many cases")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis_settings.load_profile("long" if config.getoption("--long") else "quick")
    if folder := servers.memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)  # where pytest makes every `tmp_path`


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="runs with --long"))


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: no collection of garbage has to look through it again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests found out by counting (`record_property`), whichever process ran them."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(autouse=True)
def _running_clock() -> Iterator[None]:
    yield
    clock.freeze(None)


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The only names there are in this process, with their addresses: no test asks a name server."""
    known = {"localhost": ["127.0.0.1"]}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or _is_address(name):
            return look_up(host, port, *args, **kwargs)
        if not known.get(name):
            raise socket.gaierror(socket.EAI_NONAME, "there is no such name in the tests")
        return [entry for address in known[name] for entry in look_up(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@pytest.fixture
def noon() -> datetime:
    """Time stands still at a known instant."""
    instant = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    clock.freeze(instant)
    return instant


@pytest.fixture(scope="session")
def _templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One migrated database of each kind that has been asked for, to be cloned."""
    return {}


def service_settings(url: str, instance: Path) -> settings.Settings:
    """The settings of a service in a test."""
    return settings.load({"CFM_DATABASE_URL": url, "CFM_INSTANCE": str(instance)}, root=instance, profile="testing")


def new_database(kind: str, templates: dict[str, str], folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a fresh migrated database of this kind."""
    if kind not in templates:
        home = tmp_path_factory.mktemp(f"template-{kind}")
        if kind == "sqlite":
            url = f"sqlite:///{home / 'cfm.sqlite'}"
        else:
            try:
                url = servers.fresh_database()
            except servers.Unavailable as reason:
                servers.require(str(reason))
        open_service(service_settings(url, home), migrate=True).close()
        templates[kind] = url
    if kind == "sqlite":
        target = folder / "cfm.sqlite"
        shutil.copy(templates[kind].removeprefix("sqlite:///"), target)
        return f"sqlite:///{target}"
    return servers.fresh_database(templates[kind])


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Everything that touches the database is tested on both."""
    kind: str = request.param
    return kind


class Populated:
    """A database of each kind with everybody in it, to be cloned: making them anew takes longer than most tests."""

    def __init__(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self._tmp_path_factory = tmp_path_factory
        self._bare: dict[str, str] = {}
        self._templates: dict[str, str] = {}
        self._known: dict[str, Known] = {}

    def database(self, kind: str, folder: Path) -> str:
        """The URL of a clone."""
        if kind not in self._templates:
            home = self._tmp_path_factory.mktemp(f"populated-{kind}")
            url = new_database(kind, self._bare, home, self._tmp_path_factory)
            opened = open_service(service_settings(url, home))
            before = clock.now() if clock.is_frozen() else None
            clock.freeze(LONG_AGO)
            self._known[kind] = populate(opened).known()
            clock.freeze(before)
            opened.close()
            self._templates[kind] = url
        return new_database(kind, self._templates, folder, self._tmp_path_factory)

    def world(self, kind: str, service: Service) -> World:
        """Everybody on such a clone."""
        return World.of(service, self._known[kind])


LONG_AGO = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def _populated(tmp_path_factory: pytest.TempPathFactory) -> Populated:
    return Populated(tmp_path_factory)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest,
    database_kind: str,
    _templates: dict[str, str],
    _populated: Populated,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    if "world" in request.fixturenames:
        url = _populated.database(database_kind, tmp_path)
    else:
        url = new_database(database_kind, _templates, tmp_path, tmp_path_factory)
    yield url
    if database_kind == "postgresql":
        servers.drop(url)


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    opened = open_service(service_settings(database_url, tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def world(service: Service, database_kind: str, _populated: Populated) -> World:
    """Everybody, on a fresh database of either kind."""
    return _populated.world(database_kind, service)


@pytest.fixture
def small_world(_populated: Populated, tmp_path: Path) -> Iterator[World]:
    """Everybody on SQLite alone, for what does not depend on the database."""
    opened = open_service(service_settings(_populated.database("sqlite", tmp_path), tmp_path))
    yield _populated.world("sqlite", opened)
    opened.close()


@pytest.fixture
def live_server(small_world: World) -> Iterator[str]:
    """The base URL of the application served with threads on loopback."""
    server = make_server("127.0.0.1", 0, create_app(small_world.service), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    """The service of `world` as a real process, which may be killed."""
    running = Server(world.service.settings)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def post(world: World, noon: datetime) -> Iterator[Post]:
    """The mail of a world, and a server that takes it."""
    with smtp.sink() as sink:
        made = Post(world, sink)
        yield made
        made.way.close()


@pytest.fixture
def small_post(small_world: World, noon: datetime) -> Iterator[Post]:
    """The same on SQLite alone."""
    with smtp.sink() as sink:
        made = Post(small_world, sink)
        yield made
        made.way.close()
