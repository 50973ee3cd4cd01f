"""The log of mails: what supervisors can see of it, filtered and page by page."""

from datetime import datetime, timedelta

import pytest

from cfm_workflow import clock
from cfm_workflow.queries import mails
from cfm_workflow.worker.mail import Mail
from tests.world import World


def send_due(world: World) -> None:
    """Into the outbox: there is no server."""
    channel, database, now = Mail(world.service), world.service.database, clock.now()
    with database.reading() as session:
        people = channel.receivers(session, worker="test", now=now)
    for person in people:
        for claimed in database.transaction(
            lambda session: channel.claim(session, person, worker="test", count=10, now=now)  # noqa: B023
        ):
            channel.deliver(claimed)


def test_a_supervisor_sees_what_became_of_each_mail(world: World, noon: datetime) -> None:
    world.give("Alice", "Bob")
    clock.freeze(noon + timedelta(seconds=60))
    send_due(world)
    world.action("Alice")
    waiting, bobs, alices = world.sam.get("/mails")["items"]
    assert (waiting["state"], waiting["tries"], waiting["attempts"]) == ("pending", 0, [])
    assert waiting["next_at"] == "2026-11-23T12:02:00Z"
    assert bobs["person"] == {"id": world.bob.id, "name": "Bob", "email": "bob@example.com"}
    assert (alices["state"], alices["next_at"]) == ("kept", None)
    [attempt] = alices["attempts"]
    assert (attempt["number"], attempt["verdict"], attempt["ended_at"]) == (1, "kept", "2026-11-23T12:01:00Z")


def test_mails_are_found_by_person_and_state(world: World, noon: datetime) -> None:
    world.give("Alice", "Bob")
    clock.freeze(noon + timedelta(seconds=60))
    send_due(world)
    newest = world.action("Alice")
    assert newest["assignee"]["name"] == "Alice"

    def found(**query: str) -> list[tuple[str, str]]:
        return [(mail["person"]["name"], mail["state"]) for mail in world.sam.get("/mails", **query)["items"]]

    assert found(person="alice@example.com") == [("Alice", "pending"), ("Alice", "kept")]
    assert found(person=str(world.bob.id)) == [("Bob", "kept")]
    assert found(state="pending") == [("Alice", "pending")]
    assert found(person="alice@example.com", state="dead") == found(person="nobody@example.com") == []
    page = world.sam.get("/mails", limit=2)
    rest = world.sam.get("/mails", limit=2, cursor=page["next_cursor"])
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]


@pytest.mark.parametrize("query", [{"state": "lost"}, {"person": ""}, {"cursor": "x"}, {"sort": "id"}])
def test_a_wrong_question_names_what_is_wrong(small_world: World, query: dict[str, str]) -> None:
    problem = small_world.sam.expect(422, "GET", "/mails", query_string=query)
    assert list(problem["errors"]) == list(query)


def test_what_will_never_arrive_is_counted(small_world: World) -> None:
    with small_world.service.database.reading() as session:
        assert mails.given_up(session) == 0
