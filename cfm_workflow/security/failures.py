"""How often secrets failed lately, per address or account, in this process: guessing is slowed down, nobody else."""

import ipaddress
import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from cfm_workflow.errors import TooMany

FAILURES: Final = 60
WITHIN: Final = timedelta(minutes=1)
ADDRESSES: Final = 10_000


class Failures:
    """Tokens and links that were not valid, by the address they came from.

    Ask only once one has failed: behind one address there may be a whole office, and who is right is never slowed down.
    """

    def __init__(self, failures: int = FAILURES, within: timedelta = WITHIN) -> None:
        self._failures, self._within = failures, within
        self._seen: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def check(self, address: str, now: datetime) -> None:
        """Raise TooMany for an address that failed too often lately."""
        with self._lock:
            times = self._seen.get(place_of(address))
            if times and len(times) >= self._failures and now - times[0] < self._within:
                wait = int((times[0] + self._within - now).total_seconds()) + 1
                raise TooMany("Too many failed sign-ins from this address.", retry_after=wait)

    def count(self, address: str, now: datetime) -> None:
        """One more failure of this address."""
        with self._lock:
            if len(self._seen) > ADDRESSES:
                self._seen.clear()  # a flood of addresses must not become a flood of memory
            self._seen.setdefault(place_of(address), deque(maxlen=self._failures)).append(now)

    def forgive(self, address: str) -> None:
        """The last failure was none: what was tried, and counted beforehand, turned out right."""
        with self._lock:
            if times := self._seen.get(place_of(address)):
                times.pop()


def place_of(address: str) -> str:
    """What stands for an address: of IPv6 its network, in which anybody has 2^64 of them (RFC 6177, 2)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # of an account
        return address
    if found.version == 4:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))
