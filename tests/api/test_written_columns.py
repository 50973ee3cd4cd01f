"""Claims about what an UPDATE of an action names: what has changed, and no more."""

import re
from typing import Any

from sqlalchemy import event

from tests.world import World


def updated(world: World, work: Any) -> set[str]:
    """The columns of actions that are written while `work` is done."""
    seen: set[str] = set()

    def look(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("UPDATE actions SET"):
            seen.update(re.findall(r"(\w+)=", statement.split(" WHERE ")[0]))

    event.listen(world.service.database.writer, "before_cursor_execute", look)
    try:
        work()
    finally:
        event.remove(world.service.database.writer, "before_cursor_execute", look)
    return seen


def test_a_comment_and_a_step_write_what_they_change(world: World) -> None:
    action = world.action("Alice")
    path = f"/actions/{action['id']}"

    commented = updated(world, lambda: world.alice.post(f"{path}/comments", {"comment": "On it."}))
    assert commented == {"sequence", "version"}
    accepted = updated(world, lambda: world.alice.fire(action, "accept"))
    assert {"state", "category", "accepted_at", "version"} <= accepted
    assert not accepted & {"title", "due_at", "due_sort", "assignee_id", "outcome_id", "root_cause", "finished_at"}


def test_rows_of_which_different_columns_change_are_all_written(world: World) -> None:
    first, second, third = (world.action("Alice") for _ in range(3))
    world.alice.fire(first, "accept")
    world.alice.fire(third, "start", through=True)
    ids = [first["id"], second["id"], third["id"]]

    world.sam.post("/actions/bulk", {"ids": ids, "transition": "cancel", "reason": "Not needed."})

    shown = [world.alice.get(f"/actions/{ident}") for ident in ids]
    assert [each["state"] for each in shown] == ["cancelled"] * 3
    assert [each["accepted_at"] is None for each in shown] == [False, True, False]
    assert all(each["finished_at"] for each in shown)
