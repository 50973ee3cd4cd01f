"""`standard` does exactly what the product's table says, written here once more by hand and compared in full."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cfm_workflow.workflow import Code, Relation, TransitionRefused, fire, why_not

from .work import ALICE, BOB, NOW, OLGA, STANDARD, Work, new_work, walk

UNFINISHED = "assigned accepted in_progress waiting"
TOP = "assigner lead supervisor"
TABLE = {
    # transition   from                           to           who                        requires
    "accept":    ("assigned",                     "accepted",    "assignee pool_member",    ""),
    "start":     ("accepted",                     "in_progress", "assignee",                ""),
    "complete":  ("in_progress waiting",          "done",        "assignee",                "outcome"),
    "decline":   ("assigned accepted waiting",    "declined",    "assignee",                "reason"),
    "release":   ("accepted in_progress waiting", "assigned",    "assignee",                ""),
    "reassign":  (UNFINISHED,                     "assigned",    f"assignee {TOP} system",  "assignee reason"),
    "wait":      ("accepted in_progress",         "waiting",     "assignee",                "reason until"),
    "resume":    ("waiting",                      "previous",    f"assignee {TOP} system",  ""),
    "cancel":    (UNFINISHED,                     "cancelled",   f"{TOP} system",           "reason"),
    "reopen":    ("done declined cancelled",      "assigned",    f"{TOP} system",           "reason"),
    "undo":      ("done declined",                "before",      "doer",                    ""),
}  # fmt: skip
CATEGORIES = {
    "assigned": "open", "accepted": "active", "in_progress": "active", "waiting": "waiting",
    "done": "done", "declined": "dropped", "cancelled": "dropped",
}  # fmt: skip
EVENTS = {
    "accept": "accepted", "start": "started", "complete": "completed", "decline": "declined", "release": "released",
    "reassign": "reassigned", "wait": "waiting", "resume": "resumed", "cancel": "cancelled", "reopen": "reopened",
    "undo": "undone",
}  # fmt: skip
OPTIONAL = {"complete": {"root_cause", "resolution", "reason"}, "reopen": {"assignee"}}

PASTS = {  # how Olga brought it there -> the state it has now, and the one before
    (): ("assigned", None),
    ("accept",): ("accepted", "assigned"),
    ("accept", "start"): ("in_progress", "accepted"),
    ("accept", "wait"): ("waiting", "accepted"),
    ("accept", "start", "wait"): ("waiting", "in_progress"),
    ("accept", "start", "complete"): ("done", "in_progress"),
    ("accept", "start", "wait", "complete"): ("done", "waiting"),
    ("decline",): ("declined", "assigned"),
    ("accept", "wait", "decline"): ("declined", "waiting"),
    ("accept", "cancel"): ("cancelled", "accepted"),
}
SETTINGS = {
    "given to Alice": {"assignee_id": ALICE, "pool": False},
    "nobody's, of a pool": {"assignee_id": None, "pool": True},
    "Alice's, of a pool": {"assignee_id": ALICE, "pool": True},
}
WHO = [*Relation, "none"]


def expected(name: str, state: str, relation: str, given: set[str], work: Work) -> Code | None:
    left, _, who, requires = TABLE[name]
    if name == "undo" and relation == "doer":
        permitted = state in left.split()  # there is no doer of what nobody finished, nor of a cancellation
    else:
        permitted = relation in who.split() or relation == "administrator"
    if not permitted:
        return Code.NOT_PERMITTED
    if relation == "pool_member" and work.assignee_id is not None:
        return Code.TAKEN
    if state not in left.split():
        return Code.WRONG_STATE
    return None if given >= set(requires.split()) else Code.MISSING_FIELD


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", TABLE)
def test_every_state_transition_and_relation_is_as_the_table_says(name: str, setting: str) -> None:
    for past, (state, before) in PASTS.items():
        made = walk(new_work(**SETTINGS[setting]), *past)
        assert made.state == state
        for relation in WHO:
            for given in subsets_of(TABLE[name][3].split()):
                work = replace(made)
                by = OLGA if relation == "doer" else BOB
                arguments = {"by": by, "relations": frozenset({relation}), "given": given, "now": NOW}
                code = expected(name, state, relation, given, work)
                refusal = why_not(STANDARD, work, name, **arguments)
                assert (refusal and refusal.code) == code, (past, relation, given)
                if code is not None:
                    with pytest.raises(TransitionRefused) as caught:
                        fire(STANDARD, work, name, **arguments)
                    assert caught.value.refusal == refusal
                    assert work == made, "a refused transition changes nothing"
                else:
                    target = before if TABLE[name][1] in ("previous", "before") else TABLE[name][1]
                    fired = fire(STANDARD, work, name, **arguments)
                    assert (fired.from_state, fired.to_state, work.state) == (state, target, target)
                    assert work.category == CATEGORIES[work.state]
                    assert (work.finished_at is not None) == (work.category in ("done", "dropped"))


def subsets_of(fields: list[str]) -> list[set[str]]:
    return [{field for n, field in enumerate(fields) if bits >> n & 1} for bits in range(2 ** len(fields))]


def test_it_has_the_states_fields_and_events_of_the_product_and_no_others() -> None:
    assert {state.name: state.category for state in STANDARD.states.values()} == CATEGORIES
    assert {each.name: each.event for each in STANDARD.transitions.values()} == {
        name: f"action.{word}" for name, word in EVENTS.items()
    }
    assert {each.name: set(each.requires) for each in STANDARD.transitions.values()} == {
        name: set(row[3].split()) for name, row in TABLE.items()
    }
    assert {each.name: set(each.optional) for each in STANDARD.transitions.values() if each.optional} == OPTIONAL


def test_what_can_finish_or_reopen_is_known() -> None:
    assert STANDARD.finishing == {"complete", "decline", "cancel", "reopen", "undo"}


def test_an_undo_is_possible_for_ten_minutes_and_not_a_second_longer() -> None:
    done = walk(new_work(), "accept", "start", "complete", by=ALICE)
    for relations in (frozenset[str](), frozenset({"administrator"})):
        arguments = {"by": ALICE, "relations": relations, "given": ()}
        late = NOW + timedelta(minutes=10, seconds=1)
        assert why_not(STANDARD, done, "undo", **arguments, now=NOW + timedelta(minutes=10)) is None
        assert why_not(STANDARD, done, "undo", **arguments, now=late).code is Code.TOO_LATE


def test_nobody_becomes_who_did_it_by_saying_so() -> None:
    done = walk(new_work(), "accept", "start", "complete", by=ALICE)
    refusal = why_not(STANDARD, done, "undo", by=BOB, relations=frozenset({"doer"}), given=(), now=NOW)
    assert refusal.code is Code.NOT_PERMITTED


def test_waiting_for_an_answer_counts_as_until() -> None:
    work = walk(new_work(), "accept")
    arguments = {"by": ALICE, "relations": frozenset({"assignee"}), "now": NOW}
    assert why_not(STANDARD, work, "wait", given={"reason", "until_answer"}, **arguments) is None
    assert why_not(STANDARD, work, "wait", given={"reason"}, **arguments).missing == ("until",)


def test_only_an_assignee_alone_is_limited_to_the_same_team() -> None:
    reassign = STANDARD.transitions["reassign"]
    assert reassign.limit_for(frozenset({"assignee"})) == "same_team"
    assert reassign.limit_for(frozenset({"assignee", "lead"})) is None
    assert reassign.limit_for(frozenset({"assignee", "administrator"})) is None
