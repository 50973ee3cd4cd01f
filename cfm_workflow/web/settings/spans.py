"""Spans of time on pages: a number and a unit in a form, and in words for whoever reads."""

from collections.abc import Callable
from typing import Any, Final

from cfm_workflow.policy.spans import Span, Unit, read_span
from cfm_workflow.texts import mark
from cfm_workflow.web.speech import say
from cfm_workflow.web.speech import say_many as ngettext  # the name by which messages are found

AT_ONCE: Final = mark("at once")
_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
UNITS: Final = {
    "m": mark("minutes"),
    "h": mark("hours"),
    "d": mark("days"),
    "bm": mark("working minutes"),
    "bh": mark("working hours"),
    "bd": mark("working days"),
    "s": mark("seconds"),
    "bs": mark("working seconds"),
}
_ISO: Final = {"d": "P{}D", "h": "PT{}H", "m": "PT{}M", "s": "PT{}S"}


def parts_of(written: Any) -> tuple[int, str]:
    """A stored span as a number and a unit, the largest that is exact."""
    span = read_span(written, may_be_nothing=True)
    if span.unit is Unit.BUSINESS_DAYS:
        return int(span.length), "bd"
    return _parts(span)


def _parts(span: Span) -> tuple[int, str]:
    seconds = int(span.duration.total_seconds())
    is_business = span.unit is Unit.BUSINESS
    fitting = (unit for unit, size in _SECONDS.items() if seconds % size == 0 and not (is_business and unit == "d"))
    unit = next(fitting)
    return seconds // _SECONDS[unit], f"b{unit}" if is_business else unit


def written(count: str, unit: str) -> Any:
    """The span that a form holds; what makes no sense stays for the form to refuse."""
    if unit == "bd":
        return {"business_days": int(count) if count.isascii() and count.isdigit() and len(count) < 9 else count}
    text = _ISO.get(unit[-1:], "{}").format(count)
    return {"business": text} if unit.startswith("b") else text


def in_words(stored: Any) -> str:
    """A span for whoever reads: `2 working days`."""
    count, unit = parts_of(stored)
    return _COUNTED[unit](count) % {"count": count} if count else say(AT_ONCE)


_COUNTED: Final[dict[str, Callable[[int], str]]] = {
    "m": lambda n: ngettext("%(count)s minute", "%(count)s minutes", n),
    "h": lambda n: ngettext("%(count)s hour", "%(count)s hours", n),
    "d": lambda n: ngettext("%(count)s day", "%(count)s days", n),
    "s": lambda n: ngettext("%(count)s second", "%(count)s seconds", n),
    "bm": lambda n: ngettext("%(count)s working minute", "%(count)s working minutes", n),
    "bh": lambda n: ngettext("%(count)s working hour", "%(count)s working hours", n),
    "bd": lambda n: ngettext("%(count)s working day", "%(count)s working days", n),
    "bs": lambda n: ngettext("%(count)s working second", "%(count)s working seconds", n),
}
