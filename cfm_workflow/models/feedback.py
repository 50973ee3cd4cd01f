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
    closed_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    imported: Mapped[bool]
    search_text: Mapped[str] = mapped_column(Text)  # words and syllable pairs, see policy/search.py
    version: Mapped[int]
