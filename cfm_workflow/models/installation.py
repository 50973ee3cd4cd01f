"""Facts about this installation, in one row."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class Installation(Base):
    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_check: Mapped[str | None] = mapped_column(Text)  # readable only with the keys this database is used with
    clock_at: Mapped[datetime | None]  # the last tick of any scheduler
    worker_at: Mapped[datetime | None]  # the last tick of any worker
    stalled_since: Mapped[datetime | None]  # supervisors were told then that no scheduler ticks
    created_at: Mapped[datetime]
