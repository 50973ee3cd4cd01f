"""Notes over the API: written, changed, deleted, mentioning; who may, and who is told."""

from typing import Any

from sqlalchemy import select

from cfm_workflow import limits
from cfm_workflow.models import Notice
from tests.world import Person, World


def write(person: Person, item: Any, body: str, **fields: Any) -> Any:
    return person.expect(201, "POST", f"/feedback/{item['id']}/notes", {"body": body} | fields)


def told(world: World, event: str) -> list[int]:
    with world.service.database.reading() as session:
        query = select(Notice.account_id).where(Notice.kind == event, Notice.batch.is_not(None))
        return sorted(session.scalars(query))


def test_the_mentioned_are_told_at_once_and_once(world: World) -> None:
    item = world.feedback()
    note = write(world.olga, item, "@Alice and @Olga, have a look")
    assert [one["name"] for one in note["mentions"]] == ["Alice", "Olga"]
    assert told(world, "note.added") == [world.alice.id]
    path = f"/notes/{note['id']}"
    world.olga.expect(200, "PATCH", path, {"body": "@Alice and @Bob, have a look"})
    assert told(world, "note.changed") == [world.bob.id]
    assert [one["id"] for one in world.alice.get("/me/mentions")["items"]] == [note["id"]]
    assert world.olga.get("/me/mentions")["items"] == []


def test_what_was_changed_can_be_read_and_what_was_deleted_cannot(world: World) -> None:
    item = world.feedback()
    note = write(world.olga, item, "**one**")
    path = f"/notes/{note['id']}"
    world.alice.expect(403, "PATCH", path, {"body": "mine"})
    world.olga.expect(200, "PATCH", path, {"body": "two"})
    assert [old["body"] for old in world.bob.get(f"{path}/versions")["items"]] == ["**one**", "two"]
    world.alice.expect(403, "DELETE", path)
    world.sam.expect(204, "DELETE", path)
    gone = world.bob.get(path)
    assert gone["body"] is gone["html"] is None
    assert gone["deleted_by"]["name"] == "Sam"
    assert [old["body"] for old in world.bob.get(f"{path}/versions")["items"]] == [None, None]
    world.olga.expect(409, "PATCH", path, {"body": "again"})


def test_a_reminder_can_be_set_straight_from_the_note(world: World) -> None:
    item = world.feedback()
    note = write(world.olga, item, "## Call back\nsoon", remind_at="2099-12-01T17:00:00Z")
    assert note["reminder"]["text"] == "Call back"
    assert [one["id"] for one in world.olga.get("/reminders")["items"]] == [note["reminder"]["id"]]


def test_too_much_is_refused_and_an_erased_item_keeps_no_words(world: World) -> None:
    item = world.feedback()
    path = f"/feedback/{item['id']}/notes"
    world.olga.expect(422, "POST", path, {"body": "x" * (limits.NOTE + 1)})
    world.olga.expect(413, "POST", path, {"body": "x" * 10_000_000})
    note = write(world.olga, item, "Minji is angry")
    world.olga.expect(200, "PATCH", f"/notes/{note['id']}", {"body": "Minji is calm"})
    world.ada.expect(204, "DELETE", f"/feedback/{item['id']}")
    seen = str(world.olga.get(path)) + str(world.olga.get(f"/notes/{note['id']}/versions"))
    seen += str(world.olga.get(f"/feedback/{item['id']}/timeline"))
    assert "Minji" not in seen
    world.olga.expect(409, "POST", path, {"body": "more"})


def test_people_and_teams_are_found_by_the_beginning_of_a_word(world: World) -> None:
    assert [one["name"] for one in world.olga.get("/mentionable", q="ali")["items"]] == ["Alice"]
