"""The ledger rolled up behind its head: visits of states (`stays`), and how many ended on which day (`flow_days`).

Whenever something new is read of an action, its visits are made anew from its whole history, and the days change by
the difference. So nothing depends on the order in which positions become readable, an undone step leaves no trace,
and a batch that is done again changes nothing. How far it has come moves on in the transaction of each batch.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.models import Action, Event, FlowDay, ReportProgress, Stay
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.policy import spread
from cfm_workflow.queries.reports.flow import EVERYBODY, NONE, month_of
from cfm_workflow.workflow import BEFORE, Definition

BATCH: Final = 100
"""Events read at once: little enough that others hardly wait for the transaction."""

_STAYS: Any = Stay.__table__
_DAYS: Any = FlowDay.__table__
_MOVED: Final = (
    select(Event.position, Event.action_id, Event.at)
    .where(Event.position > bindparam("after"), Event.position < bindparam("end"))
    .order_by(Event.position)
    .limit(BATCH)
)
_HISTORY: Final = (
    select(Event.action_id, Event.sequence, Event.type, Event.at, Event.body)
    .where(Event.action_id.in_(bindparam("ids", expanding=True)), Event.sequence.is_not(None))
    .order_by(Event.action_id, Event.sequence)
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What the next events change. `after` is how far it had come when they were read."""

    after: int
    to: int
    complete_to: datetime
    zone: ZoneInfo
    actions: Sequence[int]
    stays: Sequence[dict[str, Any]]
    days: Counter[tuple[Any, ...]]
    has_more: bool


def read(session: Session, zone: ZoneInfo, *, now: datetime) -> Batch:
    """What is to be done next, without writing anything.

    A change of the service's time zone needs `forget` before.
    """
    progress = session.execute(select(ReportProgress.position, ReportProgress.time_zone)).one()
    end = ledger.horizon(session)
    rows = plain(session, _MOVED, {"after": progress.position, "end": end}).all()
    has_more = len(rows) == BATCH
    to = rows[-1].position if has_more else max(progress.position, end - 1)
    complete_to = rows[-1].at if has_more else now
    ids = sorted({row.action_id for row in rows if row.action_id is not None})
    stays = list(_visits(session, ids, zone)) if ids else []
    days = _by_day(stays)
    days.subtract(_by_day(_known(session, ids)))
    return Batch(progress.position, to, complete_to, zone, ids, stays, days, has_more)


def needs_anew(session: Session, zone: ZoneInfo) -> bool:
    """Whether days were counted in another time zone."""
    known = session.execute(select(ReportProgress.time_zone)).scalar_one()
    return known is not None and known != zone.key


def write(session: Session, batch: Batch) -> bool:
    """Store a batch, unless somebody else has gone on meanwhile."""
    progress = session.scalars(select(ReportProgress).with_for_update(skip_locked=True)).one_or_none()
    if progress is None or progress.position != batch.after:
        return False
    if batch.actions:
        session.execute(delete(Stay).where(Stay.action_id.in_(batch.actions)))
    if batch.stays:
        plain(session, insert(_STAYS), list(batch.stays))
    changed = [dict(zip(_KEY, key, strict=True)) | {"count": count} for key, count in batch.days.items() if count]
    if changed:
        plain(session, _add(session), changed)
    progress.position, progress.complete_to, progress.time_zone = batch.to, batch.complete_to, batch.zone.key
    session.flush()
    return True


def forget(session: Session) -> None:
    """Begin anew: everything is made again from the ledger, batch by batch."""
    session.execute(select(ReportProgress).with_for_update()).one()
    session.execute(delete(Stay))
    session.execute(delete(FlowDay))
    session.execute(update(ReportProgress).values(position=0, complete_to=None, time_zone=None))


# -- visits ------------------------------------------------------------------------------------------------------------


def _visits(session: Session, ids: list[int], zone: ZoneInfo) -> Iterable[dict[str, Any]]:
    """The visits that have ended of these actions."""
    query = select(Action.id, Action.workflow_id).where(Action.id.in_(ids))
    workflows = {row.id: row.workflow_id for row in session.execute(query)}
    of_action: dict[int, list[Row[Any]]] = {}
    for row in plain(session, _HISTORY, {"ids": ids}):
        of_action.setdefault(row.action_id, []).append(row)
    for ident, history in of_action.items():
        workflow_id = workflows[ident]
        for number, visit in enumerate(_ended(definition_of(session, workflow_id), history), 1):
            day = visit["left_at"].astimezone(zone).date().isoformat()
            yield visit | {"action_id": ident, "number": number, "workflow_id": workflow_id, "day": day}


def _ended(definition: Definition, history: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """What the steps of one action make, first to last; a step that was undone has not been."""
    ended: list[dict[str, Any]] = []
    here: dict[str, Any] | None = None
    for row in history:
        said = orjson.loads(row.body)["data"]
        name, entered = said.get("transition"), said.get("to")
        if name is None and here is not None:
            continue
        step = definition.transitions.get(name) if name else None
        if step is not None and step.to == BEFORE and ended:
            back = ended.pop()
            here = {key: back[key] for key in ("state", "team_id", "assignee_id", "entered_at")}
            continue
        if here is not None and name is not None:
            took = row.at - here["entered_at"]
            ended.append(
                here | {"transition": name, "to_state": entered, "left_at": row.at, "bucket": spread.bucket(took)}
            )
        action = said["action"]
        here = {
            "state": entered,
            "team_id": (action.get("team") or {}).get("id"),
            "assignee_id": (action.get("assignee") or {}).get("id"),
            "entered_at": row.at,
        }
    return ended


# -- days --------------------------------------------------------------------------------------------------------------

_KEY: Final = ("day", "team_id", "assignee_id", "workflow_id", "state", "transition", "to_state", "bucket")


def _known(session: Session, ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    return [dict(row._mapping) for row in session.execute(select(*_STAYS.c).where(_STAYS.c.action_id.in_(ids)))]


def _by_day(stays: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for stay in stays:
        what = (stay["workflow_id"], stay["state"], stay["transition"], stay["to_state"], stay["bucket"])
        for day in (stay["day"], month_of(stay["day"])):
            found[(day, EVERYBODY, NONE, *what)] += 1
            found[(day, *_whose(stay), *what)] += 1
    return found


def _whose(stay: dict[str, Any]) -> tuple[int, int]:
    """Its team; or, where none was named, the person who had it."""
    return (stay["team_id"], NONE) if stay["team_id"] is not None else (NONE, stay["assignee_id"] or NONE)


def _add(session: Session) -> Any:
    row = (sqlite if is_sqlite(session) else postgresql).insert(_DAYS)
    return row.on_conflict_do_update(index_elements=list(_KEY), set_={"count": _DAYS.c.count + row.excluded["count"]})
