"""How often something was tried lately that is slowed down, counted for all processes together."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class Throttle(Base):
    """Attempts of one kind by one account or address since an instant. The key tells nobody whose they were."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
