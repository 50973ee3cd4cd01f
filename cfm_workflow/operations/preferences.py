"""What people choose to hear of, each for themselves; and what administrators decide for those who chose nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, LedgerHead, NoticeChoice, NoticeDefault
from cfm_workflow.operations.digests import digest_of, next_digest
from cfm_workflow.operations.reports.weekly import next_report
from cfm_workflow.policy import leaving
from cfm_workflow.policy.audiences import Choices, Level
from cfm_workflow.policy.calendars import CalendarError
from cfm_workflow.queries import following
from cfm_workflow.queries import people as people_query

SUBJECT_ID: Final = 1
"""Of the events about the defaults: there is one such table."""

New = Mapping[str, Level | None]
"""What is chosen by kind; None is back to what holds without."""


def change_own(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> None:
    """Choose some kinds of `notices` for oneself, the others stay; one's `working_hours`, None being always; how often
    the `digest` comes; and whether the `weekly_report` does.

    Raises:
        NotFound: an integration has no mail.
        Forbidden: the token is too narrow, or reports are not for the caller.
        Invalid: the hours make no sense; names the place.
    """
    access.require(caller, "self.manage", {"oneself"})
    account = session.get(Account, caller.id, with_for_update={"key_share": True})
    if account is None or account.kind != "user":
        raise NotFound("user", caller.id)
    changes = _choose(session, account, fields.get("notices", {}))
    if "working_hours" in fields:
        _check_hours(fields["working_hours"], account.time_zone)
        changes |= ledger.changes(account, {"working_hours": fields["working_hours"]})
        account.working_hours = fields["working_hours"]
    if "digest" in fields:
        changes |= _set_digest(account, fields["digest"])
    if "weekly_report" in fields:
        changes |= _set_report(caller, account, wanted=fields["weekly_report"])
    if not changes:
        return
    account.digest_next = next_digest(session, account, now)
    account.report_next = next_report(session, account, now)
    account.version += 1
    session.flush()
    about = {"changes": changes, "user": people_query.user_view(session, account)}
    ledger.record(session, [Fact("user.changed", account.id, about, caller)], now=now)


def _choose(session: Session, account: Account, new: New) -> dict[str, Any]:
    changes = _changes(following.own_choices(session, account.id), new)
    if not changes:
        return {}
    mine = NoticeChoice.account_id == account.id
    session.execute(delete(NoticeChoice).where(mine, NoticeChoice.kind.in_(changes)))
    rows = [{"account_id": account.id, "kind": kind, "level": level} for kind, level in _kept(changes, new)]
    if rows:
        session.execute(insert(NoticeChoice), rows)
    return {"notices": _sides(changes)}


def _set_digest(account: Account, chosen: Mapping[str, str]) -> dict[str, Any]:
    before = digest_of(account)
    after = before | dict(chosen)
    account.digest_every, account.digest_on, account.digest_at = after["every"], after["on"], after["at"]
    return {"digest": {"from": before, "to": after}} if after != before else {}


def _set_report(caller: Caller, account: Account, *, wanted: bool) -> dict[str, Any]:
    if wanted:
        access.require(caller, "reports.read")
    changed = ledger.changes(account, {"weekly_report": wanted})
    account.weekly_report = wanted
    return changed


def _check_hours(week: leaving.Week | None, time_zone: str) -> None:
    if week is None:
        return
    try:
        leaving.hours(week, time_zone)
    except CalendarError as wrong:
        errors = {place.replace("week", "working_hours", 1): what for place, what in wrong.errors.items()}
        raise Invalid(errors) from None


def change_defaults(session: Session, caller: Caller, new: New, *, now: datetime) -> None:
    """Decide some kinds for everybody who chose nothing; the others stay.

    Raises:
        Forbidden.
    """
    access.require(caller, "settings.manage")
    session.execute(select(LedgerHead.id).with_for_update())  # there is no row of its own to lock
    changes = _changes(following.defaults(session), new)
    if not changes:
        return
    session.execute(delete(NoticeDefault).where(NoticeDefault.kind.in_(changes)))
    rows = [{"kind": kind, "level": level} for kind, level in _kept(changes, new)]
    if rows:
        session.execute(insert(NoticeDefault), rows)
    about = {"changes": {"notices": _sides(changes)}, "preferences": {"notices": following.defaults(session)}}
    ledger.record(session, [Fact("preferences.changed", SUBJECT_ID, about, caller)], now=now)


def _changes(before: Choices, new: New) -> dict[str, tuple[Level | None, Level | None]]:
    """Per kind that becomes another: what was chosen and what is."""
    return {kind: (before.get(kind), level) for kind, level in new.items() if before.get(kind) != level}


def _kept(changes: Mapping[str, Any], new: New) -> list[tuple[str, Level]]:
    return [(kind, level) for kind in changes if (level := new[kind]) is not None]


def _sides(changes: Mapping[str, tuple[Level | None, Level | None]]) -> dict[str, dict[str, Level | None]]:
    return {
        "from": {kind: before for kind, (before, _) in changes.items()},
        "to": {kind: after for kind, (_, after) in changes.items()},
    }
