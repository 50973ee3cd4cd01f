"""What all pages of supervision share: whose work over which days, the tabs, and how figures are written."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from babel.dates import format_date
from flask import Flask
from marshmallow import Schema

from cfm_workflow.forms.loading import load
from cfm_workflow.letters import figures
from cfm_workflow.letters.places import list_of
from cfm_workflow.operations.people import named_team
from cfm_workflow.queries.reports.scope import Period, Scope, period_of, scope_of, teams_of
from cfm_workflow.texts import mark
from cfm_workflow.web import pages, problems
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import reader, say

TABS: Final = (
    ("/supervision", mark("Overview")),
    ("/supervision/process", mark("Process map")),
    ("/supervision/trends", mark("Over time")),
    ("/supervision/weekly", mark("Weekly report")),
)


def register(app: Flask) -> None:
    """Give templates what figures are written with."""
    app.jinja_env.globals |= {
        "listed": listed,
        "number": number,
        "took": took,
        "date_of": date_of,
        "is_page": pages.is_declared,
    }


def asked(visit: Visit, schema: Schema, *names: str) -> Mapping[str, Any]:
    """What the address asks for by these names; fields left empty say nothing. Raises Invalid."""
    return load(schema, said(visit, *names))


def said(visit: Visit, *names: str) -> dict[str, str]:
    """The same as it was written."""
    return {name: visit.query[name].strip() for name in names if visit.query.get(name, "").strip()}


def scope(visit: Visit, query: Mapping[str, Any]) -> Scope:
    """Whose work the page is about. Raises Invalid, Forbidden."""
    team = query.get("team")
    team_id = None if team is None else named_team(visit.session, team, field="team").id
    return scope_of(visit.caller, team_id, now=visit.now)


def period(visit: Visit, query: Mapping[str, Any]) -> Period:
    """Over which days. Raises Invalid."""
    return period_of(query.get("since"), query.get("until"), visit.service.settings.time_zone, now=visit.now)


def around(visit: Visit, here: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The values of the frame: tabs, the filters as they are, and the teams to choose from."""
    kept = {name: value for name, value in query.items() if name == "team"}
    return {
        "here": here,
        "query": query,
        "tabs": [(path_of(path, kept), say(label), None, path == here) for path, label in TABS],
        "teams": teams_of(visit.session, visit.caller),
    }


def path_of(path: str, query: Mapping[str, str]) -> str:
    """A path with its query, if there is any."""
    return f"{path}?{problems.encoded(**query)}" if query else path


def listed(rows: str | None) -> str | None:
    """The page that lists what a figure counts."""
    return None if rows is None else list_of("", rows)


def number(value: float | None) -> str:
    """A number as the reader writes it."""
    return figures.number(value, reader().language)


def took(seconds: float | None) -> str:
    """How long something took, in the one unit that suits it."""
    return figures.took(seconds, reader().language)


def date_of(text: str) -> str:
    """A day, short."""
    return format_date(date.fromisoformat(text), "MMM d" if reader().language == "en" else "M월 d일", reader().language)
