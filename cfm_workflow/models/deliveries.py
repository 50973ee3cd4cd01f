"""What is on its way to somebody: deliveries, every attempt at one, and who is to hear of what."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

PENDING = text("state = 'pending'")
UNTRIED = text("state = 'pending' AND first_tried_at IS NULL")
HELD = text("lease IS NOT NULL")
DEAD = text("state = 'dead'")
DELIVERED = text("state = 'delivered'")
CANCELLED = text("state = 'cancelled'")
MAIL = text("account_id IS NOT NULL")
GATHERED = text("gathered")
OF_A_WEEK = text("week IS NOT NULL")


class Delivery(Base):
    """One event on its way to one endpoint, or the mail of one transaction on its way to one person.

    `position` is the event; of a mail the first event of its transaction, and the notices with the same `batch` are
    what it tells. Of a digest, a weekly report (which has a `week`) and a mail with a link that lets somebody in (which
    has a `purpose`) it is minus the microsecond at which it was lined up, which is no event's position. A row that
    somebody sends just now is `pending` with a lease; whoever lost the lease cannot settle.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("(webhook_id IS NULL) <> (account_id IS NULL)", name="receiver"),
        CheckConstraint(
            "state IN ('pending', 'delivered', 'kept', 'gathered', 'cancelled', 'dead')",
            name="state",
        ),
        UniqueConstraint("webhook_id", "position"),
        UniqueConstraint("account_id", "position"),
        Index(
            "ix_deliveries_webhook_due", "webhook_id", "next_at", "id", sqlite_where=PENDING, postgresql_where=PENDING
        ),
        Index("ix_deliveries_mail_due", "account_id", "next_at", "id", sqlite_where=PENDING, postgresql_where=PENDING),
        Index("ix_deliveries_due", "next_at", sqlite_where=PENDING, postgresql_where=PENDING),
        Index(
            "ix_deliveries_untried",
            "webhook_id",
            "action_id",
            "sequence",
            sqlite_where=UNTRIED,
            postgresql_where=UNTRIED,
        ),
        Index("ix_deliveries_held", "lease", sqlite_where=HELD, postgresql_where=HELD),
        Index("ix_deliveries_webhook_id_id", "webhook_id", "id"),
        Index("ix_deliveries_dead", "webhook_id", "id", sqlite_where=DEAD, postgresql_where=DEAD),
        Index("ix_deliveries_delivered", "webhook_id", "id", sqlite_where=DELIVERED, postgresql_where=DELIVERED),
        Index("ix_deliveries_cancelled", "webhook_id", "id", sqlite_where=CANCELLED, postgresql_where=CANCELLED),
        Index("ix_deliveries_mailed", "account_id", "settled_at", sqlite_where=MAIL, postgresql_where=MAIL),
        Index("ix_deliveries_mails_of_person", "account_id", "id", sqlite_where=MAIL, postgresql_where=MAIL),
        Index("ix_deliveries_gathered", "account_id", "next_at", sqlite_where=GATHERED, postgresql_where=GATHERED),
        Index(
            "ix_deliveries_report",
            "account_id",
            "week",
            unique=True,
            sqlite_where=OF_A_WEEK,
            postgresql_where=OF_A_WEEK,
        ),
        Index("ix_deliveries_mails_in_state", "state", "id", sqlite_where=MAIL, postgresql_where=MAIL),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhooks.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    position: Mapped[int]
    purpose: Mapped[str | None] = mapped_column(String(20))  # of a mail that lets somebody in: that of its link
    week: Mapped[str | None] = mapped_column(String(8))  # of a weekly report: that it is about
    action_id: Mapped[int | None]
    sequence: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10))
    next_at: Mapped[datetime]  # of what is pending: not before
    gathered: Mapped[bool] = mapped_column(
        default=False, server_default=text("FALSE")
    )  # one with what leaves then, too
    tries: Mapped[int]
    tries_before: Mapped[int]  # how many of them were made before it was opened again
    first_tried_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(limits.ANSWER_SUMMARY))  # to the last attempt, in short
    created_at: Mapped[datetime]


class Attempt(Base):
    """One try to deliver. Without `ended_at` nobody knows how it went: whoever tried died meanwhile."""

    __tablename__ = "attempts"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    verdict: Mapped[str] = mapped_column(String(10))
    status: Mapped[int | None]  # of HTTP or SMTP
    address: Mapped[str | None] = mapped_column(String(60))  # that was spoken to
    answer: Mapped[str | None] = mapped_column(Text)  # its beginning, or what went wrong


MENTIONED = text("relation = 'mentioned'")


class Notice(Base):
    """A person is to hear of an event: at once in the mail of its transaction, or in a digest (`batch` NULL).

    What would have been mailed and what was: also the person's inbox.
    """

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_account_id_batch", "account_id", "batch"),
        Index("ix_notices_account_id_position", "account_id", "position"),
        Index("ix_notices_mentioned", "account_id", "position", sqlite_where=MENTIONED, postgresql_where=MENTIONED),
        Index("ix_notices_action_id", "action_id", "position"),
    )

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))  # what a person can choose by, see policy/audiences.py
    relation: Mapped[str] = mapped_column(String(20))
    action_id: Mapped[int | None]
    batch: Mapped[int | None]
    at: Mapped[datetime]


class DeadAddress(Base):
    """An e-mail address whose server said for good that there is nobody; nothing more is sent to it."""

    __tablename__ = "dead_addresses"

    address: Mapped[str] = mapped_column(String(limits.EMAIL), primary_key=True)
    reason: Mapped[str] = mapped_column(String(limits.ANSWER_SUMMARY))
    at: Mapped[datetime]
