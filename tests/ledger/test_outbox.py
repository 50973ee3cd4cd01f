"""Claiming, renewing, settling, giving back: nothing is lost, nobody settles what they lost, and all goes in order."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.access import system
from cfm_workflow.ledger import outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.models import Attempt, Event, Notice, Webhook
from cfm_workflow.operations import feedback
from cfm_workflow.policy.deliveries import MAILS_AN_HOUR, Answer, Verdict, matches, next_gap
from tests.ledger.telling import deliveries, endpoint, forget, instant_of, mails, states, told
from tests.plans import plan
from tests.world import World

ME, OTHER = outbox.new_worker(), outbox.new_worker()
GAPS = (60, 600)
FINE = Answer(Verdict.DELIVERED, "ok", 200, "192.0.2.1:443")
NOT_NOW = Answer(Verdict.LATER, "try again", 503)


def claim(world: World, webhook_id: int, *, worker: str = ME, count: int = 100) -> list[Claimed]:
    now = clock.now()
    return world.service.database.transaction(
        lambda session: outbox.claim_for_webhook(session, webhook_id, worker=worker, count=count, now=now)
    )


def claim_mail(world: World, name: str, *, worker: str = ME) -> list[Claimed]:
    now, person = clock.now(), world.people[name].id
    return world.service.database.transaction(
        lambda session: outbox.claim_mail(session, person, worker=worker, now=now)
    )


def settle(world: World, claimed: Claimed, answer: Answer = FINE) -> str | None:
    now = clock.now()
    return world.service.database.transaction(
        lambda session: outbox.settle(session, claimed, answer, started_at=now, gaps=GAPS, now=now)
    )


def renew(session: Session, held: Claimed, now: datetime) -> None:
    outbox.renew(session, [held.id], ME, now=now)
    outbox.go_on_serving(session, [held.receiver], ME, now=now)


def attempts(world: World, delivery_id: int) -> list[tuple[int, str]]:
    query = select(Attempt.number, Attempt.verdict).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number)
    with world.service.database.reading() as session:
        return [tuple(row) for row in session.execute(query)]


def with_work(world: World, worker: str) -> list[int]:
    with world.service.database.reading() as session:
        return outbox.webhooks_with_work(session, worker=worker, now=clock.now())


def test_an_endpoint_gets_a_delivery_for_each_event_it_asked_for(world: World) -> None:
    everything, ends = endpoint(world), endpoint(world, "action.completed", "feedback.*")
    world.alice.fire(world.action("Alice"), "complete", through=True, outcome="fixed")
    happened = [event["type"] for event in world.events(types="action.*,action_group.*,feedback.*")]
    assert deliveries(world, everything) == happened
    assert deliveries(world, ends) == ["feedback.received", "action.completed", "feedback.resolved"]


def test_administrators_events_are_no_part_of_everything(world: World) -> None:
    webhook = endpoint(world)
    world.ada.post("/users", {"email": "new@example.com", "name": "New", "role": "agent"})
    assert deliveries(world, webhook) == []


def test_filters_by_team_and_workflow_let_through_what_belongs_to_them(world: World) -> None:
    of_team = endpoint(world, teams=[world.care["id"]])
    of_workflow = endpoint(world, workflows=["callback"])
    world.pool_action()
    world.action("Alice")  # given to a person: it belongs to her team
    world.action("Olga", by="Sam")
    world.action("Bob", workflow="callback")
    assert deliveries(world, of_team) == ["action.assigned"] * 3
    assert deliveries(world, of_workflow) == ["action.assigned"]


def test_an_endpoint_sees_no_more_than_its_owner(world: World) -> None:
    secret = {"key": "legal", "name": "Legal", "members": [world.bob.email], "restricted": True}
    world.ada.post("/teams", secret)
    seeing, blind = endpoint(world), endpoint(world, owner_id=world.mallory.id)
    world.give(by="Sam", assignees=[{"team": "legal", "mode": "pool"}])
    assert "action.assigned" in deliveries(world, seeing)
    assert "action.assigned" not in deliveries(world, blind)


def test_history_goes_only_to_endpoints_that_ask_for_it(world: World) -> None:
    plain, asking = endpoint(world), endpoint(world, include_imported=True)
    missing = ("external_id", "fingerprint", "channel", "touchpoint", "language", "metric", "score", "customer")
    row = dict.fromkeys(missing) | {"source": "old", "external_id": "1", "text": "Long ago.", "attributes": {}}
    row["received_at"] = clock.now()
    world.service.database.transaction(
        lambda session: feedback.receive(session, system("import"), [row], imported=True, now=clock.now())
    )
    assert deliveries(world, plain) == []
    assert deliveries(world, asking) == ["feedback.received"]


def test_a_paused_endpoint_collects_and_is_not_served(world: World) -> None:
    webhook = endpoint(world, state="paused")
    world.feedback()
    assert deliveries(world, webhook) == ["feedback.received"]
    assert with_work(world, ME) == [] and claim(world, webhook) == []


def test_an_event_is_claimed_after_the_earlier_ones_of_its_action_were_tried(world: World) -> None:
    webhook = endpoint(world, "action.*")
    first, second = world.action("Alice"), world.action("Bob")
    world.alice.fire(first, "complete", through=True, outcome="fixed")
    world.bob.fire(second, "accept")
    [assigned, other] = claim(world, webhook)
    assert claim(world, webhook) == []
    settle(world, assigned, NOT_NOW)  # tried, though in vain
    settle(world, other)
    accepted = claim(world, webhook)
    assert len(accepted) == 2
    for each in accepted:
        settle(world, each)
    [started] = claim(world, webhook)
    assert started.position > accepted[0].position > assigned.position


def test_one_worker_at_a_time_serves_an_endpoint(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    world.feedback()
    assert with_work(world, OTHER) == [webhook]
    assert len(claim(world, webhook, count=1)) == 1
    assert with_work(world, OTHER) == [] and claim(world, webhook, worker=OTHER) == []
    clock.freeze(noon + outbox.LEASE + timedelta(seconds=1))
    assert len(claim(world, webhook, worker=OTHER)) == 2


def test_a_lease_that_was_renewed_holds(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    [held] = claim(world, webhook)
    for _ in range(3):
        clock.freeze(clock.now() + outbox.RENEW_EVERY)
        now = clock.now()
        world.service.database.transaction(lambda session: renew(session, held, now))  # noqa: B023
    clock.freeze(clock.now() + outbox.LEASE - timedelta(seconds=1))
    assert claim(world, webhook, worker=OTHER) == []
    assert settle(world, held) == "delivered"


def test_who_lost_the_lease_cannot_settle_but_what_happened_is_noted(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    [lost] = claim(world, webhook)
    clock.freeze(noon + outbox.LEASE + timedelta(seconds=1))
    [taken] = claim(world, webhook, worker=OTHER)
    assert attempts(world, lost.id) == [(1, "unknown")]
    assert settle(world, lost) is None
    assert states(world) == [("pending", 2)]
    assert settle(world, taken, NOT_NOW) == "pending"
    assert attempts(world, lost.id) == [(1, "delivered"), (2, "later")]


def test_failures_are_tried_again_after_the_gaps_and_then_dead(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    for gap in GAPS:
        [claimed] = claim(world, webhook)
        assert settle(world, claimed, NOT_NOW) == "pending"
        due = instant_of(world, claimed.id)
        assert timedelta(seconds=gap) <= due - clock.now() <= timedelta(seconds=gap * 1.2)
        assert claim(world, webhook) == []
        clock.freeze(due)
    [claimed] = claim(world, webhook)
    assert settle(world, claimed, NOT_NOW) == "dead"
    assert claim(world, webhook) == []


def test_a_receiver_that_asks_for_patience_gets_it(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    [claimed] = claim(world, webhook)
    settle(world, claimed, Answer(Verdict.LATER, status=429, retry_after=timedelta(hours=2)))
    assert instant_of(world, claimed.id) == noon + timedelta(hours=2)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.DELIVERED, "delivered"),
        (Verdict.KEPT, "kept"),
        (Verdict.NEVER, "dead"),
        (Verdict.GONE, "dead"),
        (Verdict.NEEDLESS, "cancelled"),
    ],
)
def test_every_other_end_is_one(verdict: Verdict, state: str, world: World) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    [claimed] = claim(world, webhook)
    assert settle(world, claimed, Answer(verdict, "long \0 " * 100, 200)) == state
    assert states(world) == [(state, 1)]


def test_what_was_not_begun_is_given_back_as_if_it_had_not_been_claimed(world: World) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    claimed = claim(world, webhook)
    world.service.database.transaction(lambda session: outbox.give_back_unsent(session, claimed))
    assert states(world) == [("pending", 0)]
    [again] = claim(world, webhook)
    assert again.number == 1 and attempts(world, again.id) == []


def test_what_a_dead_worker_held_is_free_at_once(world: World) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    [held] = claim(world, webhook)
    now = clock.now()
    free = world.service.database.transaction(lambda session: outbox.give_back_of_dead(session, ME, now=now))
    assert free == 1
    [again] = claim(world, webhook, worker=OTHER)
    assert again.number == 2 and attempts(world, held.id) == [(1, "unknown")]


@pytest.mark.parametrize("is_known_dead", [False, True], ids=["the lease runs out", "somebody finds it dead"])
def test_attempts_that_end_with_their_worker_use_up_none_of_the_gaps(
    is_known_dead: bool, world: World, noon: datetime
) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    for _ in range(len(GAPS) + 2):
        claim(world, webhook)
        if is_known_dead:
            now = clock.now()
            world.service.database.transaction(lambda session: outbox.give_back_of_dead(session, ME, now=now))  # noqa: B023
        clock.freeze(clock.now() + outbox.LEASE + timedelta(seconds=1))
    for gap in GAPS:
        [claimed] = claim(world, webhook)
        assert settle(world, claimed, NOT_NOW) == "pending"
        due = instant_of(world, claimed.id)
        assert timedelta(seconds=gap) <= due - clock.now() <= timedelta(seconds=gap * 1.2)
        clock.freeze(due)
    [claimed] = claim(world, webhook)
    assert settle(world, claimed, NOT_NOW) == "dead"


def test_what_could_not_be_settled_is_not_renewed_and_comes_again(world: World, noon: datetime) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    world.feedback()
    failed, held = claim(world, webhook)
    clock.freeze(clock.now() + outbox.RENEW_EVERY)
    now = clock.now()
    world.service.database.transaction(lambda session: renew(session, held, now))
    clock.freeze(noon + outbox.LEASE + timedelta(seconds=1))
    assert [again.id for again in claim(world, webhook)] == [failed.id]


def test_whoever_ends_leaves_the_endpoint_to_others_at_once(world: World) -> None:
    webhook = endpoint(world, "feedback.*")
    world.feedback()
    held = claim(world, webhook)
    world.service.database.transaction(lambda session: outbox.give_back_unsent(session, held))
    world.service.database.transaction(lambda session: outbox.cease_serving(session, ME))
    assert len(claim(world, webhook, worker=OTHER)) == 1


def test_a_mail_that_may_have_arrived_is_sent_again_as_it_was_and_not_gathered(world: World, noon: datetime) -> None:
    lined_up(world, MAILS_AN_HOUR + 5)
    lost = claim_mail(world, "Alice")[0]
    clock.freeze(clock.now() + outbox.LEASE + timedelta(seconds=1))
    again = claim_mail(world, "Alice", worker=OTHER)
    assert lost.id in {each.id for each in again}
    assert attempts(world, lost.id) == [(1, "unknown")]


def lined_up(world: World, count: int) -> None:
    """So many mails for Alice, one per request, all due."""
    item = world.feedback()
    for _ in range(count):
        world.give("Alice", item=item)
    clock.freeze(clock.now() + timedelta(seconds=60))


def test_ten_mails_an_hour_and_the_rest_gathered_into_one(world: World, noon: datetime) -> None:
    lined_up(world, MAILS_AN_HOUR + 5)
    claimed = claim_mail(world, "Alice")
    assert len(claimed) == MAILS_AN_HOUR
    assert mails(world, "gathered") == ["Alice"] * 5
    for each in claimed:
        settle(world, each)
    with world.service.database.reading() as session:
        told_in = Counter(session.scalars(select(Notice.batch).where(Notice.account_id == world.alice.id)))
    assert sorted(told_in.values()) == [1] * (MAILS_AN_HOUR - 1) + [6]
    assert told_in.keys() == {each.position for each in claimed}
    assert len(told(world, "Alice")) == MAILS_AN_HOUR + 5


def test_after_ten_mails_the_next_waits_until_the_hour_has_gone_on(world: World, noon: datetime) -> None:
    lined_up(world, MAILS_AN_HOUR)
    for each in claim_mail(world, "Alice"):
        settle(world, each)
    first = clock.now()
    lined_up(world, 3)
    assert claim_mail(world, "Alice") == []
    clock.freeze(first + timedelta(hours=1) - timedelta(seconds=1))
    assert claim_mail(world, "Alice") == []
    clock.freeze(first + timedelta(hours=1))
    assert len(claim_mail(world, "Alice")) == 3


def test_those_who_wait_longest_are_served_first(world: World, noon: datetime) -> None:
    world.action("Bob")
    clock.freeze(noon + timedelta(seconds=1))
    world.action("Alice")
    clock.freeze(noon + timedelta(minutes=2))
    with world.service.database.reading() as session:
        assert outbox.people_with_mail(session, now=clock.now()) == [world.bob.id, world.alice.id]


def test_a_customers_address_is_frozen_only_where_an_endpoint_may_have_it(world: World) -> None:
    def contacts() -> list[str | None]:
        with world.service.database.reading() as session:
            return list(session.scalars(select(Event.contact).where(Event.type == "feedback.received")))

    minji = {"name": "Minji", "email": "minji@example.com"}
    world.feedback(customer=minji)
    endpoint(world, include_customer=True)
    item = world.feedback(customer=minji)
    assert contacts() == [None, '{"email":"minji@example.com","phone":null}']
    world.ada.expect(204, "DELETE", f"/feedback/{item['id']}")
    assert contacts() == [None, None]


def test_an_endpoint_that_is_switched_off_gets_nothing_more(world: World) -> None:
    webhook = endpoint(world)
    world.feedback()
    world.service.database.transaction(lambda session: session.execute(update(Webhook).values(state="disabled")))
    forget(world)
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"name": "Care"})  # whoever listens is read anew
    world.feedback()
    assert deliveries(world, webhook) == []


@pytest.mark.parametrize(
    ("patterns", "event_type", "audit", "fits"),
    [
        (("*",), "action.accepted", False, True),
        (("*",), "user.created", True, False),
        (("user.*",), "user.created", True, True),
        (("action.*",), "action_group.completed", False, False),
        (("action.accepted",), "action.accepted", False, True),
        ((), "action.accepted", False, False),
    ],
)
def test_which_patterns_name_an_event(patterns: Sequence[str], event_type: str, audit: bool, fits: bool) -> None:
    assert matches(frozenset(patterns), event_type, audit=audit) is fits


def test_gaps_grow_by_jitter_only() -> None:
    gaps = [next_gap(1, (100,)) for _ in range(200)]
    assert all(gap is not None and timedelta(seconds=100) <= gap <= timedelta(seconds=120) for gap in gaps)
    assert next_gap(2, (100,)) is None
    assert next_gap(1, (100,), retry_after=timedelta(days=30)) == timedelta(days=1)


def test_the_default_gaps_span_a_week_in_fifteen_attempts(small_world: World) -> None:
    gaps = small_world.service.settings.webhook_retry_seconds
    assert len(gaps) == 14 and timedelta(seconds=sum(gaps)) >= timedelta(days=7)


def test_what_is_due_is_found_by_index(world: World) -> None:
    endpoint(world)
    world.action("Alice")
    now = clock.now()
    assert "ix_deliveries_webhook_due" in plan(world, lambda s: outbox.webhooks_with_work(s, worker=ME, now=now))
    assert "ix_deliveries" in plan(world, lambda s: outbox.people_with_mail(s, now=now))
