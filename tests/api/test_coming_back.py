"""A customer who comes back long after an item was closed: one new item for it, for those who may see the old one."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Feedback
from cfm_workflow.queries import callers
from cfm_workflow.queries import feedback as feedback_query
from tests import invariants
from tests.concurrency.at_once import at_once
from tests.world import Person, World

LONG: timedelta = timedelta(days=15)
KIM = {"name": "Kim Minji", "email": "minji@example.com"}


def word(person: Person, item: int, body: str = "It is sealed again.") -> int:
    """The item on which a word of the customer is recorded."""
    said = {"channel": "phone", "direction": "in", "body": body}
    ident: int = person.expect(201, "POST", f"/feedback/{item}/messages", said)["items"][0]["feedback"]
    return ident


def close(world: World, item: int) -> None:
    world.ada.post(f"/feedback/{item}/close", {"reason": "All said."})
    clock.freeze(clock.now() + LONG)


@pytest.fixture
def line(world: World, noon: datetime) -> list[int]:
    """An item on which a restricted team worked, what followed it when that was closed, and what followed that."""
    vera, hana = world.person("Vera", "agent"), world.person("Hana", "agent")
    world.person("Sid", "supervisor", supervises=["care"])
    world.ada.post(
        "/teams", {"key": "legal", "name": "Legal", "restricted": True, "lead": vera.email, "members": [vera.email]}
    )
    item = vera.post("/feedback", {"text": "A sealed complaint.", "customer": KIM})["id"]
    for who in ({"team": "legal", "mode": "pool"}, {"user": hana.email}):
        made = vera.post(f"/feedback/{item}/actions", {"title": "Answer", "assignees": [who]})
        vera.fire(made["actions"][0], "cancel", reason="Said by phone.")
    found = [item]
    for _ in range(2):
        close(world, found[-1])
        found.append(word(vera, item))
    return found


def test_what_follows_a_restricted_item_is_not_there_for_those_outside(world: World, line: list[int]) -> None:
    _, second, third = line
    made = world.vera.post(f"/feedback/{third}/actions", {"title": "Call", "assignees": [{"user": world.hana.email}]})
    call = made["actions"][0]["id"]
    world.vera.post(f"/feedback/{third}/notes", {"body": "sealed note"})
    for person in (world.mallory, world.sid, world.bob):
        for path in (f"/feedback/{second}", f"/feedback/{third}", f"/feedback/{third}/timeline", f"/actions/{call}"):
            person.expect(404, "GET", path)
        assert (
            person.get("/feedback", count="true")["total"]
            == person.get("/feedback", q="sealed", count="true")["total"]
            == 0
        )
        assert person.get("/actions")["items"] == []
    made = world.ada.post("/integrations", {"name": "tail", "scopes": ["events:read"]})
    headers = {"Authorization": f"Bearer {made['token']}"}
    feed = world.app.test_client().get("/api/v1/events?limit=1000", headers=headers).json
    assert "sealed" not in str(feed)


def test_what_follows_it_is_there_for_all_who_see_the_first_one(world: World, line: list[int]) -> None:
    for person in (world.vera, world.hana, world.sam, world.ada):  # Hana had work on the first one
        assert {each["id"] for each in person.get("/feedback")["items"]} == set(line)
        assert person.get(f"/feedback/{line[-1]}")["follows"] == line[1]
    with world.service.database.reading() as session:
        everybody = {person.id for person in world.people.values()}
        can_read = feedback_query.readers(session, line[-1], everybody)
        sees = {who.id for who in callers.by_ids(session, everybody) if _sees(session, who, line[-1])}
    assert can_read == sees == {getattr(world, name).id for name in ("vera", "hana", "sam", "ada")}


def _sees(session: Any, caller: Any, item: int) -> bool:
    query = select(Feedback.id).where(feedback_query.may_see(caller), Feedback.id == item)
    return session.scalars(query).first() is not None


def test_while_what_follows_it_is_open_further_words_belong_to_it(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)["id"]
    close(world, item)
    second = word(world.olga, item)
    assert second != item and [word(world.olga, each) for each in (item, second, item)] == [second] * 3
    world.ada.post(f"/feedback/{second}/close", {"reason": "All said."})
    assert word(world.olga, item) == second  # soon after, it is open again
    assert world.ada.get(f"/feedback/{second}")["status"] != "closed"
    close(world, second)
    third = word(world.olga, item)
    assert world.ada.get(f"/feedback/{third}")["follows"] == second
    assert world.ada.get("/feedback", count="true")["total"] == 3
    invariants.check(world.service.database)


def test_of_many_late_words_at_once_one_begins_a_new_item(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)["id"]
    close(world, item)
    at_once([lambda: word(world.olga, item)] * 4)
    assert world.ada.get("/feedback", count="true")["total"] == 2
