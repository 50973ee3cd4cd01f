"""Notes over the API: written, changed, deleted, mentioning; who may, and who is told."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from cfm_workflow import limits
from cfm_workflow.models import Delivery, Notice
from tests.api.statements import counted
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


def test_a_deleted_note_is_told_to_nobody_any_more(world: World) -> None:
    item = world.feedback()
    world.olga.expect(200, "PUT", f"/feedback/{item['id']}/watchers/{world.olga.id}")
    kept, gone = (write(world.alice, item, "@Bob, look") for _ in range(2))
    world.alice.expect(204, "DELETE", f"/notes/{gone['id']}")
    [event] = [event for event in world.events(types="note.added") if event["data"]["note"]["id"] == kept["id"]]
    with world.service.database.reading() as session:
        told_of = session.execute(select(Notice.account_id, Notice.position).where(Notice.kind == "note.added")).all()
        mails = session.scalars(select(Delivery.state).where(Delivery.account_id == world.bob.id)).all()
    assert sorted(told_of) == sorted((who, event["data"]["position"]) for who in (world.olga.id, world.bob.id))
    assert sorted(mails) == ["cancelled", "pending"]


def test_a_first_name_mentions_the_only_one_who_has_it(world: World) -> None:
    minsu, item = world.person("김민수", "agent"), world.feedback()
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"name": "Robert Bolt"})
    assert [one["id"] for one in write(world.olga, item, "@민수님께 @robert")["mentions"]] == [minsu.id, world.bob.id]
    world.ada.post("/users", {"email": "rr@example.com", "name": "Robert Rey", "role": "agent"})
    again = write(world.olga, item, "@Robert knows")
    assert (again["mentions"], again["unresolved"]) == ([], ["@Robert"])


def test_a_mention_tells_nobody_who_may_not_see_the_item(world: World) -> None:
    legal = {"key": "legal", "name": "Legal", "members": [world.bob.email], "restricted": True}
    world.ada.post("/teams", legal)
    item = world.feedback()
    body = {"title": "Answer", "assignees": [{"team": "legal", "mode": "pool"}]}
    world.ada.post(f"/feedback/{item['id']}/actions", body)
    note = write(world.ada, item, "@Bob, @Sam and @Mallory")
    assert note["not_told"] == ["Mallory"]
    assert told(world, "note.added") == sorted([world.bob.id, world.sam.id])
    assert world.mallory.get("/me/mentions")["items"] == []


def test_a_mention_of_many_costs_no_statement_for_each(world: World) -> None:
    names = [world.person(f"P{n}", "agent").email for n in range(12)]
    world.ada.post("/teams", {"key": "crew", "name": "Crew", "members": names, "restricted": True})
    item = world.feedback()
    body = {"title": "Answer", "assignees": [{"team": "crew", "mode": "pool"}]}
    world.ada.post(f"/feedback/{item['id']}/actions", body)
    write(world.ada, item, "@Bob")
    with counted(world.service) as one:
        assert write(world.ada, item, "@P1")["mentions"]
    with counted(world.service) as many:
        assert write(world.ada, item, "@crew, @Mallory, please")["not_told"] == ["Mallory"]
    assert sum(many.values()) <= sum(one.values()) + 2


def test_a_reminder_can_be_set_in_words(world: World, noon: datetime) -> None:
    item = world.feedback()
    world.olga.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    note = write(world.olga, item, "Call back", remind_in_words="내일 17시")
    assert note["reminder"]["remind_at"] == world.olga.get("/when", text="tomorrow 5pm")["at"] == "2026-11-24T08:00:00Z"
    path = f"/feedback/{item['id']}/notes"
    for fields, wrong in (
        ({"remind_in_words": "soon"}, "remind_in_words"),
        ({"remind_in_words": "tomorrow", "remind_at": "2099-12-01T17:00:00Z"}, "remind_in_words"),
        ({"remind_at": "2020-12-01T17:00:00Z"}, "remind_at"),
    ):
        assert list(world.olga.expect(422, "POST", path, {"body": "x"} | fields)["errors"]) == [wrong]
    assert list(world.olga.expect(422, "GET", "/when?text=5")["errors"]) == ["text"]
    assert len(world.olga.get(path)["items"]) == 1


def test_a_reminder_can_be_set_straight_from_the_note(world: World) -> None:
    item = world.feedback()
    note = write(world.olga, item, "## Call back\nsoon", remind_at="2099-12-01T17:00:00Z")
    assert note["reminder"]["text"] == "Call back"
    assert [one["id"] for one in world.olga.get("/reminders")["items"]] == [note["reminder"]["id"]]


def test_too_much_is_refused_and_an_erased_item_keeps_no_words(world: World) -> None:
    item = world.feedback()
    path = f"/feedback/{item['id']}/notes"
    for body in ("x" * (limits.NOTE + 1), "@Bob " * (limits.NOTE // 5)):
        assert list(world.olga.expect(422, "POST", path, {"body": body})["errors"]) == ["body"]
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
    assert {"type": "team", "id": world.care["id"], "name": "Customer care", "teams": []} in world.olga.get(
        "/mentionable"
    )["items"]
