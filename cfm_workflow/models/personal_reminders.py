"""Personal reminders: what somebody wants to be told at a date and time, about a feedback item or an action."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base

PLANNED = text("state = 'planned'")


class PersonalReminder(Base):
    """One reminder, and where it stands. One that repeats is the same row at its next time.

    Repetitions are counted from `first_at` on the wall of `time_zone`, so that snoozing one does not move the others.
    """

    __tablename__ = "personal_reminders"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'fired', 'cancelled')", name="state"),
        CheckConstraint("if_answered IN ('keep', 'drop')", name="if_answered"),
        Index("ix_personal_reminders_due", "remind_at", "id", sqlite_where=PLANNED, postgresql_where=PLANNED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), index=True)  # of an action the item it is on
    action_id: Mapped[int | None] = mapped_column(ForeignKey("actions.id"), index=True)
    remind_at: Mapped[datetime]  # when it is told next, or was told last
    text: Mapped[str] = mapped_column(Text)
    every: Mapped[str | None] = mapped_column(String(10))  # P1D, P7D, ...
    first_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(String(64))  # of whoever set it
    if_answered: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    occurrence: Mapped[int]  # how often it was told
    created_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    version: Mapped[int]


class PersonalReminderReceiver(Base):
    __tablename__ = "personal_reminder_receivers"

    reminder_id: Mapped[int] = mapped_column(ForeignKey("personal_reminders.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
