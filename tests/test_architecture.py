"""The rules of the house (ARCHITECTURE.md): imports point down, and each door has exactly one implementation."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cfm_workflow.access import RIGHTS
from cfm_workflow.api.routing import OPERATIONS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cfm_workflow"

FLOORS: list[set[str]] = [
    {"__init__"},
    {"cli"},
    {"web", "api", "worker"},
    {"service"},
    {"backup", "restore", "archive", "migrating"},
    {"forms"},
    {"delivery"},
    {"operations"},
    {"ledger", "queries"},
    {"letters"},
    {"access"},
    {"models"},
    {"security", "db", "logs"},
    {"intake"},
    {"policy", "workflow", "texts"},
    {"settings", "setting_values"},
    {"errors", "clock", "limits"},
]
"""Top to bottom. Rooms on one floor stand side by side."""

TOGETHER = [{"ledger", "queries"}, {"settings", "setting_values"}, {"backup", "restore", "archive", "migrating"}]
"""Rooms of one floor that may know each other; all others may not."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def floor(name: str) -> int:
    return next(n for n, rooms in enumerate(FLOORS) if name in rooms)


@cache
def tree(path: Path) -> ast.Module:
    """What stands in a file: each is looked at by many tests."""
    return ast.parse(path.read_text())


def imported_rooms(path: Path) -> Iterator[str]:
    """The rooms of this package that a file imports, at its top or inside a function."""
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "cfm_workflow":
            names = [f"cfm_workflow.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            parts = name.split(".")
            if parts[0] == "cfm_workflow" and len(parts) > 1:
                yield parts[1]


def test_every_room_has_a_floor() -> None:
    assert {room(path) for path in modules()} <= set().union(*FLOORS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    for there in imported_rooms(path):
        if there == here or there in ("create_app", "__version__"):
            continue
        together = any({here, there} <= rooms for rooms in TOGETHER)
        assert together or floor(there) > floor(here), f"{here} may not import {there}"


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, with the dotted name of what is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def names_where(found: Iterator[Path]) -> set[str]:
    return {str(path.relative_to(PACKAGE)) for path in found}


def test_only_the_database_room_commits() -> None:
    """Alembic and a restore, which have no session, commit their own connections."""
    committing = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name, _ in calls(path)
        if name.endswith((".commit", ".rollback", "engine.begin"))
    }
    assert committing <= {"db.py", "migrating.py", "restore.py"}


def test_only_the_workflow_assigns_a_state() -> None:
    """Of an action: groups, imports and items have states of their own, written by column."""
    assigning = set()
    for path in modules():
        for node in ast.walk(tree(path)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                flat = target.elts if isinstance(target, ast.Tuple) else [target]
                if any(isinstance(each, ast.Attribute) and each.attr == "state" for each in flat):
                    assigning.add(str(path.relative_to(PACKAGE)))
    others = {"operations/imports.py", "operations/absences.py", "operations/stand_ins.py"}  # not of actions
    assert assigning <= {"workflow/firing.py", "workflow/machine.py"} | others


def test_only_the_mover_and_what_follows_from_it_fire() -> None:
    firing = names_where(path for path in modules() if any(name == "fire" for name, _ in calls(path)))
    assert firing == {"operations/actions/steps.py", "operations/actions/roll_up.py", "operations/actions/fan_out.py"}


def test_only_the_ledger_writes_events() -> None:
    writing = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name, call in calls(path)
        if name in ("insert", "update", "delete", "Event")
        and (name == "Event" or any("Event" in ast.unparse(argument).split(".")[0] for argument in call.args))
    }
    assert writing == {"ledger/events.py"}


def test_only_the_clock_knows_the_time() -> None:
    telling = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name, _ in calls(path)
        if name.split(".")[-1] in ("now", "utcnow", "today", "time", "monotonic", "perf_counter")
        and name.split(".")[0] in ("datetime", "date", "time")
    }
    assert telling == {"clock.py"}


OUTSIDE = ("socket", "ssl", "urllib.request", "urllib3", "requests", "smtplib", "http.client", "flask_mail")


def test_only_the_delivery_room_talks_to_the_network() -> None:
    talking = set()
    for path in modules():
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name == outside or name.startswith(f"{outside}.") for name in names for outside in OUTSIDE):
                talking.add(room(path))
    assert talking == {"delivery"}


def test_every_operation_states_its_right_and_only_the_contract_needs_none() -> None:
    assert {operation.name for operation in OPERATIONS if operation.right is None} == {"getOpenapi"}
    assert {operation.right for operation in OPERATIONS} - {None} <= RIGHTS.keys()


def test_operation_names_and_paths_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_files_begin_by_saying_what_they_are_for() -> None:
    silent = [path for path in modules() if path.read_text().strip() and not ast.get_docstring(tree(path))]
    assert names_where(iter(silent)) == set()
