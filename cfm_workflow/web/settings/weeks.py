"""Weeks as people write them: a line per day, such as `09:00-12:00, 13:00-18:00`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from babel.dates import get_day_names

from cfm_workflow.forms.calendars import DAYS
from cfm_workflow.texts import mark
from cfm_workflow.web.speech import reader

HOURS: Final = mark("Hours such as 09:00-12:00, 13:00-18:00 that do not overlap.")
_DASH: Final = re.compile(r"\s*[-\u2013\u2014~]\s*")


def day_names() -> list[tuple[str, str]]:
    """The days of the week, Monday first, as the reader calls them."""
    names = get_day_names("wide", locale=reader().language)
    return [(day, names[n]) for n, day in enumerate(DAYS)]


def read_week(form: Mapping[str, str]) -> dict[str, Any]:
    """The blocks of each day that has some, from fields named like the days; whether they make sense is seen later."""
    return {day: _blocks(form[day]) for day in DAYS if form.get(day, "").strip()}


def _blocks(text: str) -> list[list[str]]:
    return [_DASH.split(block.strip()) for block in re.split("[,;]", text) if block.strip()]


def write_week(week: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
    """The line of each day."""
    return {day: ", ".join("-".join(block) for block in week.get(day, ())) for day in DAYS}
