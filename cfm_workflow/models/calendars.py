"""Business calendars: when people work."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

_DEFAULT = text("is_default")


class Calendar(Base):
    """The working hours of a team, a policy or, by default, of everybody; `policy.calendars` reads them."""

    __tablename__ = "calendars"
    __table_args__ = (
        Index("uq_calendars_default", "is_default", unique=True, sqlite_where=_DEFAULT, postgresql_where=_DEFAULT),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(limits.NAME), unique=True)
    time_zone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str | None] = mapped_column(String(2))
    region: Mapped[str | None] = mapped_column(String(limits.REGION))
    week: Mapped[dict[str, Any]] = mapped_column(JSON)  # day -> [[from, to], ...] as wall times
    holidays: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # own days off: date and name
    working_days: Mapped[list[str]] = mapped_column(JSON)
    is_default: Mapped[bool]
    version: Mapped[int]
    reckon_after: Mapped[
        int | None
    ]  # open actions behind this one are still to be reckoned anew; None: nothing is left
    reckon_from: Mapped[int | None]  # and that not before this `mark` of the ledger is past
    created_at: Mapped[datetime]
