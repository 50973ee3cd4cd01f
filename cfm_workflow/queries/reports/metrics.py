"""What customers scored in a period: NPS, CSAT, CES and GCR, by channel, by source and over time. Never writes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Feedback
from cfm_workflow.policy.metrics import SCALES, result
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.reports.scope import MOST_STEPS, Figure, Period, Scope


def metrics(session: Session, scope: Scope, period: Period, *, by: str | None) -> dict[str, Any]:
    """Each metric that was scored in the period; with how many scores it is made of."""
    columns = (Feedback.metric, Feedback.channel, Feedback.source, Feedback.score)
    query = select(*columns, func.count().label("many")).where(*_where(scope, period)).group_by(*columns)
    rows = plain(session, query).all()
    days = 7 if by == "week" or (period.last - period.first).days >= MOST_STEPS else 1
    steps = list(period.steps(days))
    over_time = _over_time(session, scope, steps)
    return {
        "period": period.view(),
        "by": "day" if days == 1 else "week",
        "metrics": [
            {
                "metric": metric,
                "result": _figure(scope, period, metric, mine),
                "by_channel": _split(scope, period, metric, mine, "channel"),
                "by_source": _split(scope, period, metric, mine, "source"),
                "over_time": [
                    {
                        "from": step.first.isoformat(),
                        "to": step.last.isoformat(),
                        "result": _figure(scope, step, metric, over_time.get((n, metric), [])),
                    }
                    for n, step in enumerate(steps)
                ],
            }
            for metric in SCALES
            if (mine := [row for row in rows if row.metric == metric])
        ],
    }


def results(session: Session, scope: Scope, period: Period) -> dict[str, Figure]:
    """Each metric of a period, whether it was scored or not."""
    found = _over_time(session, scope, [period])
    return {metric: _figure(scope, period, metric, found.get((0, metric), [])) for metric in SCALES}


def _where(scope: Scope, period: Period) -> list[Any]:
    wanted = {"scored": True, "received_from": period.start, "received_to": period.end, "belongs_to": scope.teams}
    found = [Feedback.metric.in_(list(SCALES)), *feedback_query.conditions(wanted)]
    return found + ([feedback_query.may_see(scope.caller)] if scope.caller.hidden_teams else [])


def _over_time(session: Session, scope: Scope, steps: Sequence[Period]) -> dict[tuple[int, str], list[Any]]:
    parts = [
        select(literal(n).label("n"), Feedback.metric, Feedback.score, func.count().label("many"))
        .where(*_where(scope, step))
        .group_by(Feedback.metric, Feedback.score)
        for n, step in enumerate(steps)
    ]
    found: dict[tuple[int, str], list[Any]] = {}
    for row in plain(session, union_all(*parts) if len(parts) > 1 else parts[0]):
        found.setdefault((row.n, row.metric), []).append(row)
    return found


def _split(scope: Scope, period: Period, metric: str, rows: list[Any], name: str) -> list[dict[str, Any]]:
    found = []
    for value in sorted({getattr(row, name) for row in rows}, key=lambda value: (value is None, value)):
        mine = [row for row in rows if getattr(row, name) == value]
        named: dict[str, Any] = {"channel_given": False} if value is None else {name: value}
        found.append({name: value, "result": _figure(scope, period, metric, mine, **named)})
    return sorted(found, key=lambda each: -each["result"]["n"])


def _figure(scope: Scope, period: Period, metric: str, rows: Iterable[Any], **filters: Any) -> Figure:
    """What the scores come to, of how many; behind it stand the items that gave them."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts[row.score] += row.many
    asked = {"metric": metric, "scored": True, "received_from": period.start, "received_to": period.end}
    return {
        "value": result(metric, counts),
        "n": sum(counts.values()),
        "rows": scope.rows("/feedback", **asked, **filters),
    }
