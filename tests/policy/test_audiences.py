"""The table of who hears what is whole, and choices are followed."""

import pytest

from cfm_workflow.policy.audiences import (
    AUDIENCES,
    KINDS,
    RELATIONS,
    SIBLINGS,
    Level,
    level_for,
    most_important,
    relations_told,
)
from cfm_workflow.policy.event_types import EVENT_TYPES


@pytest.mark.parametrize("event_type", AUDIENCES)
def test_every_row_is_of_an_event_type_and_tells_somebody(event_type: str) -> None:
    assert event_type in EVENT_TYPES
    assert len(AUDIENCES[event_type]) == len(RELATIONS)
    assert relations_told(event_type)


def test_events_of_actions_that_no_table_knows_go_to_those_concerned() -> None:
    assert relations_told("action.inspected") == {"assignee", "assigner", "watcher", "sibling"}
    assert not relations_told("team.created") and not relations_told("feedback.received")


@pytest.mark.parametrize(
    ("relations", "own", "everybody", "level", "by"),
    [
        ({"assigner"}, {}, {}, Level.AT_ONCE, "assigner"),
        ({"sibling"}, {}, {}, Level.DIGEST, "sibling"),
        ({"watcher", "assigner"}, {}, {}, Level.AT_ONCE, "assigner"),
        ({"lead"}, {}, {}, Level.NEVER, ""),
        ({"lead"}, {"action.completed": Level.AT_ONCE}, {}, Level.NEVER, ""),
        ({"assigner"}, {"action.completed": Level.NEVER}, {}, Level.NEVER, ""),
        ({"assigner"}, {}, {"action.completed": Level.DIGEST}, Level.DIGEST, "assigner"),
        (
            {"assigner"},
            {"action.completed": Level.AT_ONCE},
            {"action.completed": Level.NEVER},
            Level.AT_ONCE,
            "assigner",
        ),
        ({"sibling"}, {"action.completed": Level.AT_ONCE}, {}, Level.DIGEST, "sibling"),
        ({"sibling"}, {SIBLINGS: Level.NEVER}, {}, Level.NEVER, ""),
    ],
)
def test_how_soon_somebody_hears_of_a_completed_action(
    relations: set[str], own: dict[str, Level], everybody: dict[str, Level], level: Level, by: str
) -> None:
    assert level_for("action.completed", relations, own=own, everybody=everybody) == (level, by)


def test_a_mail_is_about_the_most_important_of_its_events() -> None:
    assert most_important(["action.accepted", "feedback.resolved", "action.completed"]) == "feedback.resolved"
    assert most_important(["action.inspected", "action.accepted"]) == "action.accepted"
    assert set(KINDS) == {*AUDIENCES, SIBLINGS}
