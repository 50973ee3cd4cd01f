"""What the figures of reports are called and what exactly they count, one table of a name and one sentence each; and
how they are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from babel.numbers import format_decimal
from babel.units import format_unit

from cfm_workflow.texts import mark, translations


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a figure is called, and a sentence that says what it counts."""

    label: str
    definition: str


FIGURES: Final[Mapping[str, Meaning]] = {
    "open": Meaning(mark("Open actions"), mark("Actions that are not finished now.")),
    "overdue": Meaning(mark("Overdue actions"), mark("Unfinished actions whose present due date has passed.")),
    "not_accepted_in_time": Meaning(
        mark("Not accepted in time"), mark("Unfinished actions that nobody has accepted by the time promised for that.")
    ),
    "waiting": Meaning(mark("Waiting actions"), mark("Actions that wait for something now.")),
    "waiting_long": Meaning(mark("Waiting for long"), mark("Actions that have been waiting for more than five days.")),
    "needs_decision": Meaning(
        mark("Needs a decision"), mark("Feedback items of which all actions ended and none is done.")
    ),
    "extension_requested": Meaning(
        mark("More time asked for"), mark("Actions whose assignee asks for more time and has no answer yet.")
    ),
    "due_this_week": Meaning(
        mark("Due this week"), mark("Unfinished actions that are due between now and the end of Sunday.")
    ),
    "opened": Meaning(mark("Opened"), mark("Actions that were created in the period.")),
    "finished": Meaning(
        mark("Finished"),
        mark("Actions that ended in the period, done, declined or cancelled, and have not been reopened."),
    ),
    "done": Meaning(mark("Actions done"), mark("Actions that were done in the period and have not been reopened.")),
    "dropped": Meaning(
        mark("Not done"), mark("Actions that were declined or cancelled in the period and have not been reopened.")
    ),
    "became_overdue": Meaning(
        mark("Became overdue"),
        mark("Actions whose present due date lies in the period and that were not finished by it."),
    ),
    "met": Meaning(
        mark("First date met"),
        mark("Actions finished in the period by their first due date, whatever was agreed later."),
    ),
    "missed": Meaning(mark("First date missed"), mark("Actions finished in the period after their first due date.")),
    "extended": Meaning(
        mark("Extended"), mark("Actions finished in the period whose last due date was later than the first one.")
    ),
    "extended_by_seconds": Meaning(
        mark("Extended by"), mark("By how much their last due date was after the first one: half of them by less.")
    ),
    "hand_off_seconds": Meaning(
        mark("Time to accept"),
        mark("From being given to being accepted, of what was accepted in the period: half of it took less."),
    ),
    "visits": Meaning(
        mark("Passages"),
        mark("How often actions left a state by this step in the period; an undone step does not count."),
    ),
    "median_seconds": Meaning(
        mark("Median time"), mark("How long actions had been in the state when they left it: half of them for less.")
    ),
    "p90_seconds": Meaning(
        mark("Time of nine in ten"),
        mark("How long actions had been in the state when they left it: nine of ten for less."),
    ),
    "nps": Meaning(
        mark("Net Promoter Score"),
        mark("Per cent of scores 9 and 10 less per cent of scores 0 to 6; from -100 to 100."),
    ),
    "csat": Meaning(mark("Customer satisfaction"), mark("Per cent of scores 4 and 5 among those from 1 to 5.")),
    "ces": Meaning(mark("Customer effort score"), mark("The mean of scores from 1 to 7.")),
    "gcr": Meaning(
        mark("Goal completion rate"), mark("Per cent of customers who said that they reached what they came for.")
    ),
}
"""The words of each figure. Durations count all hours, also of nights and days off."""


def meanings(names: Iterable[str], language: str) -> dict[str, dict[str, str]]:
    """What figures are called and count, in a language."""
    gettext = translations(language).gettext
    return {
        name: {"label": gettext(FIGURES[name].label), "definition": gettext(FIGURES[name].definition)} for name in names
    }


def number(value: float | None, language: str) -> str:
    """A number as it is written in a language."""
    if value is None:
        return "–"
    if 0 <= value < 1000 and value == int(value):
        return str(int(value))
    return str(format_decimal(round(value, 1), format="#,##0.#", locale=language))


MINUTE, HOUR, DAY = 60, 3_600, 86_400


def took(seconds: float | None, language: str) -> str:
    """How long something took, in the one unit that suits it."""
    if seconds is None:
        return "–"
    unit, size = ("minute", MINUTE) if seconds < HOUR else ("hour", HOUR) if seconds < 2 * DAY else ("day", DAY)
    value = seconds / size
    written = round(value) if value >= 10 or unit == "minute" else round(value, 1)
    return format_unit(written, f"duration-{unit}", length="short", locale=language)
