"""How long many things took, as counts per bucket that can be added up; medians and other shares of them. Pure.

Buckets grow by a tenth each, so that a quantile is told within 5 per cent of the duration it stands for.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

GROWTH: Final = 1.1
LAST: Final = 220
"""More than 40 years; whatever takes longer falls into it as well."""

_LOG: Final = math.log(GROWTH)


def bucket(duration: timedelta) -> int:
    """The bucket of a duration: 0 is less than a second."""
    seconds = duration.total_seconds()
    return 0 if seconds < 1 else min(1 + int(math.log(seconds) / _LOG), LAST)


def middle(number: int) -> timedelta:
    """The duration that a bucket stands for: it differs from none in it by more than 5 per cent."""
    return timedelta(seconds=0 if number <= 0 else GROWTH ** (number - 0.5))


def quantile(counts: Mapping[int, int], share: float) -> timedelta | None:
    """Below which duration that share (0 to 1) of all lies: the nearest rank; None of nothing."""
    total = sum(counts.values())
    if total <= 0:
        return None
    rank = max(1, math.ceil(share * total))
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return middle(number)
    raise AssertionError("unreachable")
