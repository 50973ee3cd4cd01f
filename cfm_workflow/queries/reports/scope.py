"""Whose work a report counts, over which days, and where the rows behind a figure are listed. Never writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.errors import Forbidden, Invalid
from cfm_workflow.models import Action, Team
from cfm_workflow.queries import action_filters
from cfm_workflow.queries import actions as actions_query

DEFAULT_DAYS: Final = 28
MOST_DAYS: Final = 366
MOST_STEPS: Final = 92
"""A chart has no more points."""

Figure = dict[str, Any]
"""`value`, and `rows`: the list of exactly what was counted, below the base path of the API."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last one included, in the time zone of the service."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant that does not belong to it any more."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    def steps(self, days: int) -> Iterator["Period"]:
        """The same in stretches of so many days; the last may be shorter."""
        first = self.first
        while first <= self.last:
            yield Period(first, min(first + timedelta(days=days - 1), self.last), self.zone)
            first += timedelta(days=days)

    def view(self) -> dict[str, Any]:
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "time_zone": self.zone.key}


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def period_of(first: str | None, last: str | None, zone: ZoneInfo, *, now: datetime) -> Period:
    """The days from `first` to `last`; by default the last 28 up to today.

    Raises:
        Invalid: they are in the wrong order, or too many.
    """
    until = date.fromisoformat(last) if last else now.astimezone(zone).date()
    since = date.fromisoformat(first) if first else until - timedelta(days=DEFAULT_DAYS - 1)
    if since > until:
        raise Invalid({"from": ["must not be after to"]})
    if (until - since).days >= MOST_DAYS:
        raise Invalid({"from": [f"must be at most {MOST_DAYS} days before to"]})
    return Period(since, until, zone)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work is counted: that of some teams, or everybody's (`teams` None); as far as `caller` may see it."""

    caller: Caller
    teams: tuple[int, ...] | None
    now: datetime

    @property
    def given(self) -> dict[str, Any]:
        """What the conditions of lists are bound to."""
        return {"now": self.now}

    @property
    def filters(self) -> dict[str, str]:
        return {} if self.teams is None else {"belongs_to": ",".join(map(str, self.teams))}

    @property
    def where(self) -> list[Any]:
        """The conditions on actions."""
        seen = [actions_query.may_see(self.caller)] if self.caller.hidden_teams else []
        return self.of_teams(Action.team_id, Action.assignee_id) + seen

    def of_teams(self, team: Any, assignee: Any) -> list[Any]:
        """The condition that something with these columns is the work of the teams."""
        return [] if self.teams is None else [action_filters.belongs_to(team, assignee, self.teams)]

    def rows(self, path: str = "/actions", **filters: Any) -> str:
        """The list of what these filters find in this scope; those of None do not count."""
        words = {name: _word(value) for name, value in filters.items() if value is not None}
        asked = urlencode({**self.filters, **words})
        return f"{path}?{asked}" if asked else path

    def figure(self, value: int, path: str = "/actions", **filters: Any) -> Figure:
        return {"value": value, "rows": self.rows(path, **filters)}

    def count(self, session: Session, *where: Any, **given: Any) -> int:
        """How many actions there are of this scope."""
        query = select(func.count()).select_from(Action).where(*where, *self.where)
        return int(plain(session, query, self.given | given).scalar_one())

    def per_step(self, session: Session, column: Any, steps: Sequence[Period], *where: Any) -> list[int]:
        """How many actions have this instant in each of these stretches of time."""
        parts = [
            select(
                literal(n).label("n"),
                select(func.count())
                .select_from(Action)
                .where(column >= step.start, column < step.end, *where, *self.where)
                .scalar_subquery()
                .label("many"),
            )
            for n, step in enumerate(steps)
        ]
        query = union_all(*parts) if len(parts) > 1 else parts[0]
        found = {row.n: int(row.many) for row in plain(session, query, self.given)}
        return [found[n] for n in range(len(steps))]


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def scope_of(caller: Caller, team_id: int | None, *, now: datetime) -> Scope:
    """What a caller's reports are about, of one team if it is named; Forbidden as `scope_of_teams`."""
    return scope_of_teams(caller, None if team_id is None else [team_id], now=now)


def scope_of_teams(caller: Caller, teams: Sequence[int] | None, *, now: datetime) -> Scope:
    """The work of some teams, by default of all whose work the caller supervises.

    Raises:
        Forbidden: they supervise other teams.
    """
    own = caller.supervises if caller.is_supervisor else None
    if own is not None and teams is not None and not own.issuperset(teams):
        raise Forbidden("reports.read", "You supervise other teams.")
    wanted = own if teams is None else teams
    return Scope(caller, None if wanted is None else tuple(sorted(wanted)), now)


def teams_of(session: Session, caller: Caller) -> list[tuple[int, str]]:
    """The teams whose work a caller may ask reports of: id and name, by name."""
    query = select(Team.id, Team.name).order_by(Team.name, Team.id)
    if caller.is_supervisor and caller.supervises is not None:
        query = query.where(Team.id.in_(caller.supervises))
    if caller.hidden_teams:
        query = query.where(Team.id.not_in(caller.hidden_teams))
    return [(row.id, row.name) for row in session.execute(query)]
