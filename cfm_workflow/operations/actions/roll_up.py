"""What follows when actions enter or leave a finished state: for their groups, for the items they serve.

Everything here is computed from rows read under the locks of the groups and items, so that of two last actions
finishing at the same moment exactly one resolves the item.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller, system
from cfm_workflow.db import plain
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, ActionFeedback, ActionGroup, Customer, Feedback
from cfm_workflow.operations import checks
from cfm_workflow.operations.actions import targets
from cfm_workflow.operations.actions.held import Work, write
from cfm_workflow.operations.actions.lapse import lapse
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.messages.withdrawing import withdraw
from cfm_workflow.policy.groups import Progress, group_state, item_status
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.workflow import Category, fire, leading_to

GROUP_POLICY: Final = system("group policy")
NOT_NEEDED: Final = "The group is complete without it."


def finish(
    session: Session, groups: Sequence[Any], moved: Sequence[Work], locked: Sequence[Work], *, now: datetime
) -> list[Fact]:
    """Write the moved actions, then everything that follows from them; the facts in the order they happened.

    `groups` are the locked rows of the groups of `moved`; `locked` holds, beside `moved`, the unfinished rest of those
    groups that can complete before all their actions have ended.
    """
    crossed = [work for work in moved if work.crossed_the_finish]
    facts = [fact for work in moved for fact in work.facts]
    if not crossed:
        _write(session, moved, now)
        return facts
    group_facts, cancelled = _groups(session, groups, crossed, locked, now)
    _write(session, [*moved, *cancelled], now)
    facts += group_facts
    facts += items(session, [work.action.id for work in [*crossed, *cancelled]], crossed[0].facts[0].actor, now=now)
    return facts


def _write(session: Session, works: Sequence[Work], now: datetime) -> None:
    targets.plan(session, works, now=now)
    write(session, works)


def _groups(
    session: Session, groups: Sequence[Any], crossed: Sequence[Work], locked: Sequence[Work], now: datetime
) -> tuple[list[Fact], list[Work]]:
    touched = {work.action.group_id for work in crossed}
    concerned = [group for group in groups if group.id in touched]
    counts = _progress(session, [group.id for group in concerned], crossed)
    facts: list[Fact] = []
    cancelled: list[Work] = []
    changed: list[dict[str, Any]] = []
    for group in concerned:
        progress = counts[group.id]
        state = group_state(group.completion, group.at_least, progress)
        if state == group.state:
            continue
        changed.append({"at_id": group.id, "new_state": state, "new_since": now})
        rest = _rest_of(group, state, locked)
        dropped = [work for work in rest if _cancel(session, work, now)]
        seen = groups_query.view(group, Progress(progress.total, progress.done, progress.unfinished - len(dropped)))
        facts.append(_group_fact(group, state, seen | {"state": state, "state_since": now}, crossed, now))
        facts += [fact for work in dropped for fact in work.facts]
        cancelled += dropped
    if changed:
        plain(session, _WRITE_GROUP, changed)
    return facts, cancelled


_WRITE_GROUP: Final = (
    update(ActionGroup.__table__)  # type: ignore[arg-type]
    .where(ActionGroup.__table__.c.id == bindparam("at_id"))
    .values(state=bindparam("new_state"), state_since=bindparam("new_since"))
)
_MEMBERS: Final = select(Action.id, Action.group_id, Action.category).where(
    Action.group_id.in_(bindparam("groups", expanding=True))
)


def _progress(session: Session, group_ids: Sequence[int], crossed: Iterable[Work]) -> dict[int, Progress]:
    """How far each group is, with what has changed in memory laid over what is stored."""
    now_in = {work.action.id: work.action.category for work in crossed}
    members: dict[int, list[str]] = {ident: [] for ident in group_ids}
    for ident, group_id, category in plain(session, _MEMBERS, {"groups": list(group_ids)}):
        members[group_id].append(now_in.get(ident, category))
    return {ident: groups_query.progress_of(categories) for ident, categories in members.items()}


def _rest_of(group: Any, state: str, locked: Sequence[Work]) -> list[Work]:
    if state != "completed":
        return []
    return [w for w in locked if w.action.group_id == group.id and w.action.finished_at is None]


def _cancel(session: Session, work: Work, now: datetime) -> bool:
    """Drop what is not needed any more, if its workflow lets the service do that."""
    definition = definition_of(session, work.action.workflow_id)
    relations = frozenset({"system"})
    name = leading_to(definition, work.action, Category.DROPPED, by=None, relations=relations, now=now)
    if name is None:
        return False
    given = definition.transitions[name].requires
    fired = fire(definition, work.action, name, by=None, relations=relations, given=given, now=now)
    work.happened(
        fired.transition.event,
        GROUP_POLICY,
        now,
        {"from": fired.from_state, "to": fired.to_state, "transition": name, "comment": None, "reason": NOT_NEEDED},
    )
    lapse(work, now=now)
    return True


_GROUP_EVENTS: Final = {
    "completed": "action_group.completed",
    "failed": "action_group.failed",
    "open": "action_group.reopened",
}


def _group_fact(group: Any, state: str, seen: dict[str, Any], crossed: Sequence[Work], now: datetime) -> Fact:
    last = next(work for work in reversed(crossed) if work.action.group_id == group.id)
    return Fact(
        type=_GROUP_EVENTS[state],
        subject_id=group.id,
        about={"from": group.state, "to": state, "group": seen, "feedback": last.item},
        actor=last.facts[0].actor,
        feedback_id=group.feedback_id,
    )


_ITEMS: Final = (
    select(*(c for c in Feedback.__table__.c if c.name != "search_text"))
    .where(
        Feedback.id.in_(
            select(ActionFeedback.feedback_id).where(ActionFeedback.action_id.in_(bindparam("ids", expanding=True)))
        )
    )
    .order_by(Feedback.id)
    .with_for_update(key_share=True)
)
_COUNTS: Final = (
    select(
        ActionFeedback.feedback_id,
        func.count().label("total"),
        func.sum(case((Action.category == "done", 1), else_=0)).label("done"),
        func.sum(case((Action.finished_at.is_(None), 1), else_=0)).label("unfinished"),
    )
    .join(Action, Action.id == ActionFeedback.action_id)
    .where(ActionFeedback.feedback_id.in_(bindparam("items", expanding=True)))
    .group_by(ActionFeedback.feedback_id)
)
_WRITE_ITEM: Final = (
    update(Feedback.__table__)  # type: ignore[arg-type]
    .where(Feedback.__table__.c.id == bindparam("at_id"))
    .values(
        status=bindparam("new_status"),
        needs_decision=bindparam("new_needs_decision"),
        resolved_at=bindparam("new_resolved_at"),
        settles_at=bindparam("new_settles_at"),
        closed_at=bindparam("new_closed_at"),
        confirmation=bindparam("new_confirmation"),
        silent_at=bindparam("new_silent_at"),
        version=Feedback.__table__.c.version + 1,
    )
)
_CUSTOMERS: Final = select(Customer.id, Customer.name).where(Customer.id.in_(bindparam("ids", expanding=True)))


def items(session: Session, action_ids: Iterable[int], actor: Caller, *, now: datetime) -> list[Fact]:
    """Lock the items these actions serve and bring their status up to date; what changed, as facts.

    The rows of the actions must have been written before.
    """
    rows = plain(session, _ITEMS, {"ids": list(action_ids)}).all()
    return settle(session, rows, actor, now=now)


def settle(
    session: Session, rows: Sequence[Any], actor: Caller, *, now: datetime, has_unfinished: bool = False
) -> list[Fact]:
    """Bring the status of these locked items up to date with their actions; what changed, as facts.

    `has_unfinished`: whoever asks has just made an action on each of them, so there is nothing to count.
    """
    counts = {} if has_unfinished else _count(session, [row.id for row in rows])
    nothing = UNDER_WAY if has_unfinished else NO_ACTIONS
    changed = [(row, *new) for row in rows if (new := _status(row, counts.get(row.id, nothing))) != _stored(row)]
    if not changed:
        return []
    plain(session, _WRITE_ITEM, [_written(*change, now) for change in changed])
    facts: list[Fact] = []
    if again := [row.id for row, status, _ in changed if row.status in ENDED and status not in ENDED]:
        checks.cancel(session, again)
        facts += withdraw(session, actor, again)
    happened = [
        (row, status, needs_decision, what)
        for row, status, needs_decision in changed
        if (what := _what_happened(row, status, needs_decision)) is not None
    ]
    names = _customer_names(session, [row for row, *_ in happened])
    for row, status, needs_decision, what in happened:
        now_shown = feedback_query.brief(_Named(row, names.get(row.customer_id)))
        now_shown |= {"status": status, "needs_decision": needs_decision, "version": row.version + 1}
        about = {"from": row.status, "to": status, "feedback": now_shown}
        facts.append(Fact(what, row.id, about, actor, feedback_id=row.id))
    return facts


ENDED: Final = ("resolved", "closed")
NO_ACTIONS: Final = Progress(0, 0, 0)
UNDER_WAY: Final = Progress(1, 0, 1)


def _count(session: Session, ids: list[int]) -> dict[int, Progress]:
    if not ids:
        return {}
    counts = plain(session, _COUNTS, {"items": ids})
    return {count.feedback_id: Progress(count.total, count.done, count.unfinished) for count in counts}


def _stored(row: Any) -> tuple[str, bool]:
    return row.status, row.needs_decision


def _written(row: Any, status: str, needs_decision: bool, now: datetime) -> dict[str, Any]:
    resolved = status == "resolved"
    return {
        "at_id": row.id,
        "new_status": status,
        "new_needs_decision": needs_decision,
        "new_resolved_at": now if resolved else row.resolved_at if status == "closed" else None,
        "new_settles_at": now if resolved else None,  # `operations.closing` looks at it next
        "new_closed_at": row.closed_at if status == "closed" else None,
        "new_confirmation": None if resolved else row.confirmation,
        "new_silent_at": None if status == "closed" else row.silent_at,
    }


def _status(row: Any, progress: Progress) -> tuple[str, bool]:
    """What its actions say; but what somebody closed stays closed until there is work on it again."""
    if row.status == "closed" and not progress.unfinished:
        return "closed", False
    return item_status(progress)


def _what_happened(row: Any, status: str, needs_decision: bool) -> str | None:
    if status == "resolved":
        return "feedback.resolved"
    if needs_decision:
        return "feedback.undecided"
    if status == "open" and row.status in ("resolved", "closed"):
        return "feedback.reopened"
    return None


def _customer_names(session: Session, rows: Sequence[Any]) -> dict[int, str | None]:
    ids = sorted({row.customer_id for row in rows if row.customer_id is not None})
    return {row.id: row.name for row in plain(session, _CUSTOMERS, {"ids": ids})} if ids else {}


class _Named:
    """A row of an item with its customer's name beside it."""

    __slots__ = ("_row", "customer_name")

    def __init__(self, row: Any, customer_name: str | None) -> None:
        self._row = row
        self.customer_name = customer_name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)
