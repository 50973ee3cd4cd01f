"""The one place that knows what time it is; tests move it instead of sleeping."""

import time
from datetime import UTC, datetime

_frozen: datetime | None = None


def now() -> datetime:
    """The present instant, aware, in UTC. Read it once per operation and pass it on."""
    return _frozen if _frozen is not None else datetime.now(UTC)


def freeze(instant: datetime | None) -> None:
    """Stand still at `instant` (aware), or run again with None. For tests."""
    global _frozen
    if instant is not None and instant.tzinfo is None:
        raise ValueError("the clock needs an instant with an offset")
    _frozen = instant.astimezone(UTC) if instant is not None else None


def is_frozen() -> bool:
    """Whether time stands still. For tests."""
    return _frozen is not None


def stopwatch() -> float:
    """Seconds that only grow, for measuring how long something takes; never what time it is."""
    return time.perf_counter()
