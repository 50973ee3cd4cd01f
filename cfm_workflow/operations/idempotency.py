"""The first good answer to a POST with an `Idempotency-Key` is stored with its change, and given again for a day.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Update, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cfm_workflow.db import is_sqlite
from cfm_workflow.errors import Busy, Invalid
from cfm_workflow.models import IdempotencyKey
from cfm_workflow.security.keys import KeyRing

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as far as it is stored."""

    status: int
    headers: dict[str, str]
    body: bytes


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What must be the same when a key comes again."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def claim(
    session: Session, account_id: int, key: str, request_hash: str, ring: KeyRing, *, now: datetime
) -> Answer | None:
    """Take the key for this request, or return the answer that was given before.

    A second request with the same key waits here until the first has ended (at most as long as for any lock).

    Raises:
        Invalid: the key was used for another request.
        Busy: the first one is still running.
    """
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    taken = session.execute(
        insert(IdempotencyKey)
        .values(
            account_id=account_id,
            key=key,
            request_hash=request_hash,
            status=0,
            headers={},
            body="",
            encrypted=False,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.account_id)
    ).first()
    if taken is not None:
        return None
    stored = session.execute(
        select(IdempotencyKey.__table__)
        .where(IdempotencyKey.account_id == account_id, IdempotencyKey.key == key)
        .with_for_update()
    ).one_or_none()
    if stored is None:
        raise Busy("The stored answer was forgotten this very moment.", retry_after=1)
    if stored.created_at < now - KEPT:
        fresh = {"request_hash": request_hash, "status": 0, "headers": {}, "body": "", "created_at": now}
        session.execute(_at(account_id, key).values(**fresh))
        return None
    if stored.request_hash != request_hash:
        raise Invalid({"Idempotency-Key": ["was used for another request: choose a new one"]})
    body = ring.decrypt(stored.body, bound_to=_bound(account_id, key)) if stored.encrypted else stored.body.encode()
    return Answer(stored.status, stored.headers, body)


def keep(session: Session, account_id: int, key: str, answer: Answer, ring: KeyRing, *, secret: bool) -> None:
    """Store the answer under a key that this transaction has claimed; one that holds a secret is encrypted."""
    body = ring.encrypt(answer.body, bound_to=_bound(account_id, key)) if secret else answer.body.decode()
    session.execute(
        _at(account_id, key).values(status=answer.status, headers=answer.headers, body=body, encrypted=secret)
    )


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete what is older than KEPT; how many."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT)
    return len(session.scalars(old.returning(IdempotencyKey.account_id)).all())


def _at(account_id: int, key: str) -> Update:
    return update(IdempotencyKey).where(IdempotencyKey.account_id == account_id, IdempotencyKey.key == key)


def _bound(account_id: int, key: str) -> str:
    return f"idempotency:{account_id}:{key}"
