"""Who hears of what: relations, one mail per person and request, the doer never, and what is undone is not told."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from cfm_workflow import clock, ledger, limits
from cfm_workflow.models import Delivery, LedgerHead, NoticeChoice, NoticeDefault
from cfm_workflow.worker.waiting import resume_due
from tests.ledger.telling import forget, mails, told
from tests.world import World


def choose(world: World, row: object) -> None:
    """Store somebody's choice as the operation does."""

    def work(session: object) -> None:
        session.add(row)  # type: ignore[attr-defined]
        session.flush()  # type: ignore[attr-defined]
        ledger.audience_changed(session)  # type: ignore[arg-type]

    world.service.database.transaction(work)


def test_three_people_who_are_given_work_get_a_mail_each(world: World) -> None:
    world.give("Alice", "Bob", "Lea")
    assert mails(world) == ["Alice", "Bob", "Lea"]
    assert told(world, "Olga") == []


def test_the_assigner_hears_of_steps_in_the_digest_and_of_the_end_at_once(world: World) -> None:
    action = world.action("Alice")
    forget(world)
    for name in ("accept", "start"):
        world.alice.fire(action, name)
    world.alice.fire(action, "complete", outcome="fixed")
    assert told(world, "Olga") == [
        ("action.accepted", "digest"),
        ("action.started", "digest"),
        ("action.completed", "at_once"),
        ("action_group.completed", "digest"),
        ("feedback.resolved", "at_once"),
    ]
    assert told(world, "Alice") == []
    assert mails(world) == ["Olga"]


def test_several_events_of_one_request_are_one_mail(world: World) -> None:
    ids = [action["id"] for _ in range(3) for action in world.give("Alice", "Bob")["actions"]]
    forget(world)
    body = {"ids": ids, "transition": "reassign", "assignee": world.lea.email, "reason": "Alice is ill."}
    world.sam.post("/actions/bulk", body)
    assert mails(world) == ["Alice", "Bob", "Lea"]
    assert told(world, "Lea") == [("action.reassigned", "at_once")] * 6


def test_who_gives_work_to_themselves_hears_nothing(world: World) -> None:
    world.give("Alice", by="Alice")
    assert mails(world) == []


def test_every_member_hears_of_what_is_offered_to_the_pool_but_not_who_passed_it_over(world: World) -> None:
    action = world.pool_action()
    assert mails(world) == ["Alice", "Bob", "Lea"]
    world.bob.post(f"/actions/{action['id']}/pass-over")
    world.alice.fire(action, "accept")
    forget(world)
    world.alice.fire(action, "release")
    assert mails(world) == ["Lea"]
    assert told(world, "Bob") == []


def test_the_lead_hears_of_what_a_member_declines(world: World) -> None:
    action = world.action("Alice")
    forget(world)
    world.alice.fire(action, "decline", reason="I am on leave.")
    assert told(world, "Lea") == [("action.declined", "at_once"), ("feedback.undecided", "at_once")]
    assert mails(world) == ["Lea", "Olga"]


def test_siblings_hear_of_each_other_in_the_digest_while_they_are_at_work(world: World) -> None:
    first, second, _ = world.give("Alice", "Bob", "Lea")["actions"]
    world.bob.fire(second, "decline", reason="Not mine.")
    forget(world)
    world.alice.fire(first, "accept")
    assert told(world, "Lea") == [("action.accepted", "digest")]
    assert told(world, "Bob") == []


def test_a_crowd_is_not_told_of_each_others_steps(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [f"Agent{n}" for n in range(limits.SIBLINGS_TOLD + 1)]
    for name in crowd:
        small_world.person(name, "agent")
    action = small_world.give(*crowd)["actions"][0]
    forget(small_world)
    small_world.people["Agent0"].fire(action, "accept")
    assert told(small_world, "Agent1") == []
    assert told(small_world, "Olga") == [("action.accepted", "digest")]


def test_what_is_not_needed_any_more_is_told_at_once_to_those_who_had_it(world: World) -> None:
    action = world.give("Alice", "Bob", completion="any")["actions"][0]
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert told(world, "Bob") == [("action.cancelled", "at_once"), ("feedback.resolved", "at_once")]
    assert mails(world) == ["Bob", "Olga"]


def test_the_clock_is_nobody_and_everybody_concerned_hears_of_it(world: World, noon: datetime) -> None:
    action = world.action("Alice")
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", reason="Spare part.", until=(noon + timedelta(hours=1)).isoformat())
    forget(world)
    clock.freeze(noon + timedelta(hours=2))
    resume_due(world.service)
    assert told(world, "Alice") == told(world, "Olga") == [("action.resumed", "digest")]


def test_a_step_that_is_undone_in_time_is_not_told(world: World) -> None:
    action = world.action("Alice")
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    world.alice.fire(action, "undo")
    assert mails(world) == [] and mails(world, "cancelled") == ["Olga"]
    assert ("action.completed", "at_once") not in told(world, "Olga")
    assert ("action.undone", "at_once") not in told(world, "Olga")
    world.alice.fire(action, "complete", outcome="fixed")
    assert mails(world) == ["Olga"]


def test_a_step_that_was_told_already_is_told_to_be_undone(world: World) -> None:
    action = world.action("Alice")
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    world.service.database.transaction(
        lambda session: session.execute(Delivery.__table__.update().values(state="delivered"))  # type: ignore[attr-defined]
    )
    world.alice.fire(action, "undo")
    assert mails(world) == ["Olga"]
    assert ("action.undone", "at_once") in told(world, "Olga")


def test_undoing_one_of_many_takes_only_its_own_news_back(world: World) -> None:
    first, second = (world.action("Alice") for _ in range(2))
    forget(world)
    body = {"ids": [first["id"], second["id"]], "transition": "complete", "through": True, "outcome": "fixed"}
    answers = world.ada.expect(207, "POST", "/actions/bulk", body)["items"]
    assert {answer["status"] for answer in answers} == {200}
    before = told(world, "Olga")
    world.ada.fire(first, "undo")
    after = told(world, "Olga")
    assert before.count(("action.completed", "at_once")) == 2
    assert after.count(("action.completed", "at_once")) == 1
    assert mails(world).count("Olga") == 1


def test_who_lost_their_work_to_an_undone_step_hears_of_that_alone(world: World) -> None:
    action = world.give("Alice", "Bob", completion="any")["actions"][0]
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    world.alice.fire(action, "undo")
    # What Bob had stays cancelled; that the item was resolved for a moment is no news.
    assert told(world, "Bob") == [("action.cancelled", "at_once"), ("feedback.reopened", "digest")]
    assert mails(world) == ["Bob"]


def test_mail_waits_for_an_undo(world: World, noon: datetime) -> None:
    world.action("Alice")
    with world.service.database.reading() as session:
        [due] = session.scalars(select(Delivery.next_at))
    assert due == noon + timedelta(seconds=world.service.settings.mail_undo_seconds)


def test_own_choices_win_over_those_of_administrators(world: World) -> None:
    action = world.action("Alice")
    choose(world, NoticeDefault(kind="action.accepted", level="at_once"))
    choose(world, NoticeChoice(account_id=world.olga.id, kind="action.started", level="never"))
    choose(world, NoticeChoice(account_id=world.olga.id, kind="action.completed", level="digest"))
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    heard = told(world, "Olga")
    assert ("action.accepted", "at_once") in heard and ("action.completed", "digest") in heard
    assert "action.started" not in dict(heard)


def test_people_who_are_switched_off_are_told_nothing(world: World) -> None:
    action = world.action("Alice")
    world.ada.expect(200, "PATCH", f"/users/{world.olga.id}", {"active": False})
    forget(world)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert mails(world) == []


def test_the_version_of_who_hears_what_grows_with_everything_that_changes_it(world: World) -> None:
    def version() -> int:
        with world.service.database.reading() as session:
            return session.scalars(select(LedgerHead.audience)).one()

    before = version()
    world.feedback()
    assert version() == before
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"name": "Care"})
    assert version() == before + 1
