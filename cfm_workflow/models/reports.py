"""What reports are made of beside the rows themselves: visits of states, rolled up; and who looked when."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base


class Stay(Base):
    """One visit of an action to a state that has ended: since when, until when, and by which step it was left.

    Team and assignee are those it had during the visit. `number` counts the visits of an action.
    """

    __tablename__ = "stays"
    __table_args__ = (
        Index("ix_stays_left", "left_at", "action_id", "number"),
        Index("ix_stays_edge", "state", "transition", "left_at", "action_id", "number"),
    )

    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    workflow_id: Mapped[int] = mapped_column(ForeignKey("workflow_versions.id"))
    state: Mapped[str] = mapped_column(String(limits.KEY))
    transition: Mapped[str] = mapped_column(String(limits.KEY))
    to_state: Mapped[str] = mapped_column(String(limits.KEY))
    team_id: Mapped[int | None]
    assignee_id: Mapped[int | None]
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime]
    day: Mapped[str] = mapped_column(String(10))  # on which it was left, in the time zone of the service
    bucket: Mapped[int]  # how long it took, see policy/spread.py


class FlowDay(Base):
    """How many visits ended on a day, by step and by how long they took: the sum of rows of `stays`.

    Each visit counts under `EVERYBODY`, and under its team, or its assignee where it has no team; and both for its day
    and for its month, which stands where days do.
    """

    __tablename__ = "flow_days"

    team_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    assignee_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    workflow_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(limits.KEY), primary_key=True)
    transition: Mapped[str] = mapped_column(String(limits.KEY), primary_key=True)
    to_state: Mapped[str] = mapped_column(String(limits.KEY), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]


class ReportProgress(Base):
    """One row: how far the ledger has been rolled up."""

    __tablename__ = "report_progress"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]  # of the last event that was taken in
    complete_to: Mapped[datetime | None]  # everything that happened before this instant was taken in
    time_zone: Mapped[str | None] = mapped_column(String(64))  # in which days were counted


class ReportReview(Base):
    """When somebody last went through the reports."""

    __tablename__ = "report_reviews"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    reviewed_at: Mapped[datetime]
