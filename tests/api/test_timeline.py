"""The timeline of an item: one list of all that happened, forwards and backwards, with notes as they are now."""

from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.access import system
from cfm_workflow.models import Event
from cfm_workflow.queries import timeline
from tests.plans import plan
from tests.world import World


def read(world: World, item: Any, **query: Any) -> list[Any]:
    """The whole of it, page by page."""
    found, cursor = [], None
    while True:
        page = world.olga.get(f"/feedback/{item['id']}/timeline", **query, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return found


def test_a_note_stands_once_where_it_was_written_and_says_what_it_says_now(world: World) -> None:
    item = world.feedback()
    path = f"/feedback/{item['id']}/notes"
    first, second = (world.olga.post(path, {"body": body}) for body in ("*one*", "two"))
    world.olga.expect(200, "PATCH", f"/notes/{first['id']}", {"body": "**three**"})
    world.sam.expect(204, "DELETE", f"/notes/{second['id']}")
    _, changed, deleted = read(world, item)
    assert changed["type"] == deleted["type"] == "note.added"
    assert changed["note"] == world.olga.get(f"/notes/{first['id']}")
    assert changed["note"]["html"] == "<p><strong>three</strong></p>\n" and changed["note"]["changed_at"]
    assert deleted["note"]["body"] is None and deleted["note"]["deleted_by"]["name"] == "Sam"
    assert "two" not in str(deleted)


def test_what_a_reminder_says_is_for_those_who_may_read_it(world: World) -> None:
    item = world.feedback()
    wanted = {"feedback": item["id"], "remind_at": "2099-12-01T17:00:00Z", "text": "Call back"}
    made = world.alice.post("/reminders", wanted)
    changed = world.alice.expect(200, "PATCH", f"/reminders/{made['id']}", {"text": "Call again"})
    for person in (world.alice, world.sam):
        _, entry, last = person.get(f"/feedback/{item['id']}/timeline")["items"]
        assert entry["reminder"] == last["reminder"] == changed
    others = world.mallory.get(f"/feedback/{item['id']}/timeline")["items"]
    assert [entry["type"] for entry in others] == ["feedback.received", "reminder.set", "reminder.changed"]
    assert "Call" not in str(others)


def test_it_is_read_forwards_and_backwards_page_by_page(world: World) -> None:
    item, elsewhere = world.feedback(), world.action()
    for n in range(3):
        world.olga.post(f"/feedback/{item['id']}/notes", {"body": f"Note {n}"})
    world.give("Alice", item=item)
    world.olga.expect(200, "PUT", f"/actions/{elsewhere['id']}/feedback/{item['id']}")
    world.alice.fire(elsewhere, "accept")
    forwards = read(world, item)
    assert [entry["type"] for entry in forwards] == [
        "feedback.received",
        "action.assigned",  # elsewhere, before it was linked
        "note.added",
        "note.added",
        "note.added",
        "action.assigned",
        "action.linked",
        "action.accepted",
    ]
    for size in (1, 3):
        assert read(world, item, limit=size) == forwards
        assert read(world, item, limit=size, order="desc") == forwards[::-1]
    page = world.olga.get(f"/feedback/{item['id']}/timeline", limit=1)
    backwards = {"cursor": page["next_cursor"], "order": "desc"}
    world.olga.expect(422, "GET", f"/feedback/{item['id']}/timeline", query_string=backwards)


@pytest.mark.parametrize("order", timeline.ORDERS)
def test_a_long_one_among_many_is_found_by_its_index(world: World, order: str) -> None:
    item, elsewhere = world.feedback(), world.action()
    wanted = {"order": order, "limit": 50}

    def ask(session: Session) -> None:
        timeline.positions(session, system("clock"), item["id"], wanted)

    row: dict[str, Any] = dict.fromkeys(("sequence", "actor_id", "action_id", "contact"))
    row |= {"event_id": "evt", "type": "feedback.changed", "at": clock.now(), "subject_type": "feedback"}
    row |= {"actor_type": "user", "audit": False, "imported": False, "body": "{}"}
    many = [{"position": 10**14 + n, "subject_id": n % 40, "feedback_id": n % 40} for n in range(4_000)]
    world.service.database.transaction(lambda session: session.execute(insert(Event), [row | one for one in many]))
    assert "ix_events_feedback_id_position" in plan(world, ask)
    world.olga.expect(200, "PUT", f"/actions/{elsewhere['id']}/feedback/{item['id']}")
    linked = plan(world, ask)
    assert "ix_events_feedback_id_position" in linked
    assert "events_action_id" in linked or "(action_id=?" in linked
