"""Watching, commenting, and choosing what one hears of: who may, what it leaves behind, and whom it reaches."""

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cfm_workflow import create_app, limits
from cfm_workflow.models import Delivery, Notice
from cfm_workflow.policy.audiences import KINDS, level_for, relations_told
from cfm_workflow.queries.following import preferences
from cfm_workflow.service import open_service
from tests.concurrency.at_once import asking, at_once, statuses
from tests.world import Person, World


def told(world: World, event_type: str) -> dict[str, tuple[str, bool]]:
    """Who is to hear of the events of a type: by which relation, and whether at once."""
    names = {person.id: name for name, person in world.people.items()}
    with world.service.database.reading() as session:
        rows = session.execute(select(Notice).where(Notice.kind == event_type)).scalars()
        return {names[row.account_id]: (row.relation, row.batch is not None) for row in rows}


def watchers(world: World, thing: str) -> list[str]:
    return [watcher["user"]["name"] for watcher in world.ada.get(f"{thing}/watchers")["items"]]


def both(world: World) -> list[str]:
    """An action and a feedback item, as paths."""
    action = world.action("Alice")
    return [f"/actions/{action['id']}", f"/feedback/{action['feedback_id']}"]


# --- watching ---


def test_anybody_may_watch_what_they_see_and_leave_again(world: World) -> None:
    for thing in both(world):
        noun = thing.split("/")[1].removesuffix("s")
        seen = world.mallory.expect(200, "PUT", f"{thing}/watchers/{world.mallory.id}")
        [watcher] = world.bob.get(f"{thing}/watchers")["items"]
        assert watcher["user"]["name"] == watcher["added_by"]["name"] == "Mallory"
        left = world.mallory.expect(200, "DELETE", f"{thing}/watchers/{world.mallory.id}")
        assert left["version"] == seen["version"] + 1
        assert watchers(world, thing) == []
        facts = [event["data"] for event in world.events(types=f"{noun}.watched,{noun}.unwatched")]
        assert [fact["watcher"] for fact in facts] == [{"id": world.mallory.id, "name": "Mallory"}] * 2
    timeline = world.ada.get(f"{thing}/timeline")["items"]
    assert [entry["watcher"]["name"] for entry in timeline if "watcher" in entry] == ["Mallory"] * 4


def test_watching_twice_changes_nothing_and_leaving_twice_is_not_there(world: World) -> None:
    for thing in both(world):
        path = f"{thing}/watchers/{world.bob.id}"
        first = world.bob.expect(200, "PUT", path)
        events = len(world.events())
        assert world.bob.expect(200, "PUT", path) == first
        assert len(world.events()) == events
        world.bob.expect(200, "DELETE", path)
        world.bob.expect(404, "DELETE", path)
        assert len(world.events()) == events + 1


def test_those_who_add_the_same_person_at_once_add_them_once(world: World) -> None:
    for thing in both(world):
        path = f"{thing}/watchers/{world.bob.id}"
        asked = [asking(world, person, "PUT", path) for person in (world.olga, world.sam, world.bob)]
        assert statuses(at_once(asked)) == [200] * 3
        assert watchers(world, thing) == ["Bob"]
    assert len(world.events(types="action.watched,feedback.watched")) == 2


def test_those_in_charge_add_and_remove_others_and_the_assignee_does_not(small_world: World) -> None:
    action, item = both(small_world)
    for adder in (small_world.olga, small_world.lea, small_world.sam, small_world.ada):
        small_world.olga.expect(200, "PUT", f"{action}/watchers/{small_world.mallory.id}")
        adder.expect(200, "DELETE", f"{action}/watchers/{small_world.mallory.id}")
    for adder in (small_world.olga, small_world.sam, small_world.ada):
        adder.expect(200, "PUT", f"{item}/watchers/{small_world.mallory.id}")
        adder.expect(200, "DELETE", f"{item}/watchers/{small_world.mallory.id}")
    for stranger in (small_world.alice, small_world.bob):
        for thing in (action, item):
            problem = stranger.expect(403, "PUT", f"{thing}/watchers/{small_world.mallory.id}")
            assert problem["missing_right"].endswith(".add_watcher")


def test_only_the_one_who_is_added_hears_of_it_and_at_once(world: World) -> None:
    action, item = both(world)
    world.mallory.expect(200, "PUT", f"{action}/watchers/{world.mallory.id}")
    assert told(world, "action.watched") == {}
    world.olga.expect(200, "PUT", f"{action}/watchers/{world.bob.id}")
    assert told(world, "action.watched") == {"Bob": ("watcher", True)}
    world.olga.expect(200, "PUT", f"{item}/watchers/{world.sam.id}")
    assert told(world, "feedback.watched") == {"Sam": ("watcher", True)}
    world.olga.expect(200, "DELETE", f"{action}/watchers/{world.bob.id}")
    assert told(world, "action.unwatched") == {"Bob": ("watcher", False)}


def test_a_watcher_hears_what_happens_also_when_it_is_the_item_they_watch(world: World) -> None:
    action = world.action("Alice")
    world.bob.expect(200, "PUT", f"/actions/{action['id']}/watchers/{world.bob.id}")
    world.mallory.expect(200, "PUT", f"/feedback/{action['feedback_id']}/watchers/{world.mallory.id}")
    world.alice.fire(action, "accept")
    assert told(world, "action.accepted") == {
        "Olga": ("assigner", False),
        "Bob": ("watcher", False),
        "Mallory": ("watcher", False),
    }


def test_a_watcher_does_not_keep_an_undone_step_from_being_taken_back(small_world: World, noon: datetime) -> None:
    action = small_world.action("Alice")
    small_world.alice.fire(action, "complete", through=True, outcome="fixed")
    small_world.bob.expect(200, "PUT", f"/actions/{action['id']}/watchers/{small_world.bob.id}")
    small_world.alice.fire(action, "undo")
    assert told(small_world, "action.completed") == {}
    assert told(small_world, "action.undone") == {"Bob": ("watcher", False)}  # who saw it done, and Olga did not


def test_nobody_is_made_to_watch_what_they_may_not_see(world: World) -> None:
    legal = {
        "key": "legal",
        "name": "Legal",
        "restricted": True,
        "lead": world.olga.email,
        "members": ["bob@example.com"],
    }
    world.ada.post("/teams", legal)
    made = world.give(item=world.feedback(), assignees=[{"team": "legal", "mode": "pool"}])["actions"][0]
    for thing in (f"/actions/{made['id']}", f"/feedback/{made['feedback_id']}"):
        events = len(world.events())
        world.olga.expect(409, "PUT", f"{thing}/watchers/{world.mallory.id}")
        world.mallory.expect(404, "PUT", f"{thing}/watchers/{world.mallory.id}")
        world.mallory.expect(404, "GET", f"{thing}/watchers")
        assert len(world.events()) == events
        world.olga.expect(200, "PUT", f"{thing}/watchers/{world.bob.id}")


def test_people_who_are_gone_and_programs_watch_nothing(small_world: World) -> None:
    small_world.ada.expect(204, "DELETE", f"/users/{small_world.bob.id}")
    program = small_world.ada.post("/integrations", {"name": "CRM", "scopes": ["actions:write"]})
    for thing in both(small_world):
        assert "switched off" in small_world.olga.expect(409, "PUT", f"{thing}/watchers/{small_world.bob.id}")["detail"]
        small_world.olga.expect(404, "PUT", f"{thing}/watchers/{program['id']}")
        small_world.olga.expect(404, "PUT", f"{thing}/watchers/999999")


def test_who_was_switched_off_can_be_taken_out(small_world: World) -> None:
    things = both(small_world)
    for thing in things:
        small_world.olga.expect(200, "PUT", f"{thing}/watchers/{small_world.bob.id}")
    small_world.ada.expect(204, "DELETE", f"/users/{small_world.bob.id}")
    for thing in things:
        small_world.olga.expect(200, "DELETE", f"{thing}/watchers/{small_world.bob.id}")
        assert watchers(small_world, thing) == []


def test_no_more_than_so_many_people_watch_the_same_thing(small_world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "WATCHERS", 2)
    for thing in both(small_world):
        for person in (small_world.bob, small_world.lea):
            person.expect(200, "PUT", f"{thing}/watchers/{person.id}")
        small_world.sam.expect(409, "PUT", f"{thing}/watchers/{small_world.sam.id}")
        small_world.bob.expect(
            200, "PUT", f"{thing}/watchers/{small_world.bob.id}"
        )  # who watches already may ask again
        small_world.bob.expect(200, "DELETE", f"{thing}/watchers/{small_world.bob.id}")
        small_world.sam.expect(200, "PUT", f"{thing}/watchers/{small_world.sam.id}")


def test_watching_an_action_asks_for_its_version_if_told_so(small_world: World) -> None:
    action = small_world.action("Alice")
    path = f"/actions/{action['id']}/watchers/{small_world.bob.id}"
    small_world.bob.expect(412, "PUT", path, headers={"If-Match": '"99"'})
    answer = small_world.bob.ask("PUT", path, headers={"If-Match": f'"{action["version"]}"'})
    assert answer.headers["ETag"] == f'"{action["version"] + 1}"'
    small_world.bob.expect(412, "DELETE", path, headers={"If-Match": f'"{action["version"]}"'})


def test_a_page_of_watchers_ends_and_goes_on(small_world: World) -> None:
    for thing in both(small_world):
        people = [small_world.alice, small_world.bob, small_world.sam]
        for person in people:
            person.expect(200, "PUT", f"{thing}/watchers/{person.id}")
        first = small_world.ada.get(f"{thing}/watchers", limit=2)
        rest = small_world.ada.get(f"{thing}/watchers", limit=2, cursor=first["next_cursor"])
        found = [watcher["user"]["id"] for watcher in first["items"] + rest["items"]]
        assert (found, rest["next_cursor"]) == (sorted(person.id for person in people), None)


# --- comments ---


def test_a_comment_changes_nothing_and_stands_in_the_history(world: World) -> None:
    action = world.action("Alice")
    after = world.alice.post(f"/actions/{action['id']}/comments", {"comment": "내일 다시 전화합니다."})
    same = after.keys() - {"version"}
    assert {name: after[name] for name in same} == {name: action[name] for name in same}
    *_, event = world.olga.get(f"/actions/{action['id']}/events")["items"]
    assert (event["type"], event["data"]["comment"]) == ("action.commented", "내일 다시 전화합니다.")
    assert event["data"]["from"] == event["data"]["to"] == "assigned"
    assert event["data"]["action"]["version"] == after["version"] == action["version"] + 1
    *_, entry = world.olga.get(f"/feedback/{action['feedback_id']}/timeline")["items"]
    assert (entry["type"], entry["comment"]) == ("action.commented", "내일 다시 전화합니다.")


def test_a_comment_reaches_who_gave_the_work_at_once_and_never_who_wrote_it(small_world: World) -> None:
    action = small_world.action("Alice")
    small_world.alice.post(f"/actions/{action['id']}/comments", {"comment": "Which flight was it?"})
    assert told(small_world, "action.commented") == {"Olga": ("assigner", True)}
    small_world.olga.post(f"/actions/{action['id']}/comments", {"comment": "KE 85."})
    assert told(small_world, "action.commented")["Alice"] == ("assignee", True)


def test_those_who_have_to_do_with_an_action_comment_on_it_and_others_do_not(small_world: World) -> None:
    action, offered = small_world.action("Alice"), small_world.pool_action()
    for person in (small_world.alice, small_world.olga, small_world.lea, small_world.sam, small_world.ada):
        person.post(f"/actions/{action['id']}/comments", {"comment": "A word."})
    small_world.bob.post(f"/actions/{offered['id']}/comments", {"comment": "A word."})
    for person in (small_world.bob, small_world.mallory):
        path = f"/actions/{action['id']}/comments"
        assert person.expect(403, "POST", path, {"comment": "A word."})["missing_right"] == "action.comment"
    small_world.bob.expect(200, "PUT", f"/actions/{action['id']}/watchers/{small_world.bob.id}")
    small_world.mallory.expect(200, "PUT", f"/feedback/{action['feedback_id']}/watchers/{small_world.mallory.id}")
    for person in (small_world.bob, small_world.mallory):
        person.post(f"/actions/{action['id']}/comments", {"comment": "A word."})


def test_a_comment_is_some_text(small_world: World) -> None:
    action = small_world.action("Alice")
    for words in (None, "", "  \n", "x" * (limits.COMMENT + 1), "a\0b", 7, ["x"]):
        problem = small_world.alice.expect(422, "POST", f"/actions/{action['id']}/comments", {"comment": words})
        assert list(problem["errors"]) == ["comment"]
    assert small_world.history(action) == ["action.assigned"]


def test_a_comment_on_a_version_that_is_gone_is_refused(small_world: World) -> None:
    action = small_world.action("Alice")
    path = f"/actions/{action['id']}/comments"
    small_world.alice.expect(412, "POST", path, {"comment": "Late."}, headers={"If-Match": '"99"'})
    answer = small_world.alice.ask(
        "POST", path, {"comment": "In time."}, headers={"If-Match": f'"{action["version"]}"'}
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{action["version"] + 1}"')


# --- preferences ---


def choose(person: Person, path: str, **levels: str | None) -> dict[str, Any]:
    notices = {name.replace("__", "."): level for name, level in levels.items()}
    answer: dict[str, Any] = person.expect(200, "PATCH", path, {"notices": notices})
    return answer["notices"]  # type: ignore[no-any-return]


def test_everybody_sees_what_holds_for_each_kind_and_who_decided_it(small_world: World) -> None:
    before = small_world.alice.get("/me/preferences")["notices"]
    assert list(before) == list(KINDS) and {each["source"] for each in before.values()} == {"built_in"}
    relations = {"assigner": "digest", "watcher": "digest"}
    assert before["action.accepted"] == {"level": "digest", "source": "built_in", "relations": relations}
    assert before["action.cancelled"]["level"] == "at_once"

    choose(small_world.ada, "/preferences", action__accepted="never", siblings="at_once")
    own = choose(small_world.alice, "/me/preferences", siblings="never")
    assert own["siblings"] == {"level": "never", "source": "own", "relations": {"sibling": "never"}}
    assert (own["action.accepted"]["level"], own["action.accepted"]["source"]) == ("never", "default")
    own = choose(small_world.alice, "/me/preferences", siblings=None)
    assert own["siblings"] == {"level": "at_once", "source": "default", "relations": {"sibling": "at_once"}}
    everybody = choose(small_world.ada, "/preferences", siblings=None, action__accepted=None)
    assert everybody == before


def test_what_is_shown_is_what_is_done() -> None:
    """Over the whole table: the levels by relation are those by which people are told."""
    shown = preferences({}, {})["notices"]
    for kind in KINDS[:-1]:
        for relation in relations_told(kind) - {"sibling"}:
            assert shown[kind]["relations"][relation] == level_for(kind, {relation}, own={}, everybody={})[0]
        assert shown[kind]["relations"].keys() == relations_told(kind) - {"sibling"}


def test_a_choice_holds_from_the_next_event_on(world: World) -> None:
    action = world.action("Alice")
    choose(world.olga, "/me/preferences", action__accepted="at_once")
    world.alice.fire(action, "accept")
    assert told(world, "action.accepted") == {"Olga": ("assigner", True)}
    choose(world.ada, "/preferences", action__started="never")
    world.alice.fire(action, "start")
    assert told(world, "action.started") == {}
    choose(world.ada, "/preferences", action__started=None)
    choose(world.olga, "/me/preferences", action__completed="never")
    world.alice.fire(action, "complete", outcome="fixed")
    assert told(world, "action.completed") == {}
    with world.service.database.reading() as session:
        mails = session.scalars(select(Delivery.account_id).where(Delivery.account_id == world.olga.id)).all()
    assert len(mails) == 2  # of accepting, and of the item's being resolved


def test_each_change_is_an_audit_event_with_what_was_and_what_is(world: World) -> None:
    choose(world.alice, "/me/preferences", siblings="never", action__accepted="at_once")
    choose(world.alice, "/me/preferences", siblings=None, action__accepted="at_once")
    choose(world.alice, "/me/preferences", siblings=None)
    first, second = world.events(types="user.changed")
    assert first["data"]["changes"]["notices"] == {
        "from": {"siblings": None, "action.accepted": None},
        "to": {"siblings": "never", "action.accepted": "at_once"},
    }
    assert second["data"]["changes"]["notices"] == {"from": {"siblings": "never"}, "to": {"siblings": None}}
    choose(world.ada, "/preferences", siblings="never")
    choose(world.ada, "/preferences", siblings="never")
    [event] = world.events(types="preferences.changed")
    assert event["data"]["changes"]["notices"] == {"from": {"siblings": None}, "to": {"siblings": "never"}}
    assert event["data"]["preferences"] == {"notices": {"siblings": "never"}}


BAD: list[tuple[Any, set[str]]] = [
    ({"action.nothing": "never"}, {"notices.action.nothing"}),
    ({"action.accepted": "often", "": "never"}, {"notices.action.accepted", "notices"}),
    ({"siblings": 1}, {"notices.siblings"}),
    ({"siblings": ["never"]}, {"notices.siblings"}),
    ({"siblings": {"level": "never"}}, {"notices.siblings"}),
    ({"user.changed": "never", "siblings": "never"}, {"notices.user.changed"}),
    ([], {"notices"}),
    ("never", {"notices"}),
    (None, {"notices"}),
]


def test_an_unknown_kind_or_level_is_named_and_nothing_is_changed(small_world: World) -> None:
    for path in ("/me/preferences", "/preferences"):
        before = small_world.ada.get(path)
        for notices, named in BAD:
            problem = small_world.ada.expect(422, "PATCH", path, {"notices": notices})
            assert problem["errors"].keys() == named
        assert small_world.ada.get(path) == before
    small_world.ada.expect(422, "PATCH", "/preferences", {})


def test_a_choice_made_in_another_process_holds_here_as_well(world: World) -> None:
    action = world.action("Alice")
    world.alice.fire(action, "accept")
    assert told(world, "action.accepted") == {"Olga": ("assigner", False)}
    elsewhere = open_service(world.service.settings)
    for path, kind in (("/me/preferences", "action.started"), ("/preferences", "action.released")):
        ada = dataclasses.replace(world.ada, client=create_app(elsewhere).test_client())
        olga = dataclasses.replace(world.olga, client=ada.client)
        choose(olga if path.startswith("/me") else ada, path, **{kind: "never"})
    elsewhere.close()
    world.alice.fire(action, "start")
    world.alice.fire(action, "release")
    assert told(world, "action.started") == told(world, "action.released") == {}
