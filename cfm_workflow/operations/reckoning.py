"""What a changed calendar means for the open actions that go by it: shown before, carried out in batches afterwards.

How far that has come stands in the calendar, and moves on in the transaction of each batch: whoever dies leaves the
next batch to anybody. A calendar that changes again begins anew.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, bindparam, func, literal_column, or_, select, text, union_all
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.letters.words import CALENDAR_CHANGED
from cfm_workflow.models import Action, Calendar
from cfm_workflow.models.actions import UNFINISHED
from cfm_workflow.operations.actions import dates
from cfm_workflow.operations.actions.reckon import reckon
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.workflow import Category

BATCH: Final = 200
EXAMPLES: Final = 50
SEEN_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Some actions that were looked at: how many, of how many the due date has moved, and which was the last.

    `last` None: there are no more behind them.
    """

    seen: int
    moved: int
    last: int | None


def go_on(session: Session, *, now: datetime) -> bool:
    """Carry out the next batch of a calendar that has changed; False when there is none now, or others are at it.

    It begins once every transaction has ended that may have looked at the calendar before it changed: what such a one
    reckons has to be reckoned anew as well. Whoever reckons has locked something before, so the mark waits for them.
    """
    unfinished = select(Calendar).where(Calendar.reckon_after.is_not(None)).order_by(Calendar.id).limit(1)
    calendar = session.scalars(unfinished.with_for_update(key_share=True, skip_locked=True)).one_or_none()
    if calendar is None or calendar.reckon_after is None:
        return False
    if calendar.reckon_from is None:
        calendar.reckon_from = ledger.mark(session)
        session.flush()
        return True
    if calendar.reckon_after == 0 and not ledger.is_past(session, calendar.reckon_from):
        return False
    done = batch(session, calendar, calendar.reckon_after, reason=CALENDAR_CHANGED, now=now)
    calendar.reckon_after = done.last
    session.flush()
    return True


def is_left(session: Session) -> bool:
    """Whether there is anything to go on with."""
    return session.scalars(select(Calendar.id).where(Calendar.reckon_after.is_not(None)).limit(1)).first() is not None


def batch(session: Session, calendar: Calendar, after: int, *, reason: str, now: datetime) -> Batch:
    """Reckon the next open actions of a calendar behind the id `after`; their mails are gathered as late
    reminders are."""
    ids = list(plain(session, _next(calendar), {"calendar": calendar.id, "after": after, "count": BATCH}).scalars())
    moved = reckon(session, calendar, ids, reason=reason, now=now) if ids else 0
    return Batch(len(ids), moved, ids[-1] if len(ids) == BATCH else None)


def count(session: Session, calendar: Calendar) -> int:
    """How many open actions go by a calendar."""
    own = (
        select(func.count())
        .select_from(Action)
        .where(UNFINISHED, _goes_by(calendar.id, is_default=calendar.is_default))
    )
    return session.scalars(own).one()


def _next(calendar: Calendar) -> Any:
    return _OWN_AND_UNNAMED if calendar.is_default else _OWN


_OPEN: Final = (
    select(Action.id)
    .where(UNFINISHED, Action.id > bindparam("after"))
    .order_by(Action.id)
    .limit(bindparam("count", type_=Integer))
)
_OWN: Final = _OPEN.where(Action.calendar_id == bindparam("calendar"))
_UNNAMED: Final = _OPEN.where(Action.calendar_id.is_(None))
_OWN_AND_UNNAMED: Final = (
    union_all(*(select(part.subquery().c.id) for part in (_OWN, _UNNAMED)))
    .order_by(literal_column("1"))
    .limit(bindparam("count", type_=Integer))
)
"""Two ranges of one index, each read no further than needed."""


def _goes_by(calendar_id: int, *, is_default: bool) -> Any:
    own = Action.calendar_id == calendar_id
    return or_(own, Action.calendar_id.is_(None)) if is_default else own


# -- before ------------------------------------------------------------------------------------------------------------


def preview(session: Session, caller: Caller, calendar_id: int, would_be: Calendar, *, now: datetime) -> dict[str, Any]:
    """Which due dates move, from when to when, once a calendar is as `would_be`, which is not stored.

    Looks at the open actions that are due first; what is overdue stays. Examples are only those that the caller may
    read.
    """
    mine = _goes_by(calendar_id, is_default=would_be.is_default)
    query = select(Action.id, Action.title, Action.due_at, Action.due_rule).where(
        UNFINISHED, _HAS_RULE, mine, or_(Action.due_sort > now, Action.category == Category.WAITING)
    )
    rows = session.execute(query.order_by(Action.due_sort, Action.id).limit(limits.COUNT + 1)).all()
    moves = list(_moves(session, rows[: limits.COUNT], would_be))
    return {
        "moves": len(moves),
        "moves_are_capped": len(rows) > limits.COUNT,
        "examples": _readable(session, caller, moves),
        "calendar": calendars_query.view(would_be),
    }


_HAS_RULE: Final = text("due_rule IS NOT NULL")


def _moves(session: Session, rows: Any, would_be: Calendar) -> Iterator[dict[str, Any]]:
    calendar = calendars_query.reckoned(would_be)
    for first in range(0, len(rows), SEEN_AT_ONCE):
        some = rows[first : first + SEEN_AT_ONCE]
        waited = due_query.pauses_of(session, [row.id for row in some if "in" in row.due_rule])
        for row in some:
            at = dates.reckon_again(row.due_at, row.due_rule, calendar, waited.get(row.id, ()))
            if at != row.due_at:
                yield {"id": row.id, "title": row.title, "from": row.due_at, "to": at}


def _readable(session: Session, caller: Caller, moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not access.allows(caller, "action.read"):
        return []
    if not caller.hidden_teams:
        return moves[:EXAMPLES]
    shown: list[dict[str, Any]] = []
    for first in range(0, len(moves), SEEN_AT_ONCE):
        some = moves[first : first + SEEN_AT_ONCE]
        seen = _seen(session, caller, [move["id"] for move in some])
        shown += [move for move in some if move["id"] in seen]
        if len(shown) >= EXAMPLES:
            break
    return shown[:EXAMPLES]


def _seen(session: Session, caller: Caller, ids: Collection[int]) -> frozenset[int]:
    query = select(Action.id).where(Action.id.in_(list(ids)), actions_query.may_see(caller))
    return frozenset(session.scalars(query))
