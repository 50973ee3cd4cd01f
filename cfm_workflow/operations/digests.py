"""Digests: what people want to hear of once a day or once a week becomes one mail each."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import texts
from cfm_workflow.db import DELIVERIES, tell
from cfm_workflow.ledger import outbox
from cfm_workflow.models import Account, Notice
from cfm_workflow.policy import digests, leaving
from cfm_workflow.policy.calendars import Calendar
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
    rhythm = digests.read(digest_of(person))
    return digests.following(rhythm, texts.zone_named(person.time_zone), working_days(session, person), now)


def working_days(session: Session, person: Account) -> Calendar:
    """What says on which days a person works: their own hours, else the default calendar."""
    if person.working_hours is None:
        return calendars_query.reckoning(session, None)
    return leaving.hours(person.working_hours, person.time_zone)


def digest_of(person: Account) -> dict[str, str]:
    """The rhythm of a person's digest as they wrote it."""
    return {"every": person.digest_every, "on": person.digest_on, "at": person.digest_at}


def _line_up(session: Session, account_id: int, now: datetime) -> None:
    """One mail with everything that waited. Whether it has anything to say is seen when it is written."""
    batch = outbox.line_up_digest(session, account_id, now=now)
    waiting = (Notice.account_id == account_id, Notice.batch.is_(None), Notice.at > now - OLDEST)
    session.execute(update(Notice).where(*waiting).values(batch=batch), execution_options=_UNSYNCHRONISED)


_UNSYNCHRONISED: Final = {"synchronize_session": False}
