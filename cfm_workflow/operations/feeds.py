"""Calendar feeds: the secret address at which calendar programs read what somebody has to do; one per person.

Whoever knows the address sees what stands there, and nothing else: it is no token, and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, texts
from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.letters import EXCERPT, Entry, feed
from cfm_workflow.models import Account, Action, CalendarFeed, Event, Feedback, Installation
from cfm_workflow.models.actions import PRIORITY_NAMES, UNFINISHED
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import callers
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.security.tokens import digest, new_token

ENTRIES: Final = 1_000
LAST_USE_EVERY: Final = timedelta(hours=1)


def create(session: Session, caller: Caller, *, now: datetime) -> str:
    """Give the caller's feed a new secret, which is never shown again; the former address leads nowhere from then on.

    Raises:
        Forbidden: the token may not read actions, or not manage its owner; NotFound: an integration has no calendar.
    """
    access.require(caller, "self.manage", {"oneself"})
    access.require(caller, "action.read")  # nobody gives away more than they have
    account_id = _person(session, caller)
    secret = new_token()
    session.merge(CalendarFeed(account_id=account_id, hash=digest(secret), created_at=now, last_used_at=None))
    session.flush()
    ledger.record(session, [_fact("calendar_feed.created", caller, now)], now=now)
    return secret


def remove(session: Session, caller: Caller, *, now: datetime) -> None:
    """End the caller's feed at once.

    Raises:
        Forbidden; NotFound: there is none.
    """
    access.require(caller, "self.manage", {"oneself"})
    row = session.get(CalendarFeed, _person(session, caller))
    if row is None:
        raise NotFound("calendar feed")
    fact = _fact("calendar_feed.deleted", caller, row.created_at)
    session.delete(row)
    session.flush()
    ledger.record(session, [fact], now=now)


def own(session: Session, caller: Caller) -> dict[str, Any]:
    """The caller's feed without its secret.

    Raises:
        NotFound: there is none.
    """
    row = session.get(CalendarFeed, caller.id)
    if row is None:
        raise NotFound("calendar feed")
    return {"created_at": row.created_at, "last_used_at": row.last_used_at}


def _person(session: Session, caller: Caller) -> int:
    account = session.get(Account, caller.id, with_for_update={"key_share": True})
    if account is None or account.kind != "user":
        raise NotFound("user", caller.id)
    return account.id


def _fact(event_type: str, caller: Caller, created_at: datetime) -> Fact:
    assert caller.id is not None
    about = {"calendar_feed": {"account_id": caller.id, "created_at": created_at}}
    return Fact(event_type, caller.id, about, caller)


# -- reading it --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose feed it is; `is_noted`: that it is used has been written down lately."""

    caller: Caller
    is_noted: bool


def holder(session: Session, token: str, *, now: datetime) -> Holder | None:
    """Who reads their calendar with this token; None when there is no such feed, or its owner is switched off."""
    row = session.execute(
        select(CalendarFeed.account_id, CalendarFeed.last_used_at).where(CalendarFeed.hash == digest(token))
    ).one_or_none()
    caller = None if row is None else callers.by_id(session, row.account_id)
    if row is None or caller is None:
        return None
    return Holder(caller, row.last_used_at is not None and now - row.last_used_at < LAST_USE_EVERY)


def used(session: Session, account_id: int, *, now: datetime) -> None:
    """Remember that a feed was used, at most once an hour."""
    stale = or_(CalendarFeed.last_used_at.is_(None), CalendarFeed.last_used_at <= now - LAST_USE_EVERY)
    session.execute(update(CalendarFeed).where(CalendarFeed.account_id == account_id, stale).values(last_used_at=now))


def written(session: Session, caller: Caller, *, base_url: str) -> bytes:
    """The calendar of a person as an iCalendar file: what comes first, at most `ENTRIES`."""
    entries = sorted((entry for source in SOURCES for entry in source(session, caller)), key=lambda entry: entry.at)
    installation = session.execute(select(Installation.created_at)).scalar_one().isoformat()
    first = islice(entries, ENTRIES)
    return feed(first, caller.language, installation=installation, base_url=base_url)


_CHANGED: Final = and_(Event.action_id == Action.id, Event.sequence == Action.sequence)
_DUE: Final = (
    select(Action.id, Action.title, Action.due_at, Action.priority, Action.state, Action.workflow_id)
    .add_columns(Action.version, Action.created_at, Action.feedback_id, Event.at.label("changed_at"))
    .add_columns(func.substr(Feedback.text, 1, EXCERPT + 1).label("excerpt"))
    .join(Feedback, Feedback.id == Action.feedback_id)
    .outerjoin(Event, _CHANGED)
    .where(UNFINISHED, Action.due_at.is_not(None))
    .order_by(Action.due_sort, Action.id)
    .limit(ENTRIES)
)


def _actions(session: Session, caller: Caller) -> list[Entry]:
    """The unfinished actions of a person that are due some time."""
    language = texts.spoken(caller.language)
    found = []
    for row in session.execute(_DUE.where(Action.assignee_id == caller.id)):
        assert row.due_at is not None
        state = definition_of(session, row.workflow_id).states[row.state]
        entry = Entry(
            "action",
            row.id,
            row.due_at,
            row.title,
            version=row.version,
            created_at=row.created_at,
            changed_at=row.changed_at or row.created_at,
            state=state.label[language],
            priority=PRIORITY_NAMES[row.priority],
            feedback_id=row.feedback_id,
            excerpt=row.excerpt,
        )
        found.append(entry)
    return found


def _reminders(session: Session, caller: Caller) -> list[Entry]:
    """The personal reminders that somebody is still to be told."""
    return [
        Entry(
            "reminder",
            row.id,
            row.remind_at,
            row.text,
            version=row.version,
            created_at=row.created_at,
            changed_at=row.created_at,
            feedback_id=row.feedback_id,
        )
        for row in reminders_query.upcoming(session, caller, ENTRIES)
    ]


SOURCES: Final[tuple[Callable[[Session, Caller], list[Entry]], ...]] = (_actions, _reminders)
"""What stands in a calendar; each gives the first `ENTRIES` of its kind."""
