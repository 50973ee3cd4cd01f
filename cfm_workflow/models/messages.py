"""Every word to or from a customer or a colleague, what they are written by, and items shared with strangers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

QUEUED = text("state = 'queued'")
OF_SHARE = text("share_id IS NOT NULL")
OF_TEMPLATE = text("template_id IS NOT NULL")
HELD = text("lease IS NOT NULL")
OUTGOING = text("direction = 'out' AND share_id IS NULL")
UNASKED = text("kind = 'unasked' AND state IN ('queued', 'sent')")


class Message(Base):
    """One word to or from one person. What leaves by mail is claimed under a lease, like a delivery.

    `address` is whom a mail goes to, as it was when it was written. `made_at` is when it was written, or when a contact
    that was made elsewhere took place.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint(
            "kind IN ('reply', 'thank_you', 'solved', 'check', 'share', 'contact', 'unasked')", name="kind"
        ),
        CheckConstraint("state IN ('queued', 'cancelled', 'sent', 'kept', 'failed', 'recorded')", name="state"),
        Index("ix_messages_feedback_id_id", "feedback_id", "id"),
        Index("ix_messages_customer_id_id", "customer_id", "id"),
        Index("ix_messages_share_id", "share_id", sqlite_where=OF_SHARE, postgresql_where=OF_SHARE),
        Index("ix_messages_template_id", "template_id", sqlite_where=OF_TEMPLATE, postgresql_where=OF_TEMPLATE),
        Index("ix_messages_to_customer", "feedback_id", "id", sqlite_where=OUTGOING, postgresql_where=OUTGOING),
        Index("ix_messages_due", "leaves_at", "id", sqlite_where=QUEUED, postgresql_where=QUEUED),
        Index("ix_messages_held", "lease", sqlite_where=HELD, postgresql_where=HELD),
        Index("ix_messages_unasked", "customer_id", "made_at", sqlite_where=UNASKED, postgresql_where=UNASKED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))  # None: to a colleague
    share_id: Mapped[int | None] = mapped_column(ForeignKey("shares.id"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("templates.id"))
    direction: Mapped[str] = mapped_column(String(3))
    channel: Mapped[str] = mapped_column(String(limits.CHANNEL))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    address: Mapped[str | None] = mapped_column(String(limits.EMAIL))
    language: Mapped[str | None] = mapped_column(String(2))  # of what the service itself adds
    subject: Mapped[str | None] = mapped_column(String(limits.SUBJECT))
    body: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    leaves_at: Mapped[datetime | None]  # of what is queued: not before
    sent_at: Mapped[datetime | None]
    tries: Mapped[int]
    lease: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(limits.ANSWER_SUMMARY))  # to the last attempt
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)  # None: the service itself
    created_at: Mapped[datetime]


class Template(Base):
    """What is written often. The one that fits best is found by kind, team and language."""

    __tablename__ = "templates"
    __table_args__ = (
        CheckConstraint("kind IN ('reply', 'thank_you', 'solved', 'check', 'unasked')", name="kind"),
        Index("ix_templates_kind_language_id", "kind", "language", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(limits.NAME))
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(2))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    subject: Mapped[str] = mapped_column(String(limits.SUBJECT))
    body: Mapped[str] = mapped_column(Text)
    active: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime]


class Share(Base):
    """An item that somebody without an account may read, until it expires or is revoked."""

    __tablename__ = "shares"

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), index=True)
    address: Mapped[str] = mapped_column(String(limits.EMAIL))
    language: Mapped[str] = mapped_column(String(2))
    include_contact: Mapped[bool]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    openings: Mapped[int]
    created_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]


class ShareOpening(Base):
    """Somebody, or a scanner of mails, opened the page of a share."""

    __tablename__ = "share_openings"
    __table_args__ = (Index("ix_share_openings_share_id_id", "share_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("shares.id"))
    at: Mapped[datetime]
