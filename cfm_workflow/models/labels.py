"""Words that people sort feedback by, and who put which on what."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow import limits
from cfm_workflow.db import Base

MOVING = text("moving")


class Label(Base):
    """A label. One that was merged into another stays as a further name of that one, its heir."""

    __tablename__ = "labels"
    __table_args__ = (Index("ix_labels_moving", "id", sqlite_where=MOVING, postgresql_where=MOVING),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(limits.LABEL))
    folded: Mapped[str] = mapped_column(String(limits.FOLDED_LABEL), unique=True)  # see policy/labels.py
    colour: Mapped[str | None] = mapped_column(String(7))
    description: Mapped[str | None] = mapped_column(String(limits.LABEL_DESCRIPTION))
    active: Mapped[bool]
    into_id: Mapped[int | None] = mapped_column(ForeignKey("labels.id"), index=True)  # the heir, itself never merged
    moving: Mapped[bool]  # it was merged, and labellings of it may be left
    version: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]


class Labelling(Base):
    """A label on a feedback item. `received_at` is that of the item, which never changes: lists go by it."""

    __tablename__ = "labellings"
    __table_args__ = (
        Index("ix_labellings_label_id_feedback_id", "label_id", "feedback_id"),
        Index("ix_labellings_received", "label_id", "received_at", "feedback_id"),
        Index("ix_labellings_label_id_labelled_at", "label_id", "labelled_at"),
    )

    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), primary_key=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("labels.id"), primary_key=True)
    received_at: Mapped[datetime]
    labelled_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    labelled_at: Mapped[datetime]
