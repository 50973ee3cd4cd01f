"""How often something may be tried: counted in the database, so that several processes do not allow as many times more.

A stretch begins with the first attempt in it and ends by itself: nobody is locked out for good, however many try.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import CursorResult, case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cfm_workflow.db import is_sqlite
from cfm_workflow.errors import TooMany
from cfm_workflow.models import Throttle
from cfm_workflow.security.failures import place_of

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts within so long, by one account or address. `name` tells kinds apart."""

    name: str
    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """How many attempts there were, this one among them, since an instant."""

    limit: Limit
    count: int
    since: datetime

    def check(self, now: datetime) -> None:
        """Raise TooMany when there were too many."""
        if self.count > self.limit.most:
            wait = int((self.since + self.limit.within - now).total_seconds()) + 1
            raise TooMany("Too many failed sign-ins from this address.", retry_after=wait)


def counted(session: Session, limit: Limit, who: str, *, now: datetime) -> Counted:
    """One more attempt of an account or an internet address; call it in a transaction of its own, before the attempt,
    which is counted whatever comes of it."""
    attempt = (postgresql.insert, sqlite.insert)[is_sqlite(session)](Throttle)
    is_over = Throttle.since <= now - limit.within
    written = attempt.values(key=_key(limit, who), count=1, since=now).on_conflict_do_update(
        index_elements=[Throttle.key],
        set_={
            "count": case((is_over, 1), else_=Throttle.count + 1),
            "since": case((is_over, now), else_=Throttle.since),
        },
    )
    seen = session.execute(written.returning(Throttle.count, Throttle.since)).one()
    return Counted(limit, *seen)


def forgive(session: Session, limit: Limit, who: str) -> None:
    """The last attempt was right, and is none."""
    last = update(Throttle).where(Throttle.key == _key(limit, who), Throttle.count > 0)
    session.execute(last.values(count=Throttle.count - 1))


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete what no limit looks at any more; how many they were."""
    result: Any = session.execute(delete(Throttle).where(Throttle.since < now - KEPT))
    assert isinstance(result, CursorResult)
    return result.rowcount


def _key(limit: Limit, who: str) -> str:
    return f"{limit.name}:{sha256(place_of(who).encode('utf-8', 'surrogatepass')).hexdigest()}"
