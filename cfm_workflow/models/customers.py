"""Whom the feedback is from."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

EXCLUDED = text("do_not_contact IS NOT NULL")


class Customer(Base):
    """Known by e-mail address, or by the name another system has for them (`source` + `external_id`)."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_customers_excluded", "id", sqlite_where=EXCLUDED, postgresql_where=EXCLUDED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(limits.NAME))
    email: Mapped[str | None] = mapped_column(String(limits.EMAIL), unique=True)
    phone: Mapped[str | None] = mapped_column(String(limits.PHONE))
    language: Mapped[str | None] = mapped_column(String(limits.LANGUAGE_TAG))
    source: Mapped[str | None] = mapped_column(String(limits.SOURCE))
    external_id: Mapped[str | None] = mapped_column(String(limits.EXTERNAL_ID))
    unsubscribed_at: Mapped[datetime | None]  # no unasked mail since then
    do_not_contact: Mapped[str | None] = mapped_column(Text)  # why nothing at all is to be sent
    do_not_contact_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
