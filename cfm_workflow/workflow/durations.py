"""ISO 8601 durations of days and smaller, as text and as `timedelta`. No months or years: they have no fixed length."""

import re
from datetime import timedelta
from typing import Final

_FORM: Final = re.compile(
    r"P(?:(?P<days>\d{1,4})D)?(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?",
    re.ASCII,
)


def parse(text: str) -> timedelta | None:
    """The duration written in `text` (`PT10M`, `P1DT2H`), None when it is none or zero. Source: ISO 8601-1, 5.5.2."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    numbers = {unit: int(digits) for unit, digits in match.groupdict().items() if digits is not None}
    return timedelta(**numbers) or None


def write(duration: timedelta) -> str:
    """The one normal form of a positive duration of whole seconds."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    time = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    day = f"{duration.days}D" if duration.days else ""
    return f"P{day}" + (f"T{time}" if time else "")
