"""Many who want the same thing at the same instant: one gets it, and everybody hears the truth."""

from collections import Counter

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cfm_workflow.models import Account, Action, Customer, Feedback
from cfm_workflow.queries import policies
from cfm_workflow.security.failures import FAILURES
from tests import invariants
from tests.concurrency.at_once import asking, at_once, firing, statuses
from tests.world import Person, World

MANY = 12


def crowd(world: World) -> list[Person]:
    """A dozen members of the team care."""
    new = [world.person(f"Agent{n}", "agent") for n in range(MANY)]
    members = [person.email for person in new]
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"members": members})
    return new


def test_of_many_who_accept_a_pool_action_one_gets_it(world: World, rounds: int) -> None:
    people = crowd(world)
    for _ in range(rounds):
        action = world.pool_action()
        answers = at_once([firing(world, person, action, "accept") for person in people])
        assert statuses(answers) == [200] + [409] * (MANY - 1)
        [winner] = [person for person, answer in zip(people, answers, strict=True) if answer.status_code == 200]
        assert world.olga.get(f"/actions/{action['id']}")["assignee"]["id"] == winner.id
        assert world.history(action) == ["action.assigned", "action.accepted"]
    invariants.check(world.service.database)


def test_the_same_feedback_from_many_at_once_is_stored_once_with_its_customer(world: World, rounds: int) -> None:
    for n in range(rounds):
        body = {
            "text": "Late again.",
            "source": "survey",
            "external_id": f"answer-{n}",
            "customer": {"name": "Minji", "email": f"minji{n}@example.com"},
        }
        answers = at_once([asking(world, world.olga, "POST", "/feedback", body)] * 6)
        assert statuses(answers) == [200] * 5 + [201]
        assert len({answer.json["id"] for answer in answers}) == 1
    with world.service.database.reading() as session:
        assert session.scalar(select(func.count(Feedback.id))) == rounds
        assert session.scalar(select(func.count(Customer.id))) == rounds
    assert len(world.events(types="feedback.received")) == rounds
    invariants.check(world.service.database)


def test_a_new_customer_who_writes_twice_at_once_is_one_customer(world: World, rounds: int) -> None:
    for n in range(rounds):
        customer = {"name": "Minji", "email": f"minji{n}@example.com"}
        bodies = [{"text": text, "customer": customer} for text in ("Late again.", "And my miles?", "Hello?")]
        answers = at_once([asking(world, world.olga, "POST", "/feedback", body) for body in bodies])
        assert statuses(answers) == [201] * 3
        assert len({answer.json["customer"]["id"] for answer in answers}) == 1
    invariants.check(world.service.database)


def test_the_same_idempotency_key_from_many_at_once_makes_one_change(world: World, rounds: int) -> None:
    for n in range(rounds):
        headers = {"Idempotency-Key": f"round-{n}"}
        body = {"text": "My miles are missing."}
        answers = at_once([asking(world, world.olga, "POST", "/feedback", body, headers=headers)] * 6)
        assert statuses(answers) == [201] * 6
        assert len({answer.data for answer in answers}) == 1
        replayed = Counter(answer.headers.get("Idempotency-Replayed") for answer in answers)
        assert replayed == {None: 1, "true": 5}
    assert len(world.events(types="feedback.received")) == rounds
    invariants.check(world.service.database)


def test_two_administrators_who_switch_each_other_off_at_once_leave_one(world: World, rounds: int) -> None:
    eve = world.person("Eve", "admin")
    for _ in range(min(rounds, FAILURES - 1)):  # each may be a failed sign-in, of which an address has so many a minute
        answers = at_once(
            [
                asking(world, world.ada, "PATCH", f"/users/{eve.id}", {"active": False}),
                asking(world, eve, "PATCH", f"/users/{world.ada.id}", {"active": False}),
            ]
        )
        first, second = answers[0].status_code, answers[1].status_code
        assert 200 in (first, second)
        # The other is refused as the last administrator, or was no longer known when the request came in.
        assert {first, second} - {200} <= {401, 409}
        assert (first, second) != (200, 200)
        left, gone = (world.ada, eve) if first == 200 else (eve, world.ada)
        left.expect(200, "PATCH", f"/users/{gone.id}", {"active": True})
    with world.service.database.reading() as session:
        assert session.scalar(select(func.count(Account.id)).where(Account.role == "admin", Account.active)) == 2


def test_turns_taken_at_once_go_round_the_team_without_a_gap(world: World, rounds: int) -> None:
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"mode": "round_robin"})
    item = world.feedback()
    body = {"title": "Call back", "assignees": [{"team": "care"}]}
    made = []
    for _ in range(rounds // 4):
        answers = at_once([asking(world, world.olga, "POST", f"/feedback/{item['id']}/actions", body)] * 8)
        assert statuses(answers) == [201] * 8
        made += [answer.json["actions"][0] for answer in answers]
    turns = [action["assignee"]["id"] for action in sorted(made, key=lambda action: action["id"])]
    members = sorted({world.lea.id, world.alice.id, world.bob.id})
    assert turns == [members[n % 3] for n in range(len(turns))]
    invariants.check(world.service.database)


@pytest.mark.parametrize("database_kind", ["postgresql"])  # on SQLite the second writer waits
def test_work_under_a_policy_that_is_deleted_meanwhile_goes_by_another(world: World) -> None:
    policy = world.sam.expect(201, "POST", "/policies", {"key": "short", "name": "Short", "position": 1})
    chosen: list[int] = []

    def give(session: Session) -> None:
        version = policies.suiting(session, kind="internal", priority="normal", teams=()).version_id
        chosen.append(version)
        if len(chosen) == 1:
            world.sam.expect(204, "DELETE", f"/policies/{policy['id']}")
        session.execute(update(Action).values(policy_version_id=version))

    action = world.action(policy="default")
    world.service.database.transaction(give)
    assert len(set(chosen)) == 2
    with world.service.database.reading() as session:
        assert session.get_one(Action, action["id"]).policy_version_id == chosen[-1]
