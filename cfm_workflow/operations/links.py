"""Signed links for mails: a row for each, of whose random part only a hash is stored. Never commits."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import insert
from sqlalchemy.orm import Session

from cfm_workflow.models import Link
from cfm_workflow.security.keys import KeyRing

LIFE: Final = timedelta(days=14)


def issue(
    session: Session, ring: KeyRing, *, account_id: int, purposes: Sequence[str], action_id: int | None, now: datetime
) -> dict[str, str]:
    """A token per purpose, each good for that and nothing else."""
    tokens = {purpose: secrets.token_urlsafe(32) for purpose in purposes}
    rows = [
        {
            "hash": hashlib.sha256(token.encode()).hexdigest(),
            "purpose": purpose,
            "account_id": account_id,
            "action_id": None if purpose == "preferences" else action_id,
            "created_at": now,
            "expires_at": now + LIFE,
        }
        for purpose, token in tokens.items()
    ]
    session.execute(insert(Link), rows)
    return tokens
