"""Ladders of reminders: when each rung of a target is to be told, to whom, and which one comes next. Pure.

A rung is a share of the target, so long before it, or so long after it; the last one may come again and again.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from cfm_workflow.policy import calendars, spans
from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.spans import AT_ONCE, Span, Unit, read_span


class Target(StrEnum):
    """What of an action has to have happened by an instant."""

    ACCEPT = "accept"
    START = "start"
    FINISH = "finish"


class Receiver(StrEnum):
    """Who is told by a rung. Of what a pool has and nobody took, the lead is the assignee."""

    ASSIGNEE = "assignee"
    ASSIGNER = "assigner"
    LEAD = "lead"
    SUPERVISORS = "supervisors"


UP: Final = frozenset({Receiver.LEAD, Receiver.SUPERVISORS})
RUNGS: Final = 12
SHORTEST_GAP: Final = timedelta(minutes=1)
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rung:
    """One reminder of a ladder. Exactly one of `share` (percent of the time from start to target), `before` and
    `after` says when; `every` repeats it from then on."""

    to: tuple[Receiver, ...]
    share: int | None = None
    before: Span | None = None
    after: Span | None = None
    every: Span | None = None
    urgent: bool = False

    @property
    def goes_up(self) -> bool:
        """Whether it tells those above the assignee."""
        return not UP.isdisjoint(self.to)

    @property
    def is_at_target(self) -> bool:
        return self.after == AT_ONCE

    @property
    def is_before_target(self) -> bool:
        return self.before is not None or (self.share is not None and self.share < 100)


Ladder = tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """The rung that comes next: its number in the ladder (repetitions go on counting), and when."""

    rung: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """A target on its way: from when it counts, when it is due, and in which calendar."""

    start: datetime
    due: datetime
    calendar: Calendar


def rung_of(ladder: Ladder, number: int) -> Rung:
    """The rung with this number; beyond the last one stand its repetitions."""
    return ladder[min(number, len(ladder) - 1)]


def when(ladder: Ladder, number: int, course: Course) -> datetime | None:
    """The instant of a rung; None when there is none with this number, or its calendar never comes so far."""
    try:
        if number < len(ladder):
            return _instant(ladder[number], course)
        every = ladder[-1].every if ladder else None
        if every is None:
            return None
        first = _instant(ladder[-1], course)
        repetitions = number - len(ladder) + 1
        if every.unit is Unit.BUSINESS_DAYS:
            return calendars.add_days(course.calendar, first, int(every.length) * repetitions)
        return spans.moved(every.unit, first, every.duration * repetitions, course.calendar)
    except calendars.OutOfReach:  # whoever narrows a calendar must not hold up what others are told
        return None


def _instant(rung: Rung, course: Course) -> datetime:
    if rung.before is not None:
        return spans.before(rung.before, course.due, course.calendar)
    if rung.after is not None:
        return spans.after(rung.after, course.due, course.calendar)
    assert rung.share is not None
    worked = calendars.worked(course.calendar, course.start, course.due)
    if worked <= timedelta(0):  # due before anybody works again
        return course.start + (course.due - course.start) * rung.share / 100
    return calendars.add(course.calendar, course.start, worked * rung.share / 100)


@lru_cache(maxsize=256)  # work that is given together is on the same course
def next_rung(ladder: Ladder, course: Course, *, since: datetime, quiet_until: datetime | None = None) -> Next | None:
    """The first rung after `since`; those that lie in quiet are one, the last of them, at its end."""
    return _behind_quiet(ladder, course, _first_after(ladder, course, since), quiet_until)


def following(ladder: Ladder, course: Course, number: int, *, quiet_until: datetime | None = None) -> Next | None:
    """The rung after number `number`, though it may lie in the past; quiet as in `next_rung`."""
    order = _in_order(ladder, course)
    place = next((n for n, each in enumerate(order) if each.rung == number), len(order))
    if place + 1 < len(order):
        return _behind_quiet(ladder, course, order[place + 1], quiet_until)
    number = max(number + 1, len(ladder))
    at = when(ladder, number, course)
    return None if at is None else _behind_quiet(ladder, course, Next(number, at), quiet_until)


def latest_repetition(ladder: Ladder, course: Course, found: Next, now: datetime) -> Next:
    """Of several repetitions that all lie in the past the last one: a year without service is no storm afterwards."""
    if found.rung < len(ladder):
        return found
    later = _repetition_after(ladder, course, now, found.rung)
    number = found.rung if later is None else max(later.rung - 1, found.rung)
    return Next(number, when(ladder, number, course) or found.at)


def _in_order(ladder: Ladder, course: Course) -> list[Next]:
    """The rungs as they come. Shares, business time and calendar time may overtake each other, as a target is near or
    far; those out of reach are left out."""
    rungs = ((each, when(ladder, each, course)) for each in range(len(ladder)))
    return sorted((Next(each, at) for each, at in rungs if at is not None), key=lambda step: (step.at, step.rung))


def _behind_quiet(ladder: Ladder, course: Course, found: Next | None, quiet_until: datetime | None) -> Next | None:
    if found is None or quiet_until is None or found.at >= quiet_until:
        return found
    later = _first_after(ladder, course, quiet_until)
    if later is not None and later.rung > len(ladder):
        return Next(later.rung - 1, quiet_until)
    before = [each for each in _in_order(ladder, course) if each.at <= quiet_until]
    return Next(before[-1].rung if before else found.rung, quiet_until)


def _first_after(ladder: Ladder, course: Course, since: datetime) -> Next | None:
    rungs = (each for each in _in_order(ladder, course) if each.at > since)
    return next(rungs, None) or _repetition_after(ladder, course, since, len(ladder))


def _repetition_after(ladder: Ladder, course: Course, since: datetime, number: int) -> Next | None:
    """The first repetition after `since`, from this number on. Not counted through: after a long time they are many."""
    every = ladder[-1].every if ladder else None
    first = when(ladder, len(ladder) - 1, course) if ladder else None
    if every is None or first is None:
        return None
    if every.unit is Unit.BUSINESS_DAYS:
        most = (since - first) // (_ONE_DAY * int(every.length)) + 2  # each lasts a day at least
    else:
        most = spans.between(every.unit, first, since, course.calendar) // every.duration + 1
    numbers = range(number, max(number, len(ladder) - 1 + most) + 1)
    found = numbers[
        bisect_left(numbers, True, hi=len(numbers) - 1, key=lambda n: _is_after(when(ladder, n, course), since))
    ]
    at = when(ladder, found, course)
    return None if at is None else Next(found, at)


def _is_after(at: datetime | None, since: datetime) -> bool:
    return at is None or at > since


class LadderError(ValueError):
    """A ladder that makes no sense. `errors` names the places: `0.share`."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{place}: {', '.join(what)}" for place, what in errors.items()))


def read_ladder(written: Sequence[Mapping[str, Any]], target: Span | None) -> Ladder:
    """The ladder that people wrote, in the shape of the forms; `target` None: a due date that people name.

    Raises:
        LadderError: a rung is not one, or comes before the one above it.
    """
    errors: dict[str, list[str]] = {}
    ladder: list[Rung] = []
    for number, each in enumerate(written):
        try:
            ladder.append(_read_rung(each, is_last=number == len(written) - 1))
        except ValueError as wrong:
            place, what = wrong.args
            errors[f"{number}.{place}"] = [what]
    if errors:
        raise LadderError(errors)
    _check_order(tuple(ladder), target)
    return tuple(ladder)


def _read_rung(written: Mapping[str, Any], *, is_last: bool) -> Rung:
    given = [name for name in ("share", "before", "after") if written.get(name) is not None]
    if len(given) != 1:
        raise ValueError(given[1] if given else "share", "exactly one of share, before and after says when")
    spans_of = {name: _span(written, name) for name in ("before", "after", "every")}
    if spans_of["before"] is not None and spans_of["before"].unit is Unit.BUSINESS_DAYS:
        raise ValueError("before", "must be calendar or business time")
    every = spans_of["every"]
    if every is not None and not is_last:
        raise ValueError("every", "goes with the last rung")
    if every is not None and every.unit is not Unit.BUSINESS_DAYS and every.duration < SHORTEST_GAP:
        raise ValueError("every", "must be at least a minute")
    return Rung(
        to=tuple(Receiver(name) for name in written["to"]),
        share=written.get("share"),
        before=spans_of["before"],
        after=spans_of["after"],
        every=every,
        urgent=bool(written.get("urgent")),
    )


def _span(written: Mapping[str, Any], name: str) -> Span | None:
    if written.get(name) is None:
        return None
    try:
        return read_span(written[name], may_be_nothing=name == "after")
    except ValueError as wrong:
        raise ValueError(name, str(wrong)) from None


_OFFICE: Final = Calendar("UTC", ((calendars.Block(540, 1080),),) * 5 + ((), ()))
_MONDAY: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
_A_WEEK: Final = Span(Unit.BUSINESS_DAYS, 5)


def _check_order(ladder: Ladder, target: Span | None) -> None:
    """Each rung later than the one above, for work that is given on a Monday morning in office hours."""
    course = Course(_MONDAY, spans.after(target or _A_WEEK, _MONDAY, _OFFICE), _OFFICE)
    last: datetime | None = None
    for number, rung in enumerate(ladder):
        at = _instant(rung, course)
        if last is not None and at <= last:
            raise LadderError({str(number): ["must come later than the rung above it"]})
        last = at


def write_rung(rung: Rung) -> dict[str, Any]:
    """A rung as people write it."""
    times = {"before": rung.before, "after": rung.after, "every": rung.every}
    return {
        "share": rung.share,
        **{name: None if span is None else spans.write_span(span) for name, span in times.items()},
        "to": [receiver.value for receiver in rung.to],
        "urgent": rung.urgent,
    }
