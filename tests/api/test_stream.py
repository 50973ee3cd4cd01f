"""The live stream: the events of the feed as they happen, to those who may read them, for as long as they may."""

import threading
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

import pytest

from cfm_workflow import access, clock, ledger
from cfm_workflow.api.listener import ROOM, Heard, Line
from cfm_workflow.api.stream import BEAT, LONGEST
from cfm_workflow.ledger import Fact
from cfm_workflow.queries.events import Stretch
from tests.sse import Stream, Told, listening
from tests.world import Person, World


def bodies(person: Person, **query: object) -> list[str]:
    """The feed as it goes over the wire, cut into the bodies of its events."""
    text = person.ask("GET", "/events", query_string={"limit": 1000, **query}).text
    inner = text[len('{"items":[') : text.rindex('],"last_position"')]
    return inner.replace('},{"type":', '}\n{"type":').split("\n") if inner else []


def position(person: Person) -> int:
    return int(person.get("/events", after="latest")["last_position"])


def mark(world: World, ident: int = 1, *, event_type: str = "outcome.changed", count: int = 1) -> None:
    """Commit some events that tell nothing but a number."""
    facts = [Fact(event_type, ident, {"n": n}, access.system("test")) for n in range(count)]
    world.service.database.transaction(lambda session: ledger.record(session, facts, now=clock.now()))


def integration(world: World) -> Person:
    """A program that may read events."""
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["events:read"]})
    return Person("CRM", made["id"], "", made["token"], world.app.test_client())


def work(world: World) -> None:
    """A day's work: many events of several kinds, some in one transaction."""
    action = world.action()
    for transition, fields in (("accept", {}), ("start", {}), ("complete", {"outcome": "fixed"})):
        world.alice.fire(action, transition, **fields)
    world.give("Bob", "Lea")


def test_every_event_comes_with_the_very_bytes_of_the_feed(world: World) -> None:
    with listening(world.ada, after=0) as stream:
        behind = stream.events(len(bodies(world.ada)))
        work(world)
        live = stream.events(len(bodies(world.ada)) - len(behind))
    assert [told.data for told in behind + live] == bodies(world.ada)
    for told, event in zip(behind + live, world.events(), strict=True):
        assert (told.id, told.event) == (event["data"]["position"], event["type"])


def test_a_stream_begins_with_what_comes_from_now_on_and_says_where_that_is(world: World) -> None:
    work(world)
    now = position(world.ada)
    response = world.ada.ask("GET", "/events/stream")
    first = Stream(response).block()
    response.close()
    assert (first.id, first.event) == (now, None)
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Accel-Buffering"] == "no"
    with listening(world.ada) as stream:
        world.feedback()
        [told] = stream.events(1)
    assert told.event == "feedback.received" and told.id is not None and told.id > now


def test_the_streams_that_are_open_are_counted(small_world: World) -> None:
    def is_counted(count: int) -> bool:
        return f"cfm_streams_open {count}.0\n" in small_world.app.test_client().get("/metrics").text

    assert is_counted(0)
    first, second = (small_world.ada.ask("GET", "/events/stream") for _ in range(2))
    assert is_counted(2)
    first.close()
    assert is_counted(1)
    second.close()
    assert is_counted(0)


def test_the_first_line_says_when_to_come_back(small_world: World) -> None:
    response = small_world.ada.ask("GET", "/events/stream")
    assert next(response.iter_encoded()).startswith(b"retry: 2000\n")
    response.close()


def test_a_stream_that_is_cut_at_any_event_goes_on_behind_it(world: World) -> None:
    work(world)
    with listening(world.ada, after=0) as stream:
        whole = stream.events(len(bodies(world.ada)))
    for n, told in enumerate(whole[:-1]):
        with listening(world.ada, last=told.id, after=0) as stream:
            assert stream.events(len(whole) - n - 1) == whole[n + 1 :]


def test_a_stream_that_was_cut_before_any_event_goes_on_where_it_began(world: World) -> None:
    response = world.ada.ask("GET", "/events/stream")
    began = Stream(response).block().id
    response.close()
    world.feedback()
    with listening(world.ada, last=began) as stream:
        assert stream.block().event == "feedback.received"


@pytest.mark.parametrize("last", ["x", "", "-1", "latest", "1.5", "9" * 17, str(2**53), "1 2"])
def test_a_last_event_id_that_is_no_position_is_named(small_world: World, last: str) -> None:
    headers = {"Last-Event-ID": last}
    problem = small_world.ada.expect(422, "GET", "/events/stream", headers=headers)
    assert problem["errors"].keys() == {"Last-Event-ID"}


@pytest.mark.parametrize("query", [{"after": "x"}, {"types": "A B"}, {"action": "no"}, {"limit": 5}, {"unknown": 1}])
def test_what_the_stream_cannot_be_asked_for_is_named(small_world: World, query: dict[str, object]) -> None:
    problem = small_world.ada.expect(422, "GET", "/events/stream", query_string=query)
    assert problem["errors"].keys() == query.keys()


FILTERS: list[dict[str, object]] = [
    {"types": "action.*,feedback.resolved"},
    {"types": "feedback.received"},
    {"types": "*"},
    {"types": "*,token.created"},
    {"action": 1},
    {"feedback": 2, "types": "action.started,action.completed"},
]


@pytest.mark.parametrize("query", FILTERS, ids=str)
def test_a_stream_tells_what_it_was_asked_for_whether_it_reads_or_hears_it(
    small_world: World, query: dict[str, object]
) -> None:
    action, other = small_world.action(), small_world.action("Bob")
    small_world.bob.fire(other, "accept")
    small_world.bob.fire(other, "start")
    with listening(small_world.ada, after=0, **query) as stream:
        told = stream.events(len(bodies(small_world.ada, **query)))
        small_world.alice.post("/me/tokens", {"name": "another"})
        small_world.alice.fire(action, "accept")
        small_world.bob.fire(other, "complete", outcome="fixed")
        small_world.feedback()
        expected = bodies(small_world.ada, **query)
        assert len(expected) > len(told) > 0
        assert [one.data for one in told + stream.events(len(expected) - len(told))] == expected


def test_events_for_administrators_are_told_to_administrators_only(world: World) -> None:
    crm = integration(world)
    with listening(crm, after=0) as stream, listening(world.ada) as ada:
        mark(world)
        world.feedback()
        assert stream.block().event == "feedback.received"
        assert [told.event for told in ada.events(2)] == ["outcome.changed", "feedback.received"]
        mark(world)
        world.feedback()
        assert stream.block().event == "feedback.received"


def test_work_of_a_restricted_team_is_not_told_outside_of_it(world: World) -> None:
    crm = integration(world)
    legal = {"key": "legal", "name": "Legal", "restricted": True, "members": ["mallory@example.com"]}
    with listening(crm) as stream:
        world.feedback("Before there was anything to hide.")
        assert stream.block().event == "feedback.received"
        world.ada.post("/teams", legal)
        for _ in range(2):
            item = world.mallory.post("/feedback", {"text": "A sealed complaint."})
            body = {"title": "Answer it", "assignees": [{"team": "legal", "mode": "pool"}]}
            world.mallory.post(f"/feedback/{item['id']}/actions", body)
            seen = world.feedback("Mine is for everybody.")
            told = stream.block()
            assert told.data is not None and '"text":"Mine is for everybody."' in told.data
            assert bodies(crm, feedback=seen["id"]) == [told.data]


def test_a_team_that_becomes_restricted_is_hidden_from_streams_that_are_open(world: World) -> None:
    crm = integration(world)
    with listening(crm) as stream:
        action = world.pool_action()
        assert [told.event for told in stream.events(2)] == ["feedback.received", "action.assigned"]
        world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"restricted": True})
        world.alice.fire(action, "accept")
        world.mallory.post("/feedback", {"text": "For everybody."})
        [told] = stream.events(1)
        assert told.data is not None and "For everybody." in told.data


def test_a_token_that_is_revoked_ends_its_stream_at_once(world: World) -> None:
    made = world.ada.post("/me/tokens", {"name": "spare"})
    spare = Person("Ada", world.ada.id, world.ada.email, made["token"], world.app.test_client())
    with listening(spare) as stream, listening(world.ada) as other:
        world.feedback()
        assert stream.block().event == other.block().event == "feedback.received"
        world.ada.expect(204, "DELETE", f"/me/tokens/{made['id']}")
        world.feedback()
        assert stream.has_ended
        assert [told.event for told in other.events(2)] == ["token.deleted", "feedback.received"]


@pytest.mark.parametrize("change", [{"active": False}, {"role": "supervisor"}])
def test_somebody_who_is_no_administrator_any_more_hears_nothing_more(world: World, change: dict[str, object]) -> None:
    eve = world.person("Eve", "admin")
    with listening(eve) as stream:
        world.feedback()
        assert stream.block().event == "feedback.received"
        world.ada.expect(200, "PATCH", f"/users/{eve.id}", change)
        world.feedback()
        assert stream.has_ended


def test_a_token_that_runs_out_ends_its_stream_at_the_next_heartbeat(small_world: World, noon: object) -> None:
    until = (clock.now() + BEAT).isoformat()
    made = small_world.ada.post("/me/tokens", {"name": "short", "expires_at": until})
    short = Person("Ada", small_world.ada.id, "", made["token"], small_world.app.test_client())
    with listening(short) as stream:
        clock.freeze(clock.now() + BEAT)
        assert stream.has_ended


def test_silence_is_broken_by_a_heartbeat_and_by_how_far_the_feed_was_read(small_world: World, noon: object) -> None:
    with listening(small_world.ada, after=0, types="feedback.closed") as stream:
        clock.freeze(clock.now() + BEAT)
        assert stream.block() == Told(position(small_world.ada), None, None, comment=True)
        clock.freeze(clock.now() + BEAT)
        assert stream.block() == Told(None, None, None, comment=True)


def test_what_is_of_no_interest_moves_a_stream_on_without_waking_it() -> None:
    line = Line()
    line.is_wanted = lambda row: False
    line.tell(Stretch(3, 7, [SimpleNamespace(position=5)]), {5: b""}, is_access_changed=False)  # type: ignore[list-item]
    line.tell(Stretch(7, 9), {}, is_access_changed=False)
    assert not line.awake.is_set()
    assert line.take() == Heard(3, 9, [], is_access_changed=False)
    assert line.take() is None


def test_a_stream_ends_itself_so_that_its_client_resumes(small_world: World, noon: object) -> None:
    with listening(small_world.ada) as stream:
        clock.freeze(clock.now() + LONGEST - timedelta(seconds=1))
        assert stream.block().comment
        clock.freeze(clock.now() + timedelta(seconds=1))
        assert stream.has_ended


def test_a_stream_that_does_not_keep_up_loses_nothing(world: World) -> None:
    with listening(world.ada) as stream, listening(world.ada) as quick:
        mark(world)
        first = stream.events(1) + quick.events(1)
        assert len(first) == 2
        total = 3 * ROOM
        for n in range(6):
            mark(world, n, count=total // 6)
            assert len({told.id for told in quick.events(total // 6)}) == total // 6
        ids = [told.id for told in stream.events(total)]
    assert ids == [event["data"]["position"] for event in world.events(types="outcome.changed")][1:]


def test_streams_hold_at_most_half_of_the_threads(small_world: World) -> None:
    places = small_world.service.settings.threads // 2
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(listening(small_world.ada)) for _ in range(places)]
        refused = small_world.ada.ask("GET", "/events/stream")
        assert refused.status_code == 503
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        assert small_world.ada.get("/events", after="latest")["items"] == []
        streams[0].response.close()
        open_streams.enter_context(listening(small_world.ada))
        small_world.feedback()
        assert {stream.block().event for stream in streams[1:]} == {"feedback.received"}


def test_a_head_request_keeps_no_place(small_world: World) -> None:
    for _ in range(small_world.service.settings.threads):
        response = small_world.ada.ask("HEAD", "/events/stream")
        response.close()
        assert response.status_code == 200


def test_all_streams_end_at_once_when_the_service_stops(small_world: World) -> None:
    with listening(small_world.ada) as one, listening(small_world.ada) as two:
        small_world.feedback()
        assert one.block().event == two.block().event == "feedback.received"
        ended: list[bool] = []
        threads = [
            threading.Thread(target=lambda stream=stream: ended.append(stream.has_ended)) for stream in (one, two)
        ]
        for thread in threads:
            thread.start()
        small_world.service.stop()
        for thread in threads:
            thread.join(30)
    assert ended == [True, True]


def test_one_thread_reads_for_all_streams_and_ends_with_the_last(small_world: World) -> None:
    def readers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "ledger-listener"]

    with listening(small_world.ada), listening(small_world.ada) as stream:
        small_world.feedback()
        assert stream.block().event == "feedback.received"
        assert len(readers()) == 1
    assert readers() == []
    with listening(small_world.ada) as stream:
        small_world.feedback()
        assert stream.block().event == "feedback.received"
