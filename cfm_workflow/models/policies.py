"""Policies, the service levels that actions go by; and the reminders that are planned because of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

PLANNED = text("state = 'planned'")
ALIVE = text("state IN ('planned', 'suspended')")


class Policy(Base):
    """What is promised for some of the work: which, in which calendar, and the newest of its versions."""

    __tablename__ = "policies"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(limits.KEY), unique=True)
    name: Mapped[str] = mapped_column(String(limits.NAME))
    active: Mapped[bool]
    position: Mapped[int]  # of several that suit the lowest counts
    kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # None: all
    priorities: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    teams: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendars.id"), index=True)  # None: that of the team
    version: Mapped[int]
    created_at: Mapped[datetime]


class PolicyVersion(Base):
    """The targets and ladders of a policy at a time. Never changed: work goes by what it was given under."""

    __tablename__ = "policy_versions"
    __table_args__ = (UniqueConstraint("policy_id", "version"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"))
    version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Reminder(Base):
    """A rung of a ladder that is to be told, or was. Of each target only the next one is a live row.

    The occurrence grows when the target moves: the ladder begins anew. What waits is suspended and keeps its rung.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        CheckConstraint("target IN ('accept', 'start', 'finish')", name="target"),
        CheckConstraint("state IN ('planned', 'suspended', 'fired', 'cancelled')", name="state"),
        UniqueConstraint("action_id", "target", "rung", "occurrence"),
        Index("ix_reminders_due", "at", "id", sqlite_where=PLANNED, postgresql_where=PLANNED),
        Index("ix_reminders_alive", "action_id", sqlite_where=ALIVE, postgresql_where=ALIVE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"))
    target: Mapped[str] = mapped_column(String(10))
    rung: Mapped[int]
    occurrence: Mapped[int]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    settled_at: Mapped[datetime | None]  # when it was fired or cancelled
    created_at: Mapped[datetime]
