"""When the mail of a transaction leaves for each person: most at once; reminders gathered, some not before the morning.

Nothing is gathered here: mails that are to be one leave at the same instant, and whoever claims them makes them one
(`outbox.claim_mail`). Until then each is the mail of its own transaction, and can be taken back with it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Delivery
from cfm_workflow.models.deliveries import GATHERED
from cfm_workflow.policy import leaving
from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.event_types import PERSONAL_REMINDER, REMINDERS
from cfm_workflow.policy.leaving import SETTLING, WINDOW, Leaving
from cfm_workflow.queries import calendars as calendars_query

if TYPE_CHECKING:
    from cfm_workflow.ledger.events import Fact

Told = tuple["Fact", str]
"""What a person is told at once, and how they stand to it."""

ABOVE: Final = frozenset({"lead", "supervisor"})
URGENT: Final = "urgent"

_AT: Final = Delivery.__table__.c.next_at.type
_LATEST: Final = (
    select(Delivery.account_id, func.max(Delivery.next_at))
    .where(
        Delivery.account_id.in_(bindparam("ids", expanding=True)),
        GATHERED,
        Delivery.next_at > bindparam("earliest", type_=_AT),
        Delivery.next_at <= bindparam("latest", type_=_AT),
    )
    .group_by(Delivery.account_id)
)


def leave(
    session: Session,
    hours: Mapping[int, Calendar],
    told: Mapping[int, Sequence[Told]],
    *,
    wait: timedelta,
    now: datetime,
) -> dict[int, Leaving]:
    """Per person when their mail leaves: as early as the first of what it tells wants to.

    `hours` are the working hours of those who have any; `wait` is how long steps can be undone before they are told.
    """
    gathering = [person for person, news in told.items() if any(_is_gathered(fact) for fact, _ in news)]
    latest = _latest(session, gathering, now)
    found = {}
    for person, news in told.items():
        own = hours.get(person)
        wanted = [_one(session, fact, relation, own, latest.get(person), wait, now) for fact, relation in news]
        found[person] = min(wanted, key=lambda leaves: (leaves.at, leaves.gathered))
    return found


def _is_gathered(fact: "Fact") -> bool:
    """What comes many times at once, in batches: reminders, and dates that a calendar has moved."""
    return fact.type in REMINDERS or "calendar" in fact.about


def _latest(session: Session, people: Collection[int], now: datetime) -> dict[int, datetime]:
    """When the latest mail that gathers left for each of these people, or is going to leave, within a window of now."""
    if not people:
        return {}
    asked = {"ids": list(people), "earliest": now - WINDOW, "latest": now + WINDOW}
    return {person: at for person, at in plain(session, _LATEST, asked) if person is not None}


def _one(
    session: Session,
    fact: "Fact",
    relation: str,
    own: Calendar | None,
    latest: datetime | None,
    wait: timedelta,
    now: datetime,
) -> Leaving:
    if fact.type == PERSONAL_REMINDER:
        return Leaving(now, gathered=False)  # somebody wanted it at this very time
    reminder: Mapping[str, Any] = fact.about["reminder"] if fact.type in REMINDERS else {}
    if (fact.about.get("action") or {}).get("priority") == URGENT or reminder.get("urgent"):
        return Leaving(now if reminder else now + wait, gathered=False)
    if not _is_gathered(fact):
        return leaving.in_hours(own, now + wait)
    if reminder and relation in ABOVE:
        calendar = own or calendars_query.reckoning(session, None)
        return Leaving(leaving.morning(calendar, now), gathered=True)
    at = leaving.in_window(latest, now)
    if latest is None and (not reminder or reminder["late"]):  # later batches leave with this one
        at = now + SETTLING
    return Leaving(leaving.in_hours(own, at).at, gathered=True)
