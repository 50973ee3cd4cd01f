"""Migrations: they make what the models say, up and down, with data, one process at a time, whole or not at all."""

import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

import cfm_workflow.models  # noqa: F401 - fills the metadata
from cfm_workflow import migrating
from cfm_workflow.db import Base, Database
from cfm_workflow.errors import NotReady
from cfm_workflow.models import Installation, LedgerHead, Outcome
from tests import servers
from tests.world import World

CHECKOUT = Path(__file__).resolve().parent.parent
FULL_TEXT = "feedback_search"

UPGRADE = """
import sys
from cfm_workflow import migrating
from cfm_workflow.db import Database
database = Database(sys.argv[1])
migrating.upgrade(database)
database.dispose()
"""


@pytest.fixture
def empty(database_kind: str, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    url = f"sqlite:///{tmp_path / 'cfm.sqlite'}" if database_kind == "sqlite" else empty_postgresql()
    database = Database(url, pool_size=2)
    yield database
    database.dispose()
    if database_kind == "postgresql":
        servers.drop(url)


def empty_postgresql() -> str:
    try:
        return servers.fresh_database()
    except servers.Unavailable as reason:
        servers.require(str(reason))


def table_names(database: Database) -> set[str]:
    with database.reading() as session:
        return set(inspect(session.connection()).get_table_names())


def differences(database: Database) -> list[Any]:
    def compared(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or not str(name).startswith(FULL_TEXT)

    with database.reading() as session, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Computed default")  # behaviour is tested below
        warnings.filterwarnings("ignore", message="autogenerate skipping metadata-specified expression-based index")
        options = {"compare_type": True, "include_name": compared, "target_metadata": Base.metadata}
        context = MigrationContext.configure(session.connection(), opts=options)
        return list(compare_metadata(context, Base.metadata))


def test_the_migrated_schema_equals_the_models(empty: Database) -> None:
    migrating.upgrade(empty)
    assert differences(empty) == []


def test_a_new_database_begins_with_its_single_rows_and_the_outcomes(empty: Database) -> None:
    migrating.upgrade(empty)
    with empty.reading() as session:
        head = session.scalars(select(LedgerHead)).one()
        assert (head.id, head.base, head.last) == (1, 0, 0)
        assert session.scalars(select(Installation.id)).one() == 1
        outcomes = {outcome.key: outcome for outcome in session.scalars(select(Outcome).order_by(Outcome.id))}
    assert list(outcomes) == ["fixed", "answered", "duplicate", "wont_fix", "no_action_needed"]
    assert [key for key, outcome in outcomes.items() if outcome.requires_reason] == ["wont_fix"]
    assert [key for key, outcome in outcomes.items() if outcome.benefits_customer] == ["fixed", "answered"]
    assert all(outcome.active and set(outcome.label) == {"en", "ko"} for outcome in outcomes.values())


def test_every_migration_goes_down_and_up_again(empty: Database) -> None:
    migrating.upgrade(empty)
    full = table_names(empty)
    steps = 0
    while migrating.current(empty) is not None:
        migrating.downgrade(empty)
        steps += 1
    assert steps > 0 and table_names(empty) == {"alembic_version"}
    migrating.upgrade(empty)
    assert table_names(empty) == full and differences(empty) == []


def test_data_does_not_hinder_the_way_down_and_up(world: World) -> None:
    world.alice.fire(world.action(), "accept")
    database = world.service.database
    migrating.downgrade(database, migrating.BASE)
    migrating.upgrade(database)
    assert differences(database) == []


def test_actions_without_a_due_date_stand_behind_all_others(world: World) -> None:
    last, first = world.action(), world.action(due_in="P2D")
    listed = world.alice.get("/actions", assignee="me", sort="due_at")["items"]
    assert [action["id"] for action in listed] == [first["id"], last["id"]]


def test_full_text_follows_every_change_on_sqlite(small_world: World) -> None:
    world = small_world
    item = world.feedback("The réseau is slow.")

    def found(word: str) -> int:
        with world.service.database.reading() as session:
            query = text("SELECT count(*) FROM feedback_search WHERE feedback_search MATCH :word")
            return int(session.execute(query, {"word": word}).scalar_one())

    assert (found("slow"), found("réseau"), found("reseau")) == (1, 1, 0)
    world.olga.expect(200, "PATCH", f"/feedback/{item['id']}", {"text": "It is fine now."})
    assert (found("slow"), found("fine")) == (0, 1)
    world.service.database.transaction(lambda session: session.execute(text("DELETE FROM feedback")))
    assert found("fine") == 0


def test_an_sqlite_file_is_copied_before_it_is_changed(small_world: World, tmp_path: Path) -> None:
    item = small_world.feedback("Keep me.")
    migrating.downgrade(small_world.service.database, migrating.BASE)
    copy = tmp_path / "cfm.sqlite.before-base"
    assert copy.stat().st_mode & 0o077 == 0
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT text FROM feedback WHERE id = ?", [item["id"]]).fetchone() == ("Keep me.",)
    connection.close()


def test_a_migration_that_fails_leaves_the_old_schema(empty: Database) -> None:
    migrating.upgrade(empty)
    before = table_names(empty)

    # A trigger on the version's row breaks the last statement of the migration.
    breaker = (
        ["CREATE TRIGGER stop BEFORE UPDATE ON alembic_version BEGIN SELECT RAISE(ABORT, 'no'); END"]
        if empty.is_sqlite
        else [
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'",
            "CREATE TRIGGER stop BEFORE UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION stop()",
        ]
    )
    for statement in breaker:
        empty.transaction(lambda session, sql=statement: session.execute(text(sql)))  # type: ignore[misc]
    with pytest.raises(Exception, match="no"):
        migrating.downgrade(empty)
    assert table_names(empty) == before and migrating.current(empty) == migrating.newest()


def test_processes_that_migrate_at_once_agree(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False)
    others = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, url], cwd=CHECKOUT, stderr=subprocess.PIPE) for _ in range(3)
    ]
    errors = [other.communicate(timeout=60)[1] for other in others]
    assert [other.returncode for other in others] == [0, 0, 0], errors
    migrating.check(empty)


def test_another_schema_is_refused_and_the_way_out_is_named(empty: Database) -> None:
    with pytest.raises(NotReady, match="cfm db upgrade"):
        migrating.check(empty)
    migrating.upgrade(empty)
    migrating.check(empty)
    empty.transaction(lambda session: session.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    for refused in (migrating.check, migrating.upgrade, migrating.downgrade):
        with pytest.raises(NotReady, match="9999"):
            refused(empty)


def test_looking_at_a_missing_sqlite_file_does_not_make_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'cfm.sqlite'}", pool_size=1)
    assert migrating.current(database) is None
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_revision_is_refused(empty: Database) -> None:
    migrating.upgrade(empty)
    with pytest.raises(NotReady, match="nonsense"):
        migrating.downgrade(empty, "nonsense")
    assert migrating.current(empty) == migrating.newest()
