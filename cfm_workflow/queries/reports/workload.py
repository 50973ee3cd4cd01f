"""Who has how much to do, who is away, and who stands in for them. Never writes."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from cfm_workflow.db import plain
from cfm_workflow.models import Absence, Account, Action, TeamMember
from cfm_workflow.models.actions import UNFINISHED
from cfm_workflow.queries.reports.scope import Period, Scope

MOST_PEOPLE: Final = 1_000


def workload(session: Session, scope: Scope, zone: ZoneInfo) -> dict[str, Any]:
    """Per person what is open, overdue, waiting and due this week; who has most is first.

    People without work are listed, too: they have time.
    """
    week_ends = _end_of_week(scope.now, zone)
    counted = {row.assignee_id: row for row in _counts(session, scope, week_ends)}
    people = _people(session, scope, [ident for ident in counted if ident is not None])
    away = _away(session, [person.id for person in people], now=scope.now)
    lines = [
        {
            "person": _named(person),
            "away": away.get(person.id),
            **_line(scope, counted.get(person.id), person.id, week_ends),
        }
        for person in people
    ]
    lines.sort(key=lambda line: (-line["open"]["value"], line["person"]["name"]))
    return {
        "week_ends": week_ends,
        "unassigned": _line(scope, counted.get(None), None, week_ends),
        "people": lines,
    }


def _end_of_week(now: datetime, zone: ZoneInfo) -> datetime:
    today = now.astimezone(zone).date()
    return Period(today, today + timedelta(days=6 - today.weekday()), zone).end


def _counts(session: Session, scope: Scope, week_ends: datetime) -> list[Row[Any]]:
    def times(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    query = select(
        Action.assignee_id,
        func.count().label("open"),
        times(Action.due_sort < scope.now).label("overdue"),
        times(Action.category == "waiting").label("waiting"),
        times((Action.due_sort >= scope.now) & (Action.due_sort < week_ends)).label("due_this_week"),
    )
    return list(plain(session, query.where(UNFINISHED, *scope.where).group_by(Action.assignee_id), scope.given).all())


def _line(scope: Scope, row: Row[Any] | None, account_id: int | None, week_ends: datetime) -> dict[str, Any]:
    whose: dict[str, Any] = {"assigned": False} if account_id is None else {"assignee": account_id}
    filters: dict[str, dict[str, Any]] = {
        "open": {"finished": False},
        "overdue": {"overdue": True},
        "waiting": {"category": "waiting", "finished": False},
        "due_this_week": {"due_from": scope.now, "due_before": week_ends, "finished": False},
    }
    return {
        name: scope.figure(0 if row is None else int(getattr(row, name)), **whose, **each, sort="due_at")
        for name, each in filters.items()
    }


def _people(session: Session, scope: Scope, busy: list[int]) -> list[Row[Any]]:
    """Those who have work, and those who could: the members of the teams, or everybody who works here."""
    idle: Any = Account.active & (Account.kind == "user")
    if scope.teams is not None:
        idle &= Account.id.in_(select(TeamMember.account_id).where(TeamMember.team_id.in_(scope.teams)))
    query: Any = select(Account.id, Account.name, Account.email).where(or_(Account.id.in_(busy), idle))
    is_idle = case((Account.id.in_(busy), 0), else_=1)
    return list(session.execute(query.order_by(is_idle, Account.id).limit(MOST_PEOPLE)).all())


def _away(session: Session, ids: list[int], *, now: datetime) -> dict[int, dict[str, Any]]:
    deputy = aliased(Account)
    query = (
        select(Absence.account_id, Absence.ends_at, deputy.id, deputy.name, deputy.email)
        .outerjoin(deputy, deputy.id == Absence.deputy_id)
        .where(
            Absence.account_id.in_(ids),
            Absence.state.in_(["planned", "begun"]),
            Absence.starts_at <= now,
            Absence.ends_at > now,
        )
        .order_by(Absence.id.desc())
    )
    return {
        row.account_id: {"until": row.ends_at, "deputy": None if row.id is None else _named(row)}
        for row in session.execute(query)
    }


def _named(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "email": row.email}
