"""The ledger: what happened, in an order that never skips."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base

AUDITED = text("audit")


class Event(Base):
    """One fact. `body` is the JSON text that every consumer gets, frozen when it happened."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("action_id", "sequence"),
        Index("ix_events_feedback_id_position", "feedback_id", "position"),
        Index("ix_events_type_position", "type", "position"),
        Index("ix_events_audit", "type", "at", "position", sqlite_where=AUDITED, postgresql_where=AUDITED),
        Index(
            "ix_events_audit_actor",
            "actor_id",
            "type",
            "at",
            "position",
            sqlite_where=AUDITED,
            postgresql_where=AUDITED,
        ),
        Index("ix_events_subject", "subject_type", "subject_id", "position"),
    )

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    subject_type: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    sequence: Mapped[int | None]
    actor_type: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None]
    action_id: Mapped[int | None]
    feedback_id: Mapped[int | None]
    audit: Mapped[bool]  # for administrators only
    imported: Mapped[bool]  # history brought in from elsewhere
    body: Mapped[str] = mapped_column(Text)
    contact: Mapped[str | None] = mapped_column(Text)  # the customer's, as JSON, for endpoints that may have it


class LedgerHead(Base):
    """One row from which positions are made, see `ledger.py`."""

    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    base: Mapped[int]  # PostgreSQL: subtracted from transaction ids
    last: Mapped[int]  # SQLite: the last position given
    audience: Mapped[int]  # grows whenever somebody is to hear of other things than before
