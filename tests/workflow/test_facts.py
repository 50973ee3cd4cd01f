"""What `begin` and `fire` keep beside the state: times, where it came from, who may take it back, who took it."""

from datetime import timedelta

import pytest

from cfm_workflow.workflow import Category, Code, begin, choices, fire, leading_to, load_text, path, why_not

from .test_loading import changed, label
from .work import ALICE, BOB, CALLBACK, NOW, OLGA, STANDARD, new_work, walk

LATER = NOW + timedelta(minutes=3)
ASSIGNEE = frozenset({"assignee"})
MEMBER = frozenset({"pool_member"})
SYSTEM = frozenset({"system"})


def test_new_work_begins_once() -> None:
    work = new_work()
    assert (work.state, work.category, work.state_since) == ("assigned", "open", NOW)
    with pytest.raises(ValueError, match="begin"):
        begin(STANDARD, work, now=NOW)


def test_first_acceptance_and_start_are_kept_until_it_is_open_again() -> None:
    work = walk(new_work(), "accept", "start")
    walk(work, "wait", "resume", now=LATER)
    assert (work.accepted_at, work.started_at, work.state_since) == (NOW, NOW, LATER)
    walk(work, "complete", "reopen", now=LATER)
    assert (work.accepted_at, work.started_at, work.finished_at) == (None, None, None)


def test_an_undone_completion_out_of_waiting_can_still_be_resumed() -> None:
    work = walk(new_work(), "accept", "start", "wait", "complete", "undo")
    assert (work.state, work.came_from, work.finished_at, work.undo_to) == ("waiting", "in_progress", None, None)
    assert walk(work, "resume").state == "in_progress"
    assert work.came_from is None


def test_from_waiting_to_waiting_it_stays_known_where_it_came_from() -> None:
    park = {"from": ["paused"], "to": "parked", "who": ["lead"], "event": "action.parked", "label": label("Park")}
    two = load_text(
        changed(
            ("states.parked", {"category": "waiting", "label": label("Parked")}),
            ("transitions.park", park),
            ("transitions.go_on.from", ["parked"]),
            ("transitions.drop", park | {"to": "over"}),
        ),
        "two.yaml",
    )
    work = walk(new_work(two), "take", "pause", "park", definition=two)
    assert work.came_from == "doing"
    assert walk(work, "go_on", definition=two).state == "doing"


def test_through_does_not_open_finished_work_on_the_way() -> None:
    again = {"from": ["over"], "to": "new", "who": ["assignee"], "event": "action.reopened", "label": label("Again")}
    easy = load_text(changed(("transitions.again", again)), "easy.yaml")
    work = walk(new_work(easy), "take", "finish", definition=easy)
    assert path(easy, work, "take", by=ALICE, relations=ASSIGNEE, now=NOW) == []


def test_a_finish_remembers_who_may_take_it_back_and_for_how_long() -> None:
    work = walk(new_work(), "accept", "start", "complete", by=ALICE)
    assert (work.undo_to, work.undo_by, work.undo_until) == ("in_progress", ALICE, NOW + timedelta(minutes=10))
    walk(work, "reopen")
    assert (work.undo_to, work.undo_by, work.undo_until) == (None, None, None)


def test_a_cancellation_cannot_be_taken_back() -> None:
    assert walk(new_work(), "cancel").undo_to is None


def test_what_the_service_finished_is_nobodys_to_undo() -> None:
    work = walk(new_work(), "accept", "start")
    fire(STANDARD, work, "complete", by=None, relations=frozenset({"administrator"}), given={"outcome"}, now=NOW)
    refusal = why_not(STANDARD, work, "undo", by=None, relations=SYSTEM, given=(), now=NOW)
    assert refusal is not None
    assert refusal.code is Code.NOT_PERMITTED


def test_the_first_of_a_pool_owns_it_and_the_next_is_told_that_it_is_taken() -> None:
    work = new_work(assignee_id=None, pool=True)
    assert fire(STANDARD, work, "accept", by=BOB, relations=MEMBER, given=(), now=NOW).claims
    work.assignee_id = BOB  # what the operation does with a claim
    refusal = why_not(STANDARD, work, "accept", by=ALICE, relations=MEMBER, given=(), now=NOW)
    assert refusal is not None
    assert refusal.code is Code.TAKEN
    assert not fire(STANDARD, work, "start", by=BOB, relations=MEMBER | ASSIGNEE, given=(), now=NOW).claims


def test_an_assignee_who_is_a_member_too_acts_as_assignee() -> None:
    work = new_work(assignee_id=ALICE, pool=True)
    assert why_not(STANDARD, work, "accept", by=ALICE, relations=MEMBER | ASSIGNEE, given=(), now=NOW) is None


def test_nobody_but_the_service_gives_a_past_to_waiting_work() -> None:
    work = walk(new_work(), "accept", "wait")
    work.came_from = None
    refusal = why_not(STANDARD, work, "resume", by=ALICE, relations=ASSIGNEE, given=(), now=NOW)
    assert refusal is not None
    assert refusal.code is Code.WRONG_STATE


def test_a_state_the_definition_does_not_know_can_only_be_looked_at() -> None:
    work = new_work()
    work.state = "lost"
    allowed, blocked = choices(STANDARD, work, by=OLGA, relations=frozenset({"administrator"}), now=NOW)
    assert allowed == []
    assert set(blocked) == set(STANDARD.transitions)


def test_choices_are_all_transitions_and_a_field_to_be_given_closes_none() -> None:
    work = walk(new_work(), "accept", "start")
    allowed, blocked = choices(STANDARD, work, by=ALICE, relations=ASSIGNEE, now=NOW)
    assert allowed == ["complete", "release", "reassign", "wait"]
    assert {*allowed, *blocked} == set(STANDARD.transitions)
    assert blocked["cancel"].missing == ("assigner", "lead", "supervisor", "system")


@pytest.mark.parametrize(
    ("past", "name", "relations", "steps"),
    [
        ((), "complete", ASSIGNEE, ["accept", "start", "complete"]),
        (("accept",), "complete", ASSIGNEE, ["start", "complete"]),
        (("accept", "start"), "complete", ASSIGNEE, ["complete"]),
        ((), "wait", ASSIGNEE, ["accept", "wait"]),
        (("accept", "wait"), "start", ASSIGNEE, []),
        (("accept", "wait"), "resume", ASSIGNEE, ["resume"]),
        ((), "complete", frozenset({"supervisor"}), []),
        ((), "complete", frozenset({"administrator"}), ["accept", "start", "complete"]),
        (("accept", "start", "complete"), "start", ASSIGNEE, []),
        (("accept", "start"), "accept", ASSIGNEE, []),
        ((), "fly", ASSIGNEE, []),
    ],
)
def test_through_walks_only_what_is_permitted_and_asks_for_nothing(
    past: tuple[str, ...], name: str, relations: frozenset[str], steps: list[str]
) -> None:
    assert path(STANDARD, walk(new_work(), *past), name, by=ALICE, relations=relations, now=NOW) == steps


def test_a_member_of_the_pool_can_go_all_the_way_by_taking_it() -> None:
    work = new_work(assignee_id=None, pool=True)
    steps = path(STANDARD, work, "complete", by=BOB, relations=MEMBER, now=NOW)
    assert steps == ["accept", "start", "complete"]
    work.assignee_id = ALICE
    assert path(STANDARD, work, "complete", by=BOB, relations=MEMBER, now=NOW) == []


def test_work_of_a_pool_is_not_given_back_on_the_way_to_something_else() -> None:
    work = walk(new_work(pool=True), "accept", "wait")
    assert path(STANDARD, work, "start", by=ALICE, relations=ASSIGNEE, now=NOW) == []


@pytest.mark.parametrize(
    ("category", "name"), [(Category.DROPPED, "cancel"), (Category.ACTIVE, "resume"), (Category.DONE, None)]
)
def test_the_service_finds_its_way_by_category(category: Category, name: str | None) -> None:
    work = walk(new_work(), "accept", "wait")
    assert leading_to(STANDARD, work, category, by=None, relations=SYSTEM, now=NOW) == name


def test_a_callback_is_done_when_it_was_approved() -> None:
    work = walk(new_work(CALLBACK), "accept", "start", "submit", definition=CALLBACK, by=ALICE)
    assert work.category == "active"
    refusal = why_not(CALLBACK, work, "approve", by=ALICE, relations=ASSIGNEE, given=(), now=NOW)
    assert refusal is not None
    assert refusal.code is Code.NOT_PERMITTED
    assigner = frozenset({"assigner"})
    fire(CALLBACK, work, "send_back", by=OLGA, relations=assigner, given={"reason"}, now=NOW)
    fire(CALLBACK, work, "submit", by=ALICE, relations=ASSIGNEE, given={"outcome"}, now=NOW)
    fired = fire(CALLBACK, work, "approve", by=OLGA, relations=assigner, given=(), now=NOW)
    assert (work.category, fired.transition.event) == ("done", "action.completed")
