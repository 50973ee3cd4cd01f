"""Instants as people type them: date and time on the wall of the reader, as `<input type="datetime-local">` has it."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from cfm_workflow.web.speech import Reader

_LOCAL: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(:[0-9]{2}(\.[0-9]+)?)?", re.ASCII
)


def read_moment(typed: str, reader: Reader) -> str:
    """What was typed as the instant that the API expects; what is none comes back as it is, and is refused there."""
    found = _LOCAL.fullmatch(typed.strip())
    if found is None:
        return typed
    try:
        local = datetime(*(int(found[n]) for n in range(1, 6)), tzinfo=reader.zone)  # type: ignore[arg-type, misc]
    except ValueError:
        return typed
    offset = local.replace(second=0).strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}{offset[:3]}:{offset[3:5]}"


def written(moment: datetime, reader: Reader) -> str:
    """An instant as such an input holds it."""
    return moment.astimezone(reader.zone).strftime("%Y-%m-%dT%H:%M")


def begin_of(day: str, reader: Reader, *, later: int = 0) -> str:
    """When a day (as `<input type="date">` has it), or so many days `later`, begins for the reader, as the API expects
    it; what is none comes back as it is, and is refused there."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=later), time.min, reader.zone).isoformat()
    except (ValueError, OverflowError):
        return day


def tomorrow(now: datetime, reader: Reader, *, hour: int) -> datetime:
    """Tomorrow at a full hour on the wall of the reader."""
    there = now.astimezone(reader.zone) + timedelta(days=1)
    return there.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
