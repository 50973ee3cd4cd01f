"""When people are away, and who stands in for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base

PLANNED = text("state = 'planned'")
BEGUN = text("state = 'begun'")
ALIVE = text("state IN ('planned', 'begun')")
MOVING = text("moves_after IS NOT NULL")


class Absence(Base):
    """A period in which somebody is away. What is theirs then is done by the deputy, else by a lead."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'begun', 'ended')", name="state"),
        CheckConstraint("starts_at <= ends_at", name="period"),
        Index("ix_absences_account_id", "account_id", "starts_at", "id"),
        Index("ix_absences_deputy_id", "deputy_id", sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index("ix_absences_planned", "starts_at", "id", sqlite_where=PLANNED, postgresql_where=PLANNED),
        Index("ix_absences_begun", "ends_at", "id", sqlite_where=BEGUN, postgresql_where=BEGUN),
        Index("ix_absences_moving", "id", sqlite_where=MOVING, postgresql_where=MOVING),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    moves_after: Mapped[int | None]  # actions behind this id are still to be looked at; None: all is where it belongs
    version: Mapped[int]
    created_at: Mapped[datetime]
