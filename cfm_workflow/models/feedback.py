"""One message from a customer."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base


class ItemStatus(StrEnum):
    NEW = "new"
    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"


SETTLING = text("settles_at IS NOT NULL")
SILENT = text("silent_at IS NOT NULL")
WAITING = "status NOT IN ('new', 'closed') AND silent_at IS NULL AND customer_id IS NOT NULL"
"""Items whose customer may be waiting for a word, and of which nobody was told so. (SQLite would take `IN` for a reason
to go by the index of the status.)"""
NEVER_TOLD = text(f"{WAITING} AND told_at IS NULL")
TOLD_BEFORE = text(f"{WAITING} AND told_at IS NOT NULL")
FOLLOWING = text("follows_id IS NOT NULL")


class Feedback(Base):
    """A feedback item; `status` and `needs_decision` follow from its actions and are never edited by themselves."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("status IN ('new', 'open', 'resolved', 'closed')", name="status"),
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("source", "fingerprint"),
        Index("ix_feedback_received_at_id", "received_at", "id"),
        Index("ix_feedback_status_received_at_id", "status", "received_at", "id"),
        Index("ix_feedback_source_received_at_id", "source", "received_at", "id"),
        Index("ix_feedback_channel_received_at_id", "channel", "received_at", "id"),
        Index("ix_feedback_metric_received_at_id", "metric", "received_at", "id", "channel", "source", "score"),
        Index("ix_feedback_customer_id_received_at_id", "customer_id", "received_at", "id"),
        Index(
            "ix_feedback_undecided",
            "received_at",
            "id",
            sqlite_where=text("needs_decision"),
            postgresql_where=text("needs_decision"),
        ),
        Index("ix_feedback_settling", "settles_at", "id", sqlite_where=SETTLING, postgresql_where=SETTLING),
        Index("ix_feedback_silent", "received_at", "id", sqlite_where=SILENT, postgresql_where=SILENT),
        Index("ix_feedback_never_told", "received_at", "id", sqlite_where=NEVER_TOLD, postgresql_where=NEVER_TOLD),
        Index("ix_feedback_told_before", "told_at", "id", sqlite_where=TOLD_BEFORE, postgresql_where=TOLD_BEFORE),
        Index("ix_feedback_follows_id", "follows_id", sqlite_where=FOLLOWING, postgresql_where=FOLLOWING),
        Index(
            "ix_feedback_search",
            func.to_tsvector(text("'simple'"), text("search_text")),
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 1024},  # kB; whoever makes it full waits until it is empty
        ).ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(limits.SOURCE))
    external_id: Mapped[str | None] = mapped_column(String(limits.EXTERNAL_ID))
    fingerprint: Mapped[str | None] = mapped_column(String(64))  # identity of an imported row without external_id
    channel: Mapped[str | None] = mapped_column(String(limits.CHANNEL))
    touchpoint: Mapped[str | None] = mapped_column(String(limits.TOUCHPOINT))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(limits.LANGUAGE_TAG))
    metric: Mapped[str | None] = mapped_column(String(10))
    score: Mapped[int | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    status: Mapped[str] = mapped_column(String(10))
    needs_decision: Mapped[bool]
    received_at: Mapped[datetime]
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    settles_at: Mapped[datetime | None]  # when it is looked at whether to tell the customer, and to close it
    closed_at: Mapped[datetime | None]
    confirmation: Mapped[str | None] = mapped_column(String(10))  # what the customer said of its last resolution
    silent_at: Mapped[datetime | None]  # since when it is known that there was no such word for long
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("feedback.id"))  # what the customer came back to
    erased_at: Mapped[datetime | None]
    imported: Mapped[bool]
    told_at: Mapped[datetime | None]  # the last word to the customer
    heard_at: Mapped[datetime | None]  # the last word from the customer after the item itself
    search_text: Mapped[str] = mapped_column(Text)  # words and syllable pairs, see policy/search.py
    version: Mapped[int]
