"""Due dates in calendar time: ISO 8601 durations of days and smaller. Pure."""

import re
from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(days=3660)

_DURATION: Final = re.compile(
    r"P(?:(?P<days>\d{1,5})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """`P2D`, `PT8H`, `P1DT12H30M` as a timedelta (ISO 8601-1:2019, 5.5.2, days and smaller).

    Raises:
        ValueError: it is not such a duration, is empty or zero, or is longer than ten years.
    """
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise ValueError("must be an ISO 8601 duration of days and smaller, like P2D or PT8H")
    duration = timedelta(**{unit: int(number) for unit, number in found.groupdict(default="0").items()})
    if not timedelta(0) < duration <= LONGEST:
        raise ValueError("must be longer than nothing and at most ten years")
    return duration
