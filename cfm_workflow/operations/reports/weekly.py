"""The weekly report by mail: lined up once per person and week, at the time of their digest."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cfm_workflow import texts
from cfm_workflow.db import DELIVERIES, tell
from cfm_workflow.ledger import outbox
from cfm_workflow.models import Account, Delivery
from cfm_workflow.operations.digests import digest_of, working_days
from cfm_workflow.policy import digests
from cfm_workflow.policy.weekly import USUAL, WEEK, comes_at, last_ended, name_of

BATCH: Final = 50

_UNCHOSEN: Final = [role for role, usual in USUAL.items() if usual]
_WANTED: Final = (
    Account.kind == "user",
    Account.active,
    or_(
        and_(Account.weekly_report.is_(True), Account.role.in_(list(USUAL))),
        and_(Account.weekly_report.is_(None), Account.role.in_(_UNCHOSEN)),
    ),
)
"""As `policy.weekly.is_wanted`."""


def zone_of(session: Session) -> ZoneInfo:
    """That of the service, by which weeks begin and end."""
    zone: ZoneInfo = session.info.get("known", {}).get("time_zone", texts.zone_named("UTC"))
    return zone


def line_up(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Line up the report for up to `count` people whose time has come, and say when the next one comes; how many they
    were. A person seen for the first time only gets that instant.

    After a standstill it is the one that should have come last; those before it are not made up for.
    """
    due = or_(Account.report_next.is_(None), Account.report_next <= now)
    query = select(Account).where(*_WANTED, due).order_by(Account.id).limit(count)
    people = session.scalars(query.with_for_update(skip_locked=True, key_share=True)).all()
    for person in people:
        if person.report_next is not None:
            monday = last_ended(zone_of(session), now)
            monday = monday if _comes_at(session, person, monday) <= now else monday - WEEK
            if not _is_lined_up(session, person, monday):
                outbox.line_up_report(session, person.id, name_of(monday), now=now)
        person.report_next = next_report(session, person, now)
    session.flush()
    if people:
        tell(session, DELIVERIES)
    return len(people)


def next_report(session: Session, person: Account, now: datetime) -> datetime:
    """When the next report of a person comes, whether they want it or not."""
    monday = last_ended(zone_of(session), now)
    at = _comes_at(session, person, monday)
    is_to_come = at > now and not _is_lined_up(session, person, monday)
    return at if is_to_come else _comes_at(session, person, monday + WEEK)


def _comes_at(session: Session, person: Account, monday: date) -> datetime:
    rhythm, own = digests.read(digest_of(person)), texts.zone_named(person.time_zone)
    return comes_at(monday, zone_of(session), rhythm, own, working_days(session, person))


def _is_lined_up(session: Session, person: Account, monday: date) -> bool:
    query = select(Delivery.id).where(Delivery.account_id == person.id, Delivery.week == name_of(monday))
    return session.scalars(query).first() is not None
