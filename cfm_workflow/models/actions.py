"""The work: actions, the groups they were made in, the items they serve, how they can end, and what was the cause."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Computed, ForeignKey, Index, String, Text, TextClause, false, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

UNFINISHED = text("finished_at IS NULL")
FINISHED = text("finished_at IS NOT NULL")
NOT_ACCEPTED = text("finished_at IS NULL AND accepted_at IS NULL AND accept_by IS NOT NULL")
EXTENDED = text("due_at > first_due_at")
NOBODYS = text("finished_at IS NULL AND assignee_id IS NULL")
WAITING = text("category = 'waiting'")
HAS_CAUSE = text("root_cause IS NOT NULL")
HAS_OUTCOME = text("outcome_id IS NOT NULL")
ASKED_FOR_TIME = text("extension_request IS NOT NULL")
STOOD_IN = text("finished_at IS NULL AND on_behalf_of_id IS NOT NULL")
NO_DUE_DATE = "9999-12-31 00:00:00.000000"
"""Where actions without a due date stand in a list by due date: behind all others."""


class Kind(StrEnum):
    INTERNAL = "internal"
    EXTERNAL = "external"


class Completion(StrEnum):
    ALL = "all"
    ANY = "any"
    AT_LEAST = "at_least"


class GroupState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"


PRIORITIES = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
PRIORITY_NAMES = {number: name for name, number in PRIORITIES.items()}


class Outcome(Base):
    """How a finished action can have ended; kept by administrators."""

    __tablename__ = "outcomes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(limits.KEY), unique=True)
    label: Mapped[dict[str, str]] = mapped_column(JSON)  # language -> text
    requires_reason: Mapped[bool]
    benefits_customer: Mapped[bool] = mapped_column(server_default=false())  # so they may be told it is solved
    active: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime]


class RootCause(Base):
    """What can have caused what a customer complains of; kept by administrators. Actions hold the key, as text."""

    __tablename__ = "root_causes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(limits.KEY), unique=True)  # never changes
    label: Mapped[dict[str, str]] = mapped_column(JSON)  # language -> text
    active: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime]


class ActionGroup(Base):
    """What one fan-out made. Its state follows from its actions and is never edited."""

    __tablename__ = "action_groups"
    __table_args__ = (
        CheckConstraint("completion IN ('all', 'any', 'at_least')", name="completion"),
        CheckConstraint("state IN ('open', 'completed', 'failed')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), index=True)
    completion: Mapped[str] = mapped_column(String(10))
    at_least: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10))
    state_since: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]


_WHOSE = ("team_id", "assignee_id")
_BOARD = ("category", "team_id", "workflow_id", "state", "finished_at")
_NOT_YET = ("finished_at", "accepted_at")
_ENDED = ("category", "finish_met", "outcome_id")
"""Columns at the end of an index from which reports count without reading the rows. SQLite wants those of the
condition of the index among them."""


def _index(name: str, *columns: str, where: TextClause) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Action(Base):
    """One piece of work with one accountable assignee and a state of its own."""

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint("category IN ('open', 'active', 'waiting', 'done', 'dropped')", name="category"),
        CheckConstraint("kind IN ('internal', 'external')", name="kind"),
        CheckConstraint("(finished_at IS NULL) = (category IN ('open', 'active', 'waiting'))", name="finished"),
        _index("ix_actions_mine", "assignee_id", "due_sort", "id", *_BOARD, where=UNFINISHED),
        _index("ix_actions_calendar", "calendar_id", "id", where=UNFINISHED),
        _index("ix_actions_on_behalf_of", "on_behalf_of_id", "id", where=STOOD_IN),
        _index("ix_actions_team", "team_id", "due_sort", "id", where=UNFINISHED),
        _index("ix_actions_due", "due_sort", "id", *_WHOSE, "finished_at", where=UNFINISHED),
        _index("ix_actions_priority", "priority", "id", where=UNFINISHED),
        _index("ix_actions_waiting", "waiting_until", "id", where=WAITING),
        _index("ix_actions_waiting_since", "state_since", "id", *_WHOSE, "category", where=WAITING),
        _index("ix_actions_not_accepted", "accept_by", "id", *_WHOSE, *_NOT_YET, where=NOT_ACCEPTED),
        _index("ix_actions_finished", "finished_at", "id", *_ENDED, *_WHOSE, where=FINISHED),
        _index("ix_actions_extended", "finished_at", "id", "first_due_at", "due_at", *_WHOSE, where=EXTENDED),
        _index("ix_actions_cause_finished", "root_cause", "finished_at", "id", *_WHOSE, where=HAS_CAUSE),
        Index("ix_actions_created", "created_at", "id", *_WHOSE),
        Index("ix_actions_due_sort_id", "due_sort", "id", "finished_at", *_WHOSE),
        Index("ix_actions_priority_id", "priority", "id"),
        Index("ix_actions_assignee_id_id", "assignee_id", "id"),
        Index("ix_actions_team_id_id", "team_id", "id"),
        Index("ix_actions_state_id", "state", "id"),
        Index("ix_actions_group_id_id", "group_id", "id"),
        Index("ix_actions_external_ref_id", "external_ref", "id"),
        _index("ix_actions_nobodys", "team_id", "due_sort", "id", where=NOBODYS),
        _index("ix_actions_waiting_mine", "assignee_id", "due_sort", "id", where=WAITING),
        _index("ix_actions_root_cause", "root_cause", "id", where=HAS_CAUSE),
        _index("ix_actions_outcome", "outcome_id", "id", where=HAS_OUTCOME),
        _index("ix_actions_extension", "due_sort", "id", *_WHOSE, "assigner_id", where=ASKED_FOR_TIME),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), index=True)  # the item it was made on
    group_id: Mapped[int] = mapped_column(ForeignKey("action_groups.id"))
    workflow_id: Mapped[int] = mapped_column(ForeignKey("workflow_versions.id"))
    state: Mapped[str] = mapped_column(String(limits.KEY))
    category: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(limits.TITLE))
    description: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(10))
    priority: Mapped[int]
    goal: Mapped[str | None] = mapped_column(String(limits.GOAL))
    benefit: Mapped[str | None] = mapped_column(String(limits.GOAL))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    on_behalf_of_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # who is away from it
    assigner_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    pool: Mapped[bool]
    due_at: Mapped[datetime | None]
    due_sort: Mapped[datetime] = mapped_column(Computed(f"coalesce(due_at, '{NO_DUE_DATE}')", persisted=True))
    first_due_at: Mapped[datetime | None]
    due_rule: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # None: somebody named the instant
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendars.id"))  # None: the default one
    extension_request: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # by the assignee, open
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    promised_at: Mapped[datetime | None]  # from when it is to be accepted and started
    accept_by: Mapped[datetime | None]
    start_by: Mapped[datetime | None]
    accept_met: Mapped[bool | None]  # None: not known yet, or nothing was promised
    start_met: Mapped[bool | None]
    finish_met: Mapped[bool | None]
    occurrence: Mapped[int]  # how often one of its targets has moved
    planned: Mapped[int]  # which targets have a live reminder, a bit each (`operations.actions.targets`)
    quiet_until: Mapped[datetime | None]
    waiting_until: Mapped[datetime | None]
    waiting_for_answer: Mapped[bool]
    came_from: Mapped[str | None] = mapped_column(String(limits.KEY))
    outcome_id: Mapped[int | None] = mapped_column(ForeignKey("outcomes.id"))
    root_cause: Mapped[str | None] = mapped_column(String(limits.ROOT_CAUSE))
    resolution: Mapped[str | None] = mapped_column(String(limits.RESOLUTION))
    external_ref: Mapped[str | None] = mapped_column(String(limits.EXTERNAL_ID))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    reopened_count: Mapped[int]
    undo_to: Mapped[str | None] = mapped_column(String(limits.KEY))
    undo_by: Mapped[int | None]
    undo_until: Mapped[datetime | None]
    sequence: Mapped[int]  # how many events this action has in the ledger
    version: Mapped[int]
    created_at: Mapped[datetime]
    state_since: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ActionFeedback(Base):
    """Which items an action serves; the one it was made on is among them."""

    __tablename__ = "action_feedback"

    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), primary_key=True, index=True)


class PassedOver(Base):
    """A pool member who said "not me"."""

    __tablename__ = "passed_over"

    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    at: Mapped[datetime]
