"""Personal reminders as those see them who set one or whom it is for, and supervisors. Never writes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, exists, or_, select, true
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Account, Action, Feedback, PersonalReminder, PersonalReminderReceiver
from cfm_workflow.models.personal_reminders import PLANNED
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.queries.people import user_by_ref

STATES: Final = ("planned", "fired", "cancelled")

SELECT: Final = select(
    *PersonalReminder.__table__.c, Account.name.label("creator_name"), Account.email.label("creator_email")
).join_from(PersonalReminder, Account, Account.id == PersonalReminder.created_by)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody whom a reminder is for."""

    id: int
    name: str
    email: str
    active: bool


def find(session: Session, caller: Caller, reminder_id: int) -> Any:
    """One reminder, with its creator.

    Raises:
        NotFound: there is none, or the caller may not know of it.
    """
    query = SELECT.where(PersonalReminder.id == reminder_id, _may_see(caller))
    if not _oversees(caller):
        query = query.where(_concerns(caller.id))
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("reminder", reminder_id)
    return row


def shown(session: Session, caller: Caller, reminder_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Per id: the reminder, if it is there for the caller."""
    query = SELECT.where(PersonalReminder.id.in_(reminder_ids), _may_see(caller))
    rows = session.execute(query if _oversees(caller) else query.where(_concerns(caller.id))).all()
    people = receivers(session, [row.id for row in rows])
    return {row.id: view(row, people[row.id]) for row in rows}


def _oversees(caller: Caller) -> bool:
    """Whether those of others are there for the caller, too."""
    return caller.is_administrator or caller.is_supervisor or caller.is_integration


def _concerns(account_id: int | None) -> Any:
    """Set by somebody or for them: as many rows are looked at as they have reminders."""
    own = select(PersonalReminder.id).where(PersonalReminder.created_by == account_id)
    return PersonalReminder.id.in_(_for(account_id).union(own))


def _for(account_id: int | None) -> Any:
    return select(PersonalReminderReceiver.reminder_id).where(PersonalReminderReceiver.account_id == account_id)


def upcoming(session: Session, caller: Caller, count: int) -> Sequence[Any]:
    """The first reminders that are still to be told to the caller."""
    mine = (PLANNED, PersonalReminder.id.in_(_for(caller.id)), _may_see(caller))
    return session.execute(SELECT.where(*mine).order_by(PersonalReminder.remind_at).limit(count)).all()


def _may_see(caller: Caller) -> Any:
    """What a reminder is about must be visible."""
    if not caller.hidden_teams:
        return true()
    item = exists().where(Feedback.id == PersonalReminder.feedback_id, feedback_query.may_see(caller))
    action = exists().where(Action.id == PersonalReminder.action_id, actions_query.may_see(caller))
    return and_(item, or_(PersonalReminder.action_id.is_(None), action))


def receivers(session: Session, ids: Collection[int]) -> dict[int, list[Receiver]]:
    """Per reminder whom it is for, switched off or not."""
    if not ids:
        return {}
    query = (
        select(PersonalReminderReceiver.reminder_id, Account.id, Account.name, Account.email, Account.active)
        .join(Account, Account.id == PersonalReminderReceiver.account_id)
        .where(PersonalReminderReceiver.reminder_id.in_(list(ids)))
        .order_by(PersonalReminderReceiver.reminder_id, Account.id)
    )
    found: dict[int, list[Receiver]] = {ident: [] for ident in ids}
    for row in session.execute(query):
        found[row.reminder_id].append(Receiver(row.id, row.name, row.email or "", row.active))
    return found


def relations(caller: Caller, reminder: Any, people: Iterable[Receiver]) -> frozenset[str]:
    """How the caller stands to a reminder: `setter`, `receiver`, `supervisor`."""
    found = {"supervisor"} if caller.is_supervisor else set()
    if reminder.created_by == caller.id:
        found.add("setter")
    if any(person.id == caller.id for person in people):
        found.add("receiver")
    return frozenset(found)


def view(reminder: Any, people: Sequence[Receiver]) -> dict[str, Any]:
    """A reminder in the words of the API."""
    return {
        "id": reminder.id,
        "feedback": reminder.feedback_id,
        "action": reminder.action_id,
        "remind_at": reminder.remind_at,
        "text": reminder.text,
        "for": [person.email for person in people],
        "state": reminder.state,
        "every": reminder.every,
        "if_answered": reminder.if_answered,
        "occurrence": reminder.occurrence,
        "created_by": {
            "id": reminder.created_by,
            "name": reminder.creator_name,
            "email": reminder.creator_email,
        },
        "created_at": reminder.created_at,
        "version": reminder.version,
    }


def show(session: Session, reminder: Any) -> dict[str, Any]:
    """One reminder as everybody sees it who may."""
    return view(reminder, receivers(session, [reminder.id])[reminder.id])


SORTS: Final = {
    "remind_at": Sort((PersonalReminder.remind_at, PersonalReminder.id)),
    "-remind_at": Sort((PersonalReminder.remind_at, PersonalReminder.id), descending=True),
}


def page(session: Session, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """A page of the reminders that the caller set or that are for them; of somebody else's, for whoever may see them,
    those that are `for_` that person."""
    conditions = [_may_see(caller)]
    conditions += [make(wanted[name]) for name, make in _FILTERS.items() if wanted.get(name) is not None]
    if wanted.get("for_") is not None:
        person = user_by_ref(session, wanted["for_"])
        if person is None:
            return Page([], None)
        conditions.append(PersonalReminder.id.in_(_for(person.id)))
    if wanted.get("for_") is None or not _oversees(caller):
        conditions.append(_concerns(caller.id))
    found = fetch_page(session, SELECT.where(*conditions), wanted, SORTS, present=lambda row: row)
    people = receivers(session, [row.id for row in found.items])
    return Page([view(row, people[row.id]) for row in found.items], found.next_cursor)


_FILTERS: Final[Mapping[str, Any]] = {
    "state": lambda v: PersonalReminder.state.in_(v),
    "feedback": lambda v: PersonalReminder.feedback_id == v,
    "action": lambda v: PersonalReminder.action_id == v,
}
