"""Giving work: who gets an action, how many, when it is due, and what is refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert

from cfm_workflow import clock
from cfm_workflow.models import Account, TeamMember
from tests.api.statements import counted
from tests.world import World


def names(made: Mapping[str, Any]) -> list[str | None]:
    return [action["assignee"] and action["assignee"]["name"] for action in made["actions"]]


def to_team(world: World, mode: str | None = None, **fields: Any) -> Any:
    return world.give(assignees=[{"team": "care"} | ({"mode": mode} if mode else {})], **fields)


def many(world: World, count: int) -> list[int]:
    """So many more agents, in the team care; their ids."""
    first = 10_000
    common = {"kind": "user", "role": "agent", "language": "en", "time_zone": "UTC", "active": True, "version": 1}
    rows = [
        common | {"id": n, "name": f"P{n}", "email": f"p{n}@example.com", "created_at": clock.now()}
        for n in range(first, first + count)
    ]
    members = [{"team_id": world.care["id"], "account_id": row["id"]} for row in rows]

    def work(session: Any) -> None:
        session.execute(insert(Account.__table__), rows)
        session.execute(insert(TeamMember.__table__), members)

    world.service.database.transaction(work)
    return [row["id"] for row in rows]


def test_everyone_makes_one_action_for_each_active_member(world: World) -> None:
    made = to_team(world)
    assert names(made) == ["Lea", "Alice", "Bob"]
    assert {action["team"]["key"] for action in made["actions"]} == {"care"}
    assert {action["state"] for action in made["actions"]} == {"assigned"}
    assert made["group"]["total"] == made["group"]["unfinished"] == 3


def test_pool_makes_one_action_that_nobody_has_yet(world: World) -> None:
    [action] = to_team(world, "pool")["actions"]
    assert (action["assignee"], action["team"]["key"], action["pool"]) == (None, "care", True)


def test_round_robin_gives_each_member_a_turn(world: World) -> None:
    assert [names(to_team(world, "round_robin")) for _ in range(4)] == [["Lea"], ["Alice"], ["Bob"], ["Lea"]]


def test_round_robin_skips_people_who_were_switched_off(world: World) -> None:
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    assert [names(to_team(world, "round_robin")) for _ in range(3)] == [["Lea"], ["Bob"], ["Lea"]]


def test_least_busy_gives_to_whoever_has_the_fewest_unfinished_actions(world: World) -> None:
    world.give("Lea", "Lea", "Alice")
    assert names(to_team(world, "least_busy")) == ["Bob"]
    action = world.action("Lea")
    for each in (action, world.lea.get("/me/actions")["items"][0]):
        world.olga.fire(each, "cancel", reason="Not needed.")
    assert names(to_team(world, "least_busy")) == ["Lea"]


def test_among_equally_busy_people_it_is_who_was_longest_without(world: World) -> None:
    for name in ("Bob", "Lea", "Alice"):
        world.olga.fire(world.action(name), "cancel", reason="Not needed.")
    assert [names(to_team(world, "least_busy"))[0] for _ in range(3)] == ["Bob", "Lea", "Alice"]


def test_the_mode_of_the_team_is_the_default(small_world: World) -> None:
    small_world.ada.expect(200, "PATCH", f"/teams/{small_world.care['id']}", {"mode": "pool"})
    assert names(to_team(small_world)) == [None]


def test_a_person_named_directly_and_by_the_team_gets_one_action(small_world: World) -> None:
    who = [{"user": "bob@example.com"}, {"team": "care"}, {"user": small_world.bob.id}, {"user": "BOB@example.com"}]
    made = small_world.give(assignees=who)
    assert sorted(map(str, names(made))) == ["Alice", "Bob", "Lea"]


def test_people_and_teams_can_be_named_by_id(small_world: World) -> None:
    who = [{"user": small_world.mallory.id}, {"team": small_world.care["id"], "mode": "pool"}]
    assert names(small_world.give(assignees=who)) == ["Mallory", None]


def test_an_action_says_everything_it_was_given_with(world: World, noon: datetime) -> None:
    given = {
        "title": "Call back",
        "description": "She is at home after six.",
        "kind": "external",
        "priority": "urgent",
        "goal": "A calm customer",
        "benefit": "She stays",
        "external_ref": "JIRA-1",
        "attributes": {"floor": 3},
    }
    action = world.action(**given, due_at="2026-12-01T16:00:00+09:00")
    seen = world.mallory.get(f"/actions/{action['id']}")
    assert {name: seen[name] for name in given} == given
    assert seen["due_at"] == seen["first_due_at"] == "2026-12-01T07:00:00Z"
    assert seen["assigned_by"]["name"] == "Olga"
    assert seen == action


def test_due_in_counts_from_now_and_is_one_instant_for_the_whole_group(small_world: World, noon: datetime) -> None:
    made = small_world.give("Alice", "Bob", due_in="P2DT3H")
    assert {action["due_at"] for action in made["actions"]} == {"2026-11-25T15:00:00Z"}


def test_an_action_is_overdue_when_its_time_has_passed_and_it_is_unfinished(world: World, noon: datetime) -> None:
    late = world.action(due_at="2026-11-23T11:59:59Z")
    on_time = world.action(due_at="2026-11-23T12:00:00Z")
    never = world.action()
    assert [late["overdue"], on_time["overdue"], never["overdue"]] == [True, False, False]
    assert [a["id"] for a in world.olga.get("/actions", overdue="true")["items"]] == [late["id"]]
    world.alice.fire(late, "complete", through=True, outcome="fixed")
    assert world.olga.get("/actions", overdue="true")["items"] == []


def test_work_given_to_oneself_starts_accepted_with_two_events(world: World) -> None:
    action = world.action("Alice", by="Alice")
    assert (action["state"], action["version"]) == ("accepted", 2)
    assert action["accepted_at"] is not None
    assert world.history(action) == ["action.assigned", "action.accepted"]
    told = world.events(types="action.*")
    assert [event["data"]["sequence"] for event in told] == [1, 2]
    assert [(event["data"]["from"], event["data"]["to"]) for event in told] == [
        (None, "assigned"),
        ("assigned", "accepted"),
    ]


@pytest.mark.parametrize(
    ("who", "field"),
    [
        ([{"user": "nobody@example.com"}], "assignees.0.user"),
        ([{"user": 10**12}], "assignees.0.user"),
        ([{"team": "nothing"}], "assignees.0.team"),
        ([{"team": "empty"}], "assignees.0.team"),
        ([{"user": "gone@example.com"}], "assignees.0.user"),
        ([{"user": "alice@example.com"}, {"team": "left"}], "assignees.1.team"),
    ],
)
def test_nobody_is_given_work_who_cannot_take_it(small_world: World, who: list[Any], field: str) -> None:
    gone = small_world.person("Gone", "agent")
    small_world.ada.post("/teams", {"key": "empty", "name": "Empty"})
    small_world.ada.post("/teams", {"key": "left", "name": "Left", "members": [gone.id]})
    small_world.ada.expect(204, "DELETE", f"/users/{gone.id}")
    item = small_world.feedback()
    body = {"title": "Work", "assignees": who}
    problem = small_world.olga.expect(422, "POST", f"/feedback/{item['id']}/actions", body)
    assert list(problem["errors"]) == [field]
    assert small_world.olga.get(f"/feedback/{item['id']}/actions")["items"] == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"assignees": []}, "assignees"),
        ({"assignees": [{"user": "alice@example.com", "team": "care"}]}, "assignees.0.user"),
        ({"assignees": [{"user": "alice@example.com", "mode": "pool"}]}, "assignees.0.mode"),
        ({"assignees": [{"team": "care", "mode": "lottery"}]}, "assignees.0.mode"),
        ({"completion": {"at_least": 2}}, "completion"),
        ({"completion": {"at_least": 0}}, "completion"),
        ({"completion": "most"}, "completion"),
        ({"due_at": "2026-12-01T16:00:00Z", "due_in": "P1D"}, "due_in"),
        ({"due_in": "P1M"}, "due_in"),
        ({"workflow": "nothing"}, "workflow"),
        ({"title": " "}, "title"),
    ],
)
def test_a_wrong_request_for_work_names_the_field(small_world: World, fields: dict[str, Any], named: str) -> None:
    item = small_world.feedback()
    body = {"title": "Work", "assignees": [{"user": "alice@example.com"}]} | fields
    problem = small_world.olga.expect(422, "POST", f"/feedback/{item['id']}/actions", body)
    assert list(problem["errors"]) == [named]


def test_one_request_makes_at_most_a_thousand_actions(small_world: World) -> None:
    many(small_world, 998)  # the team has 1,001 members now
    item = small_world.feedback()
    body = {"title": "Work", "assignees": [{"team": "care"}]}
    problem = small_world.olga.expect(422, "POST", f"/feedback/{item['id']}/actions", body)
    assert list(problem["errors"]) == ["assignees"]
    small_world.ada.expect(204, "DELETE", f"/users/{small_world.bob.id}")
    assert len(small_world.olga.post(f"/feedback/{item['id']}/actions", body)["actions"]) == 1000


def test_a_thousand_actions_for_a_team_take_one_statement_per_table(world: World) -> None:
    many(world, 997)
    item = world.feedback()
    with counted(world.service) as seen:
        made = world.olga.post(f"/feedback/{item['id']}/actions", {"title": "Work", "assignees": [{"team": "care"}]})
    assert len(made["actions"]) == 1000
    assert {what: seen[what] for what in seen if what.split()[0] != "SELECT" and seen[what] > 1} == {}
    assert sum(seen.values()) < 25, seen


def test_a_thousand_people_named_one_by_one_are_looked_up_together(world: World) -> None:
    who = [{"user": ident} for ident in many(world, 500)]
    who += [{"user": f"p{n}@example.com"} for n in range(10_000, 10_500)]
    item = world.feedback()
    with counted(world.service) as seen:
        made = world.olga.post(f"/feedback/{item['id']}/actions", {"title": "Work", "assignees": who})
    assert len(made["actions"]) == 500
    assert sum(seen.values()) < 25, seen
