"""Personal reminders: set, snoozed, changed and cancelled, and told when their time has come.

Locked after the item they are about. Those that the clock tells are locked alone: whoever erases an item waits for
that before rewriting what was told of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, bindparam, delete, insert, or_, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller, system
from cfm_workflow.db import plain
from cfm_workflow.errors import Conflict, Invalid, NotFound, Stale
from cfm_workflow.ledger import Fact
from cfm_workflow.models import (
    Account,
    Action,
    ActionFeedback,
    Feedback,
    PersonalReminder,
    PersonalReminderReceiver,
)
from cfm_workflow.policy.repetition import next_repetition
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries.personal_reminders import Receiver
from cfm_workflow.texts import zone_named

BATCH: Final = 500
LATE_AFTER: Final = timedelta(minutes=5)
CLOCK: Final = system("clock")
CUSTOMER: Final = system("customer's answer")

ANSWERED: Final = "The customer has answered."
ERASED_ITEM: Final = "The feedback was erased."
NOBODY_LEFT: Final = "Nobody is left whom it is for."

_TABLE: Final = PersonalReminder.__table__


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new reminder; `fields` as the form loads them.

    Raises:
        Forbidden, Conflict: the item has been erased.
        Invalid: what it is about is not there, it is in the past, or is for somebody who may not hear of it.
    """
    access.require(caller, "reminder.set")
    item = _item(session, caller, fields)
    remind_at = _moment(fields, now)
    people = _people(session, caller, fields, item)
    zone = session.scalars(select(Account.time_zone).where(Account.id == caller.id)).one()
    statement = insert(PersonalReminder).values(
        feedback_id=item.id,
        action_id=fields.get("action"),
        remind_at=remind_at,
        text=fields["text"],
        every=fields["every"],
        first_at=fields["remind_at"],
        time_zone=zone,
        if_answered=fields["if_answered"],
        state="planned",
        occurrence=0,
        created_by=caller.id,
        created_at=now,
        version=1,
    )
    ident: int = session.scalars(statement.returning(PersonalReminder.id)).one()
    session.execute(
        insert(PersonalReminderReceiver), [{"reminder_id": ident, "account_id": person} for person in sorted(people)]
    )
    [(seen, fact)] = _facts(session, caller, "reminder.set", {ident: {}}, now)
    ledger.record(session, [fact], now=now)
    return seen


def change(
    session: Session,
    caller: Caller,
    reminder_id: int,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    if_match: int | None = None,
) -> dict[str, Any]:
    """Snooze a reminder (`remind_at`) or change it, and return it. One that was told is planned again by a new time.

    Its repetitions go on as they were, unless `every` is among the fields: then they are counted from here.

    Raises:
        NotFound, Stale, Forbidden, Invalid: the time is in the past.
        Conflict: it was cancelled, or told and no new time is given, or its item has been erased.
    """
    row = _lock(session, caller, reminder_id, if_match)
    if session.scalars(select(Feedback.erased_at).where(Feedback.id == row.feedback_id)).one() is not None:
        raise Conflict("This feedback has been erased.")
    if row.state == "cancelled":
        raise Conflict("This reminder was cancelled.")
    if row.state == "fired" and "remind_at" not in fields:
        raise Conflict("This reminder was told already: send a new remind_at along.")
    new = {name: fields[name] for name in ("text", "every", "if_answered") if name in fields}
    if "remind_at" in fields:
        new |= {"remind_at": _moment(fields, now), "state": "planned"}
    changes = ledger.changes(row, new)
    if "every" in fields or row.state == "fired":
        new["first_at"] = fields.get("remind_at", row.remind_at)
    if changes:
        _write(session, [{"id": row.id} | _stored(row) | new | {"version": row.version + 1}])
    facts = _facts(session, caller, "reminder.changed", {row.id: {"changes": changes}}, now)
    if changes:
        ledger.record(session, [fact for _, fact in facts], now=now)
    return facts[0][0]


def cancel(session: Session, caller: Caller, reminder_id: int, *, now: datetime) -> None:
    """Cancel a planned reminder.

    Raises:
        NotFound, Forbidden, Conflict: it is not planned any more.
    """
    row = _lock(session, caller, reminder_id, None)
    if row.state != "planned":
        raise Conflict("This reminder is not planned any more.")
    ledger.record(session, _cancelled(session, caller, [row], now), now=now)


def customer_answered(session: Session, feedback_id: int, *, now: datetime) -> int:
    """Cancel what was to be dropped when the customer of an item answers; how many reminders that were.

    Call it in the transaction that records the customer's word.
    """
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == feedback_id)
    about = or_(PersonalReminder.feedback_id == feedback_id, PersonalReminder.action_id.in_(serving))
    rows = _locked(session, about, PersonalReminder.if_answered == "drop", PersonalReminder.state == "planned")
    ledger.record(session, _cancelled(session, CUSTOMER, rows, now, reason=ANSWERED), now=now)
    return len(rows)


def leave_out(session: Session, caller: Caller, account_id: int, *, now: datetime) -> None:
    """Take somebody who is switched off out of what is planned for them; what is for nobody else is cancelled."""
    theirs = select(PersonalReminderReceiver.reminder_id).where(PersonalReminderReceiver.account_id == account_id)
    planned = (PersonalReminder.id.in_(theirs), PersonalReminder.state == "planned")
    while rows := _locked(session, *planned, count=BATCH):
        before = reminders_query.receivers(session, [row.id for row in rows])
        shared = [row for row in rows if len(before[row.id]) > 1]
        session.execute(
            delete(PersonalReminderReceiver).where(
                PersonalReminderReceiver.account_id == account_id,
                PersonalReminderReceiver.reminder_id.in_([row.id for row in shared]),
            )
        )
        _write(session, [{"id": row.id} | _stored(row) | {"version": row.version + 1} for row in shared])
        changes = {row.id: {"changes": {"for": _left_out(before[row.id], account_id)}} for row in shared}
        facts = [fact for _, fact in _facts(session, caller, "reminder.changed", changes, now)]
        lonely = [row for row in rows if len(before[row.id]) == 1]
        facts += _cancelled(session, caller, lonely, now, reason=NOBODY_LEFT)
        ledger.record(session, facts, now=now)


def _left_out(people: Sequence[Receiver], account_id: int) -> dict[str, list[str]]:
    return {
        "from": [person.email for person in people],
        "to": [person.email for person in people if person.id != account_id],
    }


def erase(session: Session, feedback_ids: Sequence[int], *, instead: str) -> list[Any]:
    """Put `instead` in the place of what reminders of some items say; those planned, which are to be cancelled.

    Call it before events are rewritten: whoever is telling one of them just now is waited for.
    """
    theirs = PersonalReminder.feedback_id.in_(feedback_ids)
    rows = _locked(session, theirs)
    session.execute(update(PersonalReminder).where(theirs).values(text=instead))
    return [row for row in rows if row.state == "planned"]


def cancel_erased(session: Session, caller: Caller, rows: Sequence[Any], *, now: datetime) -> None:
    """Cancel what `erase` found planned; after events were rewritten."""
    ledger.record(session, _cancelled(session, caller, rows, now, reason=ERASED_ITEM), now=now)


# -- what is asked for ---------------------------------------------------------------------------------------------


def _item(session: Session, caller: Caller, fields: Mapping[str, Any]) -> Any:
    """The item that a new reminder is about, locked."""
    name = "action" if "action" in fields else "feedback"
    try:
        ident = actions_query.find(session, caller, fields["action"]).feedback_id if name == "action" else fields[name]
        session.execute(select(Feedback.id).where(Feedback.id == ident).with_for_update(key_share=True))
        item = feedback_query.find(session, caller, ident)
    except NotFound:
        noun = "an action" if name == "action" else "a feedback item"
        raise Invalid({name: [f"must be the id of {noun}"]}) from None
    if item.erased_at is not None:
        raise Conflict("This feedback has been erased.")
    return item


def _moment(fields: Mapping[str, Any], now: datetime) -> datetime:
    """When it is told; what is past already, at once."""
    at: datetime = fields["remind_at"]
    if at < now and not fields.get("now"):
        raise Invalid({"remind_at": ['must not be in the past, unless "now" is true']})
    return max(at, now)


def _people(session: Session, caller: Caller, fields: Mapping[str, Any], item: Any) -> set[int]:
    """Whom it is for, each once: active users who may see what it is about."""
    if "for_" not in fields:
        if caller.is_integration or caller.id is None:
            raise Invalid({"for": ["must name people: a program is not reminded"]})
        return {caller.id}
    known = people_query.users_by_ref(session, fields["for_"])
    problems, found = {}, set()
    for n, ref in enumerate(fields["for_"]):
        person = known.get(ref)
        if person is None:
            problems[f"for.{n}"] = ["must be the id or e-mail address of a user"]
        elif (wrong := _wrong(session, caller, person, fields, item)) is not None:
            problems[f"for.{n}"] = [wrong]
        else:
            found.add(person.id)
    if problems:
        raise Invalid(problems)
    return found


def _wrong(session: Session, caller: Caller, person: Any, fields: Mapping[str, Any], item: Any) -> str | None:
    if person.id == caller.id:
        return None
    receiver = callers.by_id(session, person.id)
    if receiver is None:
        return f"{person.name} has been switched off"
    try:
        if receiver.hidden_teams:
            feedback_query.find(session, receiver, item.id)
        if receiver.hidden_teams and "action" in fields:
            actions_query.find(session, receiver, fields["action"])
    except NotFound:
        return f"{person.name} may not see this"
    return None


# -- rows ----------------------------------------------------------------------------------------------------------


def _lock(session: Session, caller: Caller, reminder_id: int, if_match: int | None) -> Any:
    """A reminder that the caller may change, locked after its item."""
    seen = reminders_query.find(session, caller, reminder_id)
    session.execute(select(Feedback.id).where(Feedback.id == seen.feedback_id).with_for_update(key_share=True))
    [row] = _locked(session, PersonalReminder.id == reminder_id)
    if if_match is not None and if_match != row.version:
        raise Stale(row.version)
    people = reminders_query.receivers(session, [reminder_id])[reminder_id]
    access.require(caller, "reminder.change", reminders_query.relations(caller, row, people))
    return row


def _locked(session: Session, *conditions: Any, count: int | None = None) -> Sequence[Any]:
    query = select(_TABLE).where(*conditions).order_by(PersonalReminder.id).limit(count)
    return session.execute(query.with_for_update(key_share=True)).all()


_WRITTEN: Final = ("remind_at", "text", "every", "first_at", "if_answered", "state", "occurrence", "version")
_WRITE: Final = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(_TABLE.c.id == bindparam("at_id"))
    .values({name: bindparam(f"new_{name}") for name in _WRITTEN})
)


def _stored(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _WRITTEN}


def _write(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write back rows as they are now, all in one statement."""
    if rows:
        plain(session, _WRITE, [{"at_id": row["id"], **{f"new_{n}": row[n] for n in _WRITTEN}} for row in rows])


def _cancelled(
    session: Session, caller: Caller, rows: Sequence[Any], now: datetime, *, reason: str | None = None
) -> list[Fact]:
    """Cancel some reminders; what is to be recorded of it."""
    more = {"reason": reason} if reason else {}
    facts: list[Fact] = []
    for at in range(0, len(rows), BATCH):
        ids = [row.id for row in rows[at : at + BATCH]]
        session.execute(
            update(PersonalReminder)
            .where(PersonalReminder.id.in_(ids))
            .values(state="cancelled", version=PersonalReminder.version + 1)
        )
        found = _facts(session, caller, "reminder.cancelled", dict.fromkeys(ids, more), now)
        facts += [fact for _, fact in found]
    return facts


def _facts(
    session: Session, caller: Caller, event_type: str, said: Mapping[int, Mapping[str, Any]], now: datetime
) -> list[tuple[dict[str, Any], Fact]]:
    """What happened to some reminders, as they are now, in the order of `said`: what is said of each beside it."""
    if not said:
        return []
    rows = {row.id: row for row in session.execute(reminders_query.SELECT.where(PersonalReminder.id.in_(list(said))))}
    people = reminders_query.receivers(session, list(said))
    items = _items(session, {row.feedback_id for row in rows.values()})
    actions = _actions(session, {row.action_id for row in rows.values() if row.action_id is not None}, now)
    found = []
    for ident, more in said.items():
        row = rows[ident]
        seen = reminders_query.view(row, people[ident])
        about = {"reminder": seen, "feedback": items[row.feedback_id], "told": _told(people[ident]), **more}
        if row.action_id is not None:
            about["action"] = actions[row.action_id]
        fact = Fact(event_type, ident, about, caller, action_id=row.action_id, feedback_id=row.feedback_id)
        found.append((seen, fact))
    return found


def _told(people: Iterable[Receiver]) -> list[dict[str, Any]]:
    return [{"id": person.id, "name": person.name, "as": "receiver"} for person in people if person.active]


def _items(session: Session, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    rows = session.execute(feedback_query.SELECT.where(Feedback.id.in_(list(ids))))
    return {row.id: feedback_query.brief(row) for row in rows}


def _actions(session: Session, ids: Iterable[int], now: datetime) -> dict[int, dict[str, Any]]:
    query = actions_query.with_names((*actions_query.COLUMNS, *actions_query.NAMES)).where(Action.id.in_(list(ids)))
    rows = session.execute(query)
    return {row.id: actions_query.brief(actions_query.view(row, row, now=now)) for row in rows}


# -- the clock -----------------------------------------------------------------------------------------------------

_DUE: Final = (
    select(_TABLE)
    .where(
        text("personal_reminders.state = 'planned'"),
        PersonalReminder.remind_at <= bindparam("now", type_=_TABLE.c.remind_at.type),
    )
    .order_by(PersonalReminder.remind_at, PersonalReminder.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(key_share=True, skip_locked=True)
)


def fire_due(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Tell up to `count` reminders whose time has come, and return how many were looked at.

    Each is told in the transaction that marks it, or moves it on to its next repetition, which lies in the future: what
    was missed is told as one. What nobody is left for, or whose item was erased, is cancelled instead.
    """
    rows = plain(session, _DUE, {"now": now, "count": count}).all()
    if not rows:
        return 0
    people = reminders_query.receivers(session, [row.id for row in rows])
    erased = set(
        session.scalars(
            select(Feedback.id).where(
                Feedback.id.in_({row.feedback_id for row in rows}), Feedback.erased_at.is_not(None)
            )
        )
    )
    pointless = [row for row in rows if row.feedback_id in erased]
    lonely = [row for row in rows if row.feedback_id not in erased and not _told(people[row.id])]
    ended = {row.id for row in (*pointless, *lonely)}
    told = [row for row in rows if row.id not in ended]
    _write(session, [{"id": row.id} | _stored(row) | _told_now(row, now) for row in told])
    about = {row.id: {"planned_for": row.remind_at, "late": now - row.remind_at > LATE_AFTER} for row in told}
    facts = [fact for _, fact in _facts(session, CLOCK, "reminder.fired", about, now)]
    facts += _cancelled(session, CLOCK, pointless, now, reason=ERASED_ITEM)
    facts += _cancelled(session, CLOCK, lonely, now, reason=NOBODY_LEFT)
    ledger.record(session, facts, now=now)
    return len(rows)


def _told_now(row: Any, now: datetime) -> dict[str, Any]:
    """What becomes of a reminder that is told."""
    after = {"occurrence": row.occurrence + 1, "version": row.version + 1}
    if row.every is None:
        return after | {"state": "fired"}
    days = int(row.every[1:-1])
    return after | {"remind_at": next_repetition(row.first_at, days, zone_named(row.time_zone), after=now)}
