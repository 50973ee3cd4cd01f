"""What is overdue and what nobody accepted in time: by team, by person, by age; the worst first. Never writes."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Account, Action, ReportReview, Team
from cfm_workflow.models.actions import UNFINISHED
from cfm_workflow.queries import action_filters
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries.reports.overview import WAITS_LONG
from cfm_workflow.queries.reports.scope import Figure, Scope

AGES: Final = ((0, 1), (1, 3), (3, 7), (7, None))
"""Days since something was due: from, and below."""
SHOWN: Final = 50

Counts = Mapping[tuple[int | None, int | None, int], int]
"""Per team, assignee and age."""


def overdue(session: Session, scope: Scope) -> dict[str, Any]:
    """All that is late at this moment, and since when somebody has not looked."""
    since = reviewed_at(session, scope)
    late, unaccepted = _late(session, scope), _unaccepted(session, scope)
    return {
        "reviewed_at": since,
        "overdue": scope.figure(sum(late.values()), overdue=True, sort="due_at"),
        "by_age": [_of_age(scope, late, n) for n in range(len(AGES))],
        "by_team": _by(scope, late, unaccepted, 0, _team_rows, _teams(session)),
        "by_person": _by(scope, late, unaccepted, 1, _person_rows, _people(session, late, unaccepted)),
        "not_accepted_in_time": scope.figure(sum(unaccepted.values()), not_accepted_in_time=True, sort="accept_by"),
        "new": {} if since is None else _new(session, scope, since),
        "oldest": _oldest(session, scope, since),
    }


def reviewed_at(session: Session, scope: Scope) -> datetime | None:
    """When the caller last went through the reports."""
    query = select(ReportReview.reviewed_at).where(ReportReview.account_id == scope.caller.id)
    return session.scalars(query).one_or_none()


def _late(session: Session, scope: Scope) -> Counter[tuple[int | None, int | None, int]]:
    age = case(
        *((Action.due_sort > scope.now - timedelta(days=upper), n) for n, (_, upper) in enumerate(AGES) if upper),
        else_=len(AGES) - 1,
    )
    query = select(Action.team_id, Action.assignee_id, age.label("age"), func.count().label("many"))
    query = query.where(UNFINISHED, Action.due_sort < scope.now, *scope.where)
    rows = plain(session, query.group_by(Action.team_id, Action.assignee_id, age), scope.given)
    return Counter({(row.team_id, row.assignee_id, row.age): row.many for row in rows})


def _unaccepted(session: Session, scope: Scope) -> Counter[tuple[int | None, int | None, int]]:
    query = select(Action.team_id, Action.assignee_id, func.count().label("many"))
    query = query.where(action_filters.not_accepted_in_time(), *scope.where)
    rows = plain(session, query.group_by(Action.team_id, Action.assignee_id), scope.given)
    return Counter({(row.team_id, row.assignee_id, 0): row.many for row in rows})


def _age_rows(n: int) -> dict[str, Any]:
    lower, upper = AGES[n]
    return {"overdue_days_min": lower or None, "overdue_days_max": upper, "overdue": True, "sort": "due_at"}


def _of_age(scope: Scope, counts: Counts, n: int, **more: Any) -> dict[str, Any]:
    lower, upper = AGES[n]
    value = sum(count for (_, _, age), count in counts.items() if age == n)
    return {"days_min": lower, "days_max": upper, "actions": scope.figure(value, **more, **_age_rows(n))}


def _by(
    scope: Scope,
    late: Counts,
    unaccepted: Counts,
    place: int,
    rows_of: Callable[[Any], dict[str, Any]],
    names: Mapping[int, Any],
) -> list[dict[str, Any]]:
    """Per team or person: how much is overdue, by age, and not accepted; whoever has most is first."""
    found = []
    for whose in {key[place] for key in (*late, *unaccepted)}:
        theirs = {key: count for key, count in late.items() if key[place] == whose}
        untaken = sum(count for key, count in unaccepted.items() if key[place] == whose)
        more = rows_of(whose)
        found.append(
            {
                ("team" if place == 0 else "person"): None if whose is None else names[whose],
                "overdue": scope.figure(sum(theirs.values()), **more, overdue=True, sort="due_at"),
                "by_age": [_of_age(scope, theirs, n, **more) for n in range(len(AGES))],
                "not_accepted_in_time": scope.figure(untaken, **more, not_accepted_in_time=True, sort="accept_by"),
            }
        )
    return sorted(found, key=lambda each: (-_value(each["overdue"]), -_value(each["not_accepted_in_time"])))


def _value(figure: Figure) -> int:
    return int(figure["value"])


def _team_rows(team_id: int | None) -> dict[str, Any]:
    return {"team_named": False} if team_id is None else {"team": team_id}


def _person_rows(account_id: int | None) -> dict[str, Any]:
    return {"assigned": False} if account_id is None else {"assignee": account_id}


def _teams(session: Session) -> dict[int, dict[str, Any]]:
    rows = session.execute(select(Team.id, Team.key, Team.name))
    return {row.id: {"id": row.id, "key": row.key, "name": row.name} for row in rows}


def _people(session: Session, *counts: Counts) -> dict[int, dict[str, Any]]:
    ids = {assignee for each in counts for _, assignee, _ in each if assignee is not None}
    rows = session.execute(select(Account.id, Account.name, Account.email).where(Account.id.in_(ids)))
    return {row.id: {"id": row.id, "name": row.name, "email": row.email} for row in rows}


def _new(session: Session, scope: Scope, since: datetime) -> dict[str, Any]:
    """What has come to be so since the caller last looked."""
    overdue = scope.count(session, UNFINISHED, Action.due_sort < scope.now, Action.due_sort >= since)
    unaccepted = scope.count(session, action_filters.not_accepted_in_time(), Action.accept_by >= since)
    waiting = scope.count(
        session,
        action_filters.waiting_since_before(),
        Action.state_since >= since - WAITS_LONG,
        waiting_since_before=scope.now - WAITS_LONG,
    )
    return {
        "overdue": scope.figure(overdue, overdue=True, due_from=since, sort="due_at"),
        "not_accepted_in_time": scope.figure(
            unaccepted, not_accepted_in_time=True, accept_by_from=since, sort="accept_by"
        ),
        "waiting_long": scope.figure(
            waiting,
            waiting_since_before=scope.now - WAITS_LONG,
            waiting_since_from=since - WAITS_LONG,
            sort="state_since",
        ),
    }


def _oldest(session: Session, scope: Scope, since: datetime | None) -> list[dict[str, Any]]:
    """The actions that are overdue for longest, as the API shows them; `new` since the caller last looked."""
    wanted = {"overdue": True, "sort": "due_at", "limit": SHOWN, "belongs_to": scope.teams and list(scope.teams)}
    found = actions_query.page(session, scope.caller, wanted, now=scope.now).items
    return [action | {"new": since is not None and action["due_at"] >= since} for action in found]
