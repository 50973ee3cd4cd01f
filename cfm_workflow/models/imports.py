"""Files of feedback on their way in."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class Import(Base):
    """One file, how far it has got, and what it brought. `records` is where to go on after an interruption."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'finished', 'failed')", name="state"),
        Index("ix_imports_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    file_name: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(Text)  # where the file lies, relative to CFM_INSTANCE when spooled
    size: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)  # of the file and how it is read
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    found: Mapped[dict[str, Any]] = mapped_column(JSON)  # encoding and dialect, and how they were found out
    live: Mapped[bool]
    records: Mapped[int]
    stored: Mapped[int]
    duplicates: Mapped[int]
    refused: Mapped[int]
    bytes_read: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(40))  # who works on it
    lease_until: Mapped[datetime | None]


class ImportProblem(Base):
    """A line that was not stored, and why."""

    __tablename__ = "import_problems"
    __table_args__ = (Index("ix_import_problems_import_id_id", "import_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"))
    line: Mapped[int]
    field: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
