"""How people sign in to the pages: their sessions in browsers, and the hash of their password."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cfm_workflow.db import Base


class BrowserSession(Base):
    """A browser in which somebody is signed in; only the SHA-256 of what its cookie holds is stored."""

    __tablename__ = "sessions"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(String(64))  # from where it was last seen
    agent: Mapped[str] = mapped_column(String(200))  # what the browser calls itself


class Password(Base):
    """The password of a person, as argon2id hashes it (PHC string, with its parameters and salt)."""

    __tablename__ = "passwords"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]
