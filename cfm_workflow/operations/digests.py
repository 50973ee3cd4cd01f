"""Digests: what people want to hear of once a day or once a week becomes one mail each."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import texts
from cfm_workflow.db import DELIVERIES, tell
from cfm_workflow.models import Account, Delivery, Notice
from cfm_workflow.policy import digests, leaving
from cfm_workflow.policy.digests import Every
from cfm_workflow.queries import calendars as calendars_query

BATCH: Final = 50
OLDEST: Final = timedelta(days=31)
"""What happened before is no news any more."""

_WANTED: Final = (Account.kind == "user", Account.active, Account.digest_every != Every.NEVER)


def line_up(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Line up the digest of up to `count` people whose time has come, and say when the next one comes; how many they
    were. A person seen for the first time only gets that instant."""
    due = or_(Account.digest_next.is_(None), Account.digest_next <= now)
    query = select(Account).where(*_WANTED, due).order_by(Account.id).limit(count)
    people = session.scalars(query.with_for_update(skip_locked=True, key_share=True)).all()
    for person in people:
        if person.digest_next is not None:
            _line_up(session, person.id, now)
        person.digest_next = next_digest(session, person, now)
    session.flush()
    if people:
        tell(session, DELIVERIES)
    return len(people)


def next_digest(session: Session, person: Account, now: datetime) -> datetime | None:
    """When the next digest of a person comes; None when none is wanted."""
    works = (
        calendars_query.reckoning(session, None)
        if person.working_hours is None
        else leaving.hours(person.working_hours, person.time_zone)
    )
    rhythm = digests.read(digest_of(person))
    return digests.following(rhythm, texts.zone_named(person.time_zone), works, now)


def digest_of(person: Account) -> dict[str, str]:
    """The rhythm of a person's digest as they wrote it."""
    return {"every": person.digest_every, "on": person.digest_on, "at": person.digest_at}


def _line_up(session: Session, account_id: int, now: datetime) -> None:
    """One mail with everything that waited. Whether it has anything to say is seen when it is written."""
    batch = -int(now.timestamp() * 1_000_000)  # see models.Delivery.position
    waiting = (Notice.account_id == account_id, Notice.batch.is_(None), Notice.at > now - OLDEST)
    session.execute(update(Notice).where(*waiting).values(batch=batch), execution_options=_UNSYNCHRONISED)
    mail = {"account_id": account_id, "position": batch, "state": "pending", "next_at": now, "gathered": False}
    session.execute(insert(Delivery), [mail | {"tries": 0, "tries_before": 0, "created_at": now}])


_UNSYNCHRONISED: Final = {"synchronize_session": False}
