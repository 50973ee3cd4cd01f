"""The weekly report: its figures in the order in which they are read, and the letter that brings them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from babel.dates import format_date

from cfm_workflow import texts
from cfm_workflow.letters.compose import SUBJECT, TEMPLATES, Letter
from cfm_workflow.letters.figures import meanings, number, took
from cfm_workflow.letters.news import Reader, on_one_line
from cfm_workflow.letters.places import definition_of, link_of, list_of, report_of
from cfm_workflow.texts import mark

WORK, PROMISES, CUSTOMERS = mark("Work"), mark("Promises"), mark("Customers")
GROUPS: Final = (
    (WORK, ("opened", "finished", "done", "dropped", "became_overdue")),
    (PROMISES, ("met", "missed", "extended", "extended_by_seconds", "hand_off_seconds")),
    (CUSTOMERS, ("nps", "csat", "ces", "gcr")),
)
BETTER: Final = {
    "finished": 1, "done": 1, "became_overdue": -1, "met": 1, "missed": -1, "extended": -1, "hand_off_seconds": -1,
    "extended_by_seconds": -1, "nps": 1, "csat": 1, "gcr": 1, "dropped": -1,
}  # fmt: skip
"""Whether more is better or worse; of the others it is neither."""
TEAMS_NAMED: Final = 5

Line = Mapping[str, Any]
"""A figure with its words, with `by` how much more or less it is now, and whether that is `better` or `worse`."""


def grouped(report: Mapping[str, Any], language: str) -> list[tuple[str, list[Line]]]:
    """The figures of a report under the headings of their groups."""
    figures = {each["figure"]: each for each in report["figures"]}
    words = meanings(figures, language)
    gettext = texts.translations(language).gettext
    return [(gettext(name), [_line(figures[each], words[each]) for each in names]) for name, names in GROUPS]


def _line(figure: Mapping[str, Any], words: Mapping[str, str]) -> Line:
    value, before = figure["value"], figure["before"]["value"]
    by = None if value is None or before is None else value - before
    better = BETTER.get(figure["figure"], 0) * (by or 0)
    tone = "better" if better > 0 else "worse" if better < 0 else "same"
    return {**figure, **words, "by": by, "tone": tone, "is_span": figure["figure"].endswith("_seconds")}


@dataclass(frozen=True, slots=True)
class Weekly:
    """A report as `queries.reports.weekly` makes it, and the names of the teams that it is about, None being all."""

    report: Mapping[str, Any]
    teams: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class _Cell:
    """A figure as it is written, and where its rows are."""

    text: str
    address: str | None


def compose_weekly(weekly: Weekly, reader: Reader, *, base_url: str, tokens: Mapping[str, str]) -> Letter:
    """The letter of a report; `tokens` holds those of the links to the preferences and to have no more of them."""
    report, language = weekly.report, texts.spoken(reader.language)
    _ = texts.translations(language).gettext
    figures = {each["figure"]: number(each["value"], language) for each in report["figures"]}
    subject = _("Weekly report %(week)s: %(opened)s opened, %(finished)s finished, %(became_overdue)s became overdue")
    preferences, unsubscribe = (link_of(base_url, tokens[purpose]) for purpose in ("preferences", "weekly_report"))
    values = {
        "_": _,
        "language": language,
        "headline": _("Weekly report %(week)s") % {"week": report["week"]},
        "days": f"{_day(report['period']['from'], language)} – {_day(report['period']['to'], language)}",
        "teams": _named(weekly.teams),
        "groups": [
            (name, list(_rows(lines, report["week"], language, base_url))) for name, lines in grouped(report, language)
        ],
        "address": report_of(base_url, report["week"]),
        "why": _("You get this because you may see reports and want the weekly one by mail."),
        "zone": report["period"]["time_zone"],
        "preferences": preferences,
        "unsubscribe": unsubscribe,
    }
    return Letter(
        subject=on_one_line(subject % (figures | {"week": report["week"]}), SUBJECT),
        text=TEMPLATES.get_template("weekly.txt").render(values),
        html=TEMPLATES.get_template("weekly.html").render(values),
        feedback_id=None,
        preferences=preferences,
        unsubscribe=unsubscribe,
    )


def _rows(lines: Sequence[Line], week: str, language: str, base_url: str) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield {
            "label": line["label"],
            "definition": line["definition"],
            "about": definition_of(base_url, week, line["figure"]),
            "now": _cell(line, language, base_url, is_span=line["is_span"]),
            "before": _cell(line["before"], language, base_url, is_span=line["is_span"]),
            "change": _change(line, language),
            "tone": line["tone"],
        }


def _cell(figure: Mapping[str, Any], language: str, base_url: str, *, is_span: bool) -> _Cell:
    """A count of nothing has no rows; what is made of many has them where it is made of any."""
    has_rows = figure["rows"] is not None and bool(figure.get("n", figure["value"]))
    text = took(figure["value"], language) if is_span else number(figure["value"], language)
    return _Cell(text, list_of(base_url, figure["rows"]) if has_rows else None)


def _change(line: Line, language: str) -> str:
    """With its direction; that nothing changed is said too, but not where there is nothing to compare."""
    if not line["by"]:
        return "–" if line["by"] is None else "="
    size = abs(line["by"])
    return f"{'▲' if line['by'] > 0 else '▼'} {took(size, language) if line['is_span'] else number(size, language)}"


def _day(text: str, language: str) -> str:
    return format_date(date.fromisoformat(text), "long", language)


def _named(teams: Sequence[str] | None) -> str | None:
    """The teams in one line of at most a few."""
    if teams is None:
        return None
    more = f" (+{len(teams) - TEAMS_NAMED})" if len(teams) > TEAMS_NAMED else ""
    return ", ".join(on_one_line(name, SUBJECT) for name in teams[:TEAMS_NAMED]) + more
