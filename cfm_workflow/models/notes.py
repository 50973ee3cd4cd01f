"""Notes: what colleagues say to each other about a feedback item, as it was, and whom they mention."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class Note(Base):
    """One note as it is now. Of a deleted one only stays that it was there."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_feedback_id", "feedback_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    body: Mapped[str] = mapped_column(Text)  # mentions as `@[Name](user:3)`
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int]


class NoteVersion(Base):
    """A note as it was written; the newest of them is how it is now."""

    __tablename__ = "note_versions"

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str | None] = mapped_column(Text)  # None: deleted
    written_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    written_at: Mapped[datetime]


class NoteMention(Base):
    """A person whom a note mentions, themselves or by a team; kept when the mention is gone: each is told once."""

    __tablename__ = "note_mentions"
    __table_args__ = (Index("ix_note_mentions_account_id", "account_id", "note_id"),)

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    current: Mapped[bool]
    at: Mapped[datetime]
