"""Positions, the only order of the feed: how they are given out, and up to where the feed can be read.

On PostgreSQL a position is made of the transaction's id, and readers stop below the oldest transaction still under
way, so that whatever commits late is never skipped (`horizon`). On SQLite writers are serial and a counter in the
write transaction does.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, bindparam, literal_column, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.models import LedgerHead

PER_TRANSACTION: Final = 1 << 16

_START: Final = "(SELECT (pg_current_xact_id()::text::bigint - base) << 16 FROM ledger_head)"
_OTHERS_BEGAN: Final = "(pg_current_xact_id()::text::bigint > pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
HEAD: Final = (
    literal_column(_START, BigInteger).label("position_start"),
    literal_column("(SELECT audience FROM ledger_head)", BigInteger).label("audience_version"),
    literal_column(_OTHERS_BEGAN, Boolean).label("others_began"),
)
"""Where the positions of this transaction begin, on PostgreSQL, and the version of who hears what. A statement that is
needed anyway can bring them along; see `know_head`."""
_TABLE: Any = LedgerHead.__table__
_AUDIENCE: Final = select(_TABLE.c.audience)
_TAKE: Final = (
    update(_TABLE).values(last=_TABLE.c.last + bindparam("count")).returning(_TABLE.c.last, _TABLE.c.audience)
)  # .where() is not needed: the table has one row


def take_positions(session: Session, count: int) -> int:
    """The first of `count` positions for events of this transaction; the version of who hears what is known then.

    Raises:
        OverflowError: the transaction has recorded too many events.
    """
    if is_sqlite(session):
        last, session.info["audience_version"] = plain(session, _TAKE, {"count": count}).one()
        return int(last) - count + 1
    given: int = session.info.get("events_recorded", 0)
    if given + count > PER_TRANSACTION:
        raise OverflowError(f"one transaction can record {PER_TRANSACTION} events")
    session.info["events_recorded"] = given + count
    if "position_start" not in session.info:
        know_head(session, plain(session, select(*HEAD)).one())
    return int(session.info["position_start"]) + given


def mark(session: Session) -> int:
    """What `is_past` once every transaction has ended that was under way before this one."""
    if is_sqlite(session):
        return 0
    if "position_start" not in session.info:
        know_head(session, plain(session, select(*HEAD)).one())
    return int(session.info["position_start"])


def know_head(session: Session, row: Any) -> None:
    """Remember what a row with the columns of `HEAD` says, so that `record` need not ask.

    The statement that brought it sees what was committed before it began, and its transaction may have got its id
    after that. If others got theirs in between, who hears what may have changed since, and a replay that followed the
    change may have ended below this transaction (`replaying.newest_position`): so it looks again.
    """
    session.info["position_start"] = row.position_start
    session.info["audience_version"] = (
        plain(session, _AUDIENCE).scalar_one() if row.others_began else row.audience_version
    )


def horizon(session: Session) -> int:
    """The first position that may still be written below of: everything under it is committed and can be read."""
    if is_sqlite(session):
        return session.execute(select(LedgerHead.last)).scalar_one() + 1
    return int(session.execute(_HORIZON).scalar_one())


def is_past(session: Session, mark: int) -> bool:
    """Whether all have ended that were under way before the transaction of a `mark`; on SQLite nobody ever is."""
    return is_sqlite(session) or horizon(session) >= mark


_HORIZON: Final = text("SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - base) << 16 FROM ledger_head")


def move_base(session: Session) -> bool:
    """After a restore or a move to another server: see to it that positions go on growing. True if it had to act.

    A new PostgreSQL server counts its transactions anew, and would hand out positions that are taken already.
    """
    head = session.execute(select(LedgerHead.base, LedgerHead.last).with_for_update()).one()
    taken: int = session.execute(text("SELECT coalesce(max(position), 0) FROM events")).scalar_one()
    if is_sqlite(session):
        if head.last >= taken:
            return False
        session.execute(update(LedgerHead).values(last=taken))
        return True
    # Not the id of this transaction: writers that began after it may have written the newest events already.
    coming: int = session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_one()
    if (coming - head.base) << 16 > taken:
        return False
    session.execute(update(LedgerHead).values(base=coming - (taken >> 16) - 1))
    return True
