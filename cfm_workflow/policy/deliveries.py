"""What became of an attempt to deliver, and when to try again. Pure."""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

JITTER: Final = 0.2
LONGEST_RETRY_AFTER: Final = timedelta(days=1)


class Verdict(StrEnum):
    """How an attempt ended, as far as we know."""

    DELIVERED = "delivered"
    KEPT = "kept"  # there is no mail server: it lies in the outbox
    LATER = "later"  # not this time
    NEVER = "never"  # and never will
    GONE = "gone"  # the receiver wants nothing at all any more
    NEEDLESS = "needless"  # it was looked at again before sending, and does not matter any more
    UNKNOWN = "unknown"  # whoever tried died before it was written down


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel found out. `text` is what was answered, or a sentence about what went wrong."""

    verdict: Verdict
    text: str = ""
    status: int | None = None  # of HTTP or SMTP
    address: str | None = None  # that was spoken to
    retry_after: timedelta | None = None  # the receiver asked for that much patience


def next_gap(
    tries: int, gaps: tuple[int, ...], *, retry_after: timedelta | None = None, dice: random.Random | None = None
) -> timedelta | None:
    """How long to wait after the attempt number `tries`; None when that was the last one.

    Jitter only adds, so that nobody is asked earlier than they were promised; what a receiver asked for counts when it
    is longer, up to a day.
    """
    if tries > len(gaps):
        return None
    gap = timedelta(seconds=gaps[tries - 1] * (1 + JITTER * (dice or random).random()))
    return max(gap, min(retry_after, LONGEST_RETRY_AFTER)) if retry_after is not None else gap


MAIL_RETRY_SECONDS: Final = (60, 300, 900, 3600, 7200, 14400, 28800, 86400, 86400, 86400)
"""The same for mail: over three days (RFC 5321, 4.5.4.1 asks for four to five with ever longer gaps)."""

MAILS_AN_HOUR: Final = 10
"""To one person; what comes beyond is gathered into one."""


def matches(patterns: frozenset[str], event_type: str, *, audit: bool) -> bool:
    """Whether an event is among those that patterns name: `action.accepted`, `action.*`, or `*`.

    Audit events are not part of `*`.
    """
    if event_type in patterns or f"{event_type.partition('.')[0]}.*" in patterns:
        return True
    return "*" in patterns and not audit
