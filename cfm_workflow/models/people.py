"""Who may do something: accounts (persons and integrations) and teams."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class TeamMode(StrEnum):
    """What giving work to a team means."""

    EVERYONE = "everyone"
    POOL = "pool"
    ROUND_ROBIN = "round_robin"
    LEAST_BUSY = "least_busy"


class Account(Base):
    """A person (`kind` user) or a program (`kind` integration) that can sign in with a token."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'integration')", name="kind"),
        CheckConstraint("role IN ('agent', 'supervisor', 'admin')", name="role"),
        CheckConstraint("(kind = 'user') = (email IS NOT NULL)", name="email"),
        Index("ix_accounts_kind_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(limits.NAME))
    email: Mapped[str | None] = mapped_column(String(limits.EMAIL), unique=True)
    role: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(limits.LANGUAGE_TAG))
    time_zone: Mapped[str] = mapped_column(String(64))
    working_hours: Mapped[dict[str, list[list[str]]] | None] = mapped_column(JSON(none_as_null=True))  # None: always
    digest_every: Mapped[str] = mapped_column(String(5), default="day", server_default="day")
    digest_on: Mapped[str] = mapped_column(String(3), default="mon", server_default="mon")  # of a week
    digest_at: Mapped[str] = mapped_column(String(5), default="08:00", server_default="08:00")  # wall time
    digest_next: Mapped[datetime | None]  # None: not known yet
    weekly_report: Mapped[bool | None]  # whether it comes by mail; None: as usual for the role
    report_next: Mapped[datetime | None]  # when it does; None: not known yet
    inbox_seen: Mapped[int] = mapped_column(default=0, server_default="0")  # the position up to which it was read
    active: Mapped[bool]
    scopes: Mapped[list[str] | None] = mapped_column(JSON)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int]
    created_at: Mapped[datetime]


class Team(Base):
    """People who can be given work together."""

    __tablename__ = "teams"
    __table_args__ = (
        CheckConstraint("mode IN ('everyone', 'pool', 'round_robin', 'least_busy')", name="mode"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(limits.KEY), unique=True)
    name: Mapped[str] = mapped_column(String(limits.NAME))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    mode: Mapped[str] = mapped_column(String(20))
    restricted: Mapped[bool]
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendars.id"), index=True)  # None: the default one
    last_given_to: Mapped[int | None]  # whom round_robin gave the last action
    version: Mapped[int]
    created_at: Mapped[datetime]


class TeamMember(Base):
    __tablename__ = "team_members"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)


class SupervisedTeam(Base):
    """The teams a supervisor is limited to; a supervisor without a row here supervises all."""

    __tablename__ = "supervised_teams"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
