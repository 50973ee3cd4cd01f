"""Planned checks: some time after it was solved the customer is asked whether it really is."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base

PLANNED = text("state = 'planned'")
ASKED = text("state = 'asked'")


class Check(Base):
    """One question to a customer, and where it stands.

    It is `asked` until there is an answer, and `assumed` when there is none by `expires_at`. Until then a later answer
    takes the place of an earlier one.
    """

    __tablename__ = "checks"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'asked', 'answered', 'assumed', 'cancelled')", name="state"),
        CheckConstraint("answer IN ('confirmed', 'denied')", name="answer"),
        Index("ix_checks_due", "ask_at", "id", sqlite_where=PLANNED, postgresql_where=PLANNED),
        Index("ix_checks_expiring", "expires_at", "id", sqlite_where=ASKED, postgresql_where=ASKED),
        Index("ix_checks_feedback_id_id", "feedback_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"))
    state: Mapped[str] = mapped_column(String(10))
    ask_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # from then on no answer means that nothing more is wrong
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None]
    score: Mapped[int | None]
    word: Mapped[str | None] = mapped_column(Text)
    action_id: Mapped[int | None] = mapped_column(ForeignKey("actions.id"), index=True)  # what a "no" opened again
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), unique=True)  # by which it was asked
    created_at: Mapped[datetime]
