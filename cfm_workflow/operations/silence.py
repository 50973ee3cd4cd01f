"""The silence alarm: a customer who has had no word for long is told of once, until there is a word again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, bindparam, func, literal, or_, select, union_all, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.db import plain
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Action, ActionFeedback, Customer, Feedback, Team, TeamMember
from cfm_workflow.models.feedback import NEVER_TOLD, TOLD_BEFORE
from cfm_workflow.queries import feedback as feedback_query

BATCH: Final = 50
"""Little enough that others hardly wait for the transaction, although each tells several people."""
MOST_TOLD: Final = 50
CLOCK: Final = system("clock")


def _due(waiting: Any, since: Any) -> Any:
    return (
        select(Feedback.id)
        .join(Customer, Customer.id == Feedback.customer_id)
        .where(
            waiting, Customer.do_not_contact.is_(None), or_(Customer.email.is_not(None), Customer.phone.is_not(None))
        )
        .where(since <= bindparam("before", type_=since.type))
        .order_by(since, Feedback.id)
        .limit(bindparam("count", type_=Integer))
        .with_for_update(of=Feedback, key_share=True, skip_locked=True)
    )


_DUE: Final = (
    _due(NEVER_TOLD, Feedback.__table__.c.received_at),
    _due(TOLD_BEFORE, Feedback.__table__.c.told_at),
)


def raise_due(session: Session, *, before: datetime, now: datetime, count: int = BATCH) -> int:
    """Tell of up to `count` items whose customers have had no word since `before`, and as many of those who never had
    one; how many they were. Of whom nobody can or may contact nobody is told.

    Whoever tells a customer something has locked the item: each silence is told once, and not when it has just ended.
    """
    asked = {"before": before, "count": count}
    ids = [ident for due in _DUE for ident in plain(session, due, asked).scalars()]
    if not ids:
        return 0
    values = {"silent_at": now, "version": Feedback.version + 1}
    session.execute(update(Feedback).where(Feedback.id.in_(ids)).values(**values))
    told = _told(session, ids)
    facts = []
    for item in session.execute(feedback_query.SELECT.where(Feedback.id.in_(ids)).order_by(Feedback.id)):
        about = {"last_word_at": item.told_at, "told": told[item.id], "feedback": feedback_query.brief(item)}
        facts.append(Fact("feedback.silent", item.id, about, CLOCK, feedback_id=item.id))
    ledger.record(session, facts, now=now)
    return len(ids)


def _told(session: Session, ids: Iterable[int]) -> Mapping[int, list[dict[str, Any]]]:
    """Per item who is told, each once by the nearest relation: those who are to speak to the customer, those who gave
    the work, and those who lead it. Of an item on which nothing is under way all who were at work on it."""
    found: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in session.execute(_PEOPLE, {"ids": list(ids)}):
        person = {"id": row.id, "name": row.name, "as": _RELATIONS[row.place]}
        found[row.feedback_id].setdefault(row.id, person)
    return defaultdict(list, {ident: list(people.values())[:MOST_TOLD] for ident, people in found.items()})


_RELATIONS: Final = ("assignee", "assigner", "lead")
_WORK: Final = (
    select(ActionFeedback.feedback_id, Action.assignee_id, Action.assigner_id, Action.team_id, Action.kind)
    .join(Action, Action.id == ActionFeedback.action_id)
    .join(Feedback, Feedback.id == ActionFeedback.feedback_id)
    .where(
        ActionFeedback.feedback_id.in_(bindparam("ids", expanding=True)),
        or_(Action.finished_at.is_(None), Feedback.status == "resolved", Feedback.needs_decision),
    )
    .cte("work")
)
_WHO: Final = union_all(
    select(_WORK.c.feedback_id, _WORK.c.assignee_id.label("who"), literal(0).label("place")).where(
        _WORK.c.kind == "external"
    ),
    select(_WORK.c.feedback_id, _WORK.c.assigner_id, literal(1)),
    select(_WORK.c.feedback_id, Team.lead_id, literal(2))
    .outerjoin(TeamMember, (TeamMember.account_id == _WORK.c.assignee_id) & _WORK.c.team_id.is_(None))
    .join(Team, Team.id == func.coalesce(_WORK.c.team_id, TeamMember.team_id)),
).subquery()
_PEOPLE: Final = (
    select(_WHO.c.feedback_id, _WHO.c.place, Account.id, Account.name)
    .join(Account, Account.id == _WHO.c.who)
    .where(Account.active, Account.kind == "user")
    .order_by(_WHO.c.feedback_id, _WHO.c.place, Account.id)
)
