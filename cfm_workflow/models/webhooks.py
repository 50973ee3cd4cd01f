"""Where events are sent: the endpoints of other programs."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base


class Webhook(Base):
    """One endpoint: which events it gets, how they are signed, and how it is doing. A deleted one keeps its log.

    The secrets and the own headers are encrypted, bound to this row. `replay_*` is a replay under way: of `all` events
    or those `missed` the positions after `replay_at` up to `replay_until` are still to be lined up, of the `dead`
    deliveries those with such ids.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'disabled', 'deleted')", name="state"),
        CheckConstraint("payload IN ('full', 'thin')", name="payload"),
        CheckConstraint("replay_of IN ('all', 'missed', 'dead')", name="replay_of"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(limits.URL))
    description: Mapped[str | None] = mapped_column(String(limits.TITLE))
    event_types: Mapped[list[str]] = mapped_column(JSON)
    teams: Mapped[list[int] | None] = mapped_column(JSON)  # None: of all teams
    workflows: Mapped[list[str] | None] = mapped_column(JSON)  # None: of all workflows
    payload: Mapped[str] = mapped_column(String(10))
    include_customer: Mapped[bool]
    include_imported: Mapped[bool]
    headers: Mapped[str | None] = mapped_column(Text)  # encrypted JSON
    secret: Mapped[str] = mapped_column(Text)  # encrypted
    previous_secret: Mapped[str | None] = mapped_column(Text)  # encrypted
    previous_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10))
    disabled_reason: Mapped[str | None] = mapped_column(String(limits.TITLE))
    failing_since: Mapped[datetime | None]  # the first failure after the last success
    failing_position: Mapped[int | None]  # the event that failed first
    warnings: Mapped[int]  # how often the owner was told of the failures since
    warned_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    replay_of: Mapped[str | None] = mapped_column(String(10))
    replay_at: Mapped[int | None]
    replay_until: Mapped[int | None]
    served_by: Mapped[str | None] = mapped_column(String(40))  # the worker that sends to it
    served_until: Mapped[datetime | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int]
    created_at: Mapped[datetime]
