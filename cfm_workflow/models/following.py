"""Who wants to know of what, and how: watchers, and choices of notices."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class ActionWatcher(Base):
    __tablename__ = "action_watchers"

    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    added_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class FeedbackWatcher(Base):
    """Watching an item is watching every action that was made on it, too."""

    __tablename__ = "feedback_watchers"

    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    added_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class NoticeChoice(Base):
    """A person's own choice for one kind of notice; what they did not choose follows the defaults."""

    __tablename__ = "notice_choices"
    __table_args__ = (CheckConstraint("level IN ('at_once', 'digest', 'never')", name="level"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))


class NoticeDefault(Base):
    """What administrators decided for everybody who chose nothing; without it policy/audiences.py holds."""

    __tablename__ = "notice_defaults"
    __table_args__ = (CheckConstraint("level IN ('at_once', 'digest', 'never')", name="level"),)

    kind: Mapped[str] = mapped_column(String(60), primary_key=True)
    level: Mapped[str] = mapped_column(String(10))
