"""Backups: taken while the service works, restored into either kind of database, all of it or nothing."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from cfm_workflow import archive, backup, create_app, migrating, settings
from cfm_workflow.archive import BackupRefused
from cfm_workflow.db import Base, Database
from cfm_workflow.errors import NotReady
from cfm_workflow.models import LedgerHead
from cfm_workflow.restore import restore
from cfm_workflow.security.key_files import as_text, keys_here
from cfm_workflow.security.keys import key_file, new_key
from cfm_workflow.service import Service, open_service
from cfm_workflow.settings import Settings
from tests import servers
from tests.world import World

Content = dict[str, list[Any]]


def silent(table: str, done: int, of: int) -> None:
    """No progress bar."""


def content(database: Database) -> Content:
    """Every row of every table but the ledger's head, which depends on the server."""
    with database.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
            if table.name != LedgerHead.__tablename__
        }


def fill(world: World) -> None:
    """Some of everything, with texts that are hard to carry."""
    item = world.feedback('마일리지가\n없어요 "quoted" \u2028 😀', attributes={"a": 1.5, "b": None, "c": ["ü"]})
    world.feedback("Twice", source="shop", external_id="1")
    mine, his = world.give("Alice", "Bob", item=item, due_in="P2D")["actions"]
    world.alice.fire(mine, "complete", through=True, outcome="fixed")
    world.bob.fire(his, "accept")
    world.olga.post(f"/feedback/{item['id']}/notes", {"body": "@Bob, **look**"})
    world.olga.post("/feedback", {"text": "Once"}, headers={"Idempotency-Key": "k1"})


def take(service: Service, path: Path) -> Path:
    keys = as_text(keys_here(service.settings))
    backup.take(service.database, path, keys=keys, progress=silent)
    return path


@pytest.fixture(scope="module")
def _places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Settings]]:
    """Settings for a new, empty database of a kind, with the keys of the tests."""
    made: list[str] = []

    def place(kind: str) -> Settings:
        folder = tmp_path_factory.mktemp(kind)
        url = f"sqlite:///{folder / 'cfm.sqlite'}"
        if kind == "postgresql":
            try:
                url = servers.fresh_database()
            except servers.Unavailable as reason:
                servers.require(str(reason))
            made.append(url)
        environment = {"CFM_DATABASE_URL": url, "CFM_INSTANCE": str(folder)}
        return settings.load(environment, root=folder, profile="testing")

    yield place
    for url in made:
        servers.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(
    request: pytest.FixtureRequest, _places: Callable[[str], Settings]
) -> Iterator[tuple[Database, Settings]]:
    """An empty database to restore into, of either kind."""
    yield from opened(_places(request.param))


@pytest.fixture
def empty_file(_places: Callable[[str], Settings]) -> Iterator[tuple[Database, Settings]]:
    yield from opened(_places("sqlite"))


def opened(where: Settings) -> Iterator[tuple[Database, Settings]]:
    database = Database(where.database_url, pool_size=2)
    yield database, where
    database.dispose()


def test_what_was_backed_up_is_restored_into_either_kind_of_database(
    world: World, elsewhere: tuple[Database, Settings], tmp_path: Path
) -> None:
    fill(world)
    goal, where = elsewhere
    file = take(world.service, tmp_path / "backup.tar.gz")
    before = content(world.service.database)
    restore(goal, where, file, progress=silent)
    assert content(goal) == before
    migrating.check(goal)


def test_work_goes_on_after_a_restore_with_growing_positions_and_fresh_ids(
    world: World, elsewhere: tuple[Database, Settings], tmp_path: Path
) -> None:
    fill(world)
    [*_, newest] = world.events()
    tokens = world.ada.get("/me/tokens")["items"]
    made = world.ada.post("/me/tokens", {"name": "gone"})
    world.ada.expect(204, "DELETE", f"/me/tokens/{made['id']}")
    goal, where = elsewhere
    restore(goal, where, take(world.service, tmp_path / "backup.tar.gz"), progress=silent)

    service = open_service(where)
    other = World(service, create_app(service))
    for name, person in world.people.items():
        other.people[name] = type(person)(name, person.id, person.email, person.token, other.app.test_client())
    assert other.ada.get("/me/tokens")["items"][0]["id"] == tokens[0]["id"]
    seen = {event["data"]["position"] for event in other.events()}
    item = other.feedback("After the move")
    added = [event for event in other.events() if event["data"]["position"] not in seen]
    assert [event["type"] for event in added] == ["feedback.received"]
    assert all(event["data"]["position"] > newest["data"]["position"] for event in added)
    assert item["id"] == max(row[0] for row in content(world.service.database)["feedback"]) + 1
    assert other.ada.post("/me/tokens", {"name": "next"})["id"] > made["id"]
    assert other.olga.get("/feedback", q="마일리지")["items"]
    service.close()


def test_a_backup_is_one_instant_whatever_is_written_meanwhile(world: World, tmp_path: Path) -> None:
    fill(world)
    before = content(world.service.database)
    late: list[int] = []

    def write_at_once(table: str, done: int, of: int) -> None:
        if not late:
            late.append(world.feedback("Too late")["id"])

    file = tmp_path / "backup.tar.gz"
    keys = as_text(world.service.settings.secret_keys)
    backup.take(world.service.database, file, keys=keys, progress=write_at_once)
    assert late and archive.examine(file).rows == {name: len(rows) for name, rows in before.items()} | {
        "ledger_head": 1
    }


def test_only_its_owner_can_read_a_backup_and_nothing_lies_beside_it(service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    file = take(service, folder / "backup.tar.gz")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == [file]


def test_a_database_with_rows_is_not_overwritten(world: World, tmp_path: Path) -> None:
    file = take(world.service, tmp_path / "backup.tar.gz")
    before = content(world.service.database)
    with pytest.raises(NotReady):
        restore(world.service.database, world.service.settings, file, progress=silent)
    assert content(world.service.database) == before


def test_a_migrated_database_without_rows_counts_as_empty(
    service: Service, elsewhere: tuple[Database, Settings], tmp_path: Path
) -> None:
    goal, where = elsewhere
    migrating.upgrade(goal)
    restore(goal, where, take(service, tmp_path / "backup.tar.gz"), progress=silent)
    assert content(goal) == content(service.database)


# -- what is refused, on SQLite: reading a file does not depend on the database --------------------------------------


def rewritten(file: Path, goal: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a backup with parts changed or, by None, left out."""
    with tarfile.open(file) as source, tarfile.open(goal, "w:gz") as copy:
        for member in source:
            part = source.extractfile(member)
            assert part is not None
            if (new := change(member.name, part.read())) is not None:
                member.size = len(new)
                copy.addfile(member, io.BytesIO(new))
    return goal


def of_format_2(name: str, part: bytes) -> bytes:
    return orjson.dumps(orjson.loads(part) | {"format": 2}) if name == "manifest.json" else part


def with_another_name(name: str, part: bytes) -> bytes:
    return part.replace(b"Alice", b"Malle")


def without_its_end(name: str, part: bytes) -> bytes | None:
    return None if name == "checksums.json" else part


def without_events(name: str, part: bytes) -> bytes | None:
    return None if name == "tables/events.jsonl" else part


def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_restored(
    small_world: World, empty_file: tuple[Database, Settings], tmp_path: Path
) -> None:
    goal, where = empty_file
    whole = take(small_world.service, tmp_path / "backup.tar.gz")
    size = whole.stat().st_size
    broken = tmp_path / "broken.tar.gz"
    for end in (0, 1, 100, size // 2, size - 9, size - 1):
        broken.write_bytes(whole.read_bytes()[:end])
        with pytest.raises(BackupRefused):
            restore(goal, where, broken, progress=silent)
    for place in range(20, size, size // 20):
        damaged = bytearray(whole.read_bytes())
        damaged[place] ^= 0x10
        broken.write_bytes(damaged)
        with pytest.raises(BackupRefused):
            restore(goal, where, broken, progress=silent)
    for change in (with_another_name, without_its_end, without_events, of_format_2):
        with pytest.raises(BackupRefused):
            restore(goal, where, rewritten(whole, broken, change), progress=silent)
    for stranger in (b"hello", gzip.compress(b"hello")):
        broken.write_bytes(stranger)
        with pytest.raises(BackupRefused):
            restore(goal, where, broken, progress=silent)
    assert migrating.current(goal) is None


def test_a_backup_of_a_newer_version_is_refused(
    service: Service, empty_file: tuple[Database, Settings], tmp_path: Path
) -> None:
    goal, where = empty_file
    manifests: list[bytes] = []

    def of_revision_9999(name: str, part: bytes) -> bytes:
        if name == "manifest.json":
            manifests.append(orjson.dumps(orjson.loads(part) | {"revision": "9999"}) + b"\n")
            return manifests[0]
        if name == "checksums.json":
            own = {"rows": 1, "sha256": hashlib.sha256(manifests[0]).hexdigest()}
            return orjson.dumps(orjson.loads(part) | {"manifest.json": own})
        return part

    file = rewritten(take(service, tmp_path / "backup.tar.gz"), tmp_path / "newer.tar.gz", of_revision_9999)
    assert archive.examine(file).manifest.revision == "9999"
    with pytest.raises(BackupRefused):
        restore(goal, where, file, progress=silent)
    assert migrating.current(goal) is None


def test_a_restore_that_fails_half_way_leaves_an_empty_database(
    world: World, elsewhere: tuple[Database, Settings], tmp_path: Path
) -> None:
    fill(world)
    goal, where = elsewhere
    file = take(world.service, tmp_path / "backup.tar.gz")

    def stop(table: str, done: int, of: int) -> None:
        if table == "actions":
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        restore(goal, where, file, progress=stop)
    assert content(goal)["accounts"] == []
    restore(goal, where, file, progress=silent)
    assert content(goal) == content(world.service.database)


def settings_of(folder: Path, **more: str) -> Settings:
    folder.mkdir(exist_ok=True)
    return settings.load({"CFM_INSTANCE": str(folder), "CFM_LOG_LEVEL": "error", **more}, root=folder)


def test_keys_are_written_where_there_are_none_and_compared_where_there_are(tmp_path: Path) -> None:
    home, empty, foreign = (tmp_path / name for name in ("home", "empty", "foreign"))
    service = open_service(settings_of(home), migrate=True)
    file = take(service, tmp_path / "backup.tar.gz")
    service.close()

    open_and_restore(settings_of(empty), file)
    assert (empty / "keys").read_text() == (home / "keys").read_text()
    assert (empty / "keys").stat().st_mode & 0o777 == 0o600
    open_service(settings_of(empty)).close()

    with pytest.raises(BackupRefused):
        open_and_restore(settings_of(foreign, CFM_SECRET_KEYS=new_key()), file)
    (foreign / "keys").write_text(new_key())
    with pytest.raises(BackupRefused):
        open_and_restore(settings_of(foreign), file)
    assert not (foreign / "cfm.sqlite").exists()

    both = new_key() + "," + (home / "keys").read_text().strip()
    open_and_restore(settings_of(foreign, CFM_SECRET_KEYS=both), file)
    assert key_file(settings_of(foreign)).read_text() != (home / "keys").read_text()


def open_and_restore(where: Settings, file: Path) -> None:
    database = Database(where.database_url, pool_size=2)
    try:
        restore(database, where, file, progress=silent)
    finally:
        database.dispose()
