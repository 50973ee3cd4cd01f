"""Signed links in mails: issued, looked at, and used up in the transaction of the change they make.

Whoever holds a link acts as the person it was sent to, for its one purpose; it is void once that person is gone, or the
action is somebody else's.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access
from cfm_workflow.access import Caller
from cfm_workflow.errors import CfmError, Invalid, NotFound
from cfm_workflow.models import Account, Link, Outcome, RootCause
from cfm_workflow.operations import personal_reminders, preferences
from cfm_workflow.operations.actions import extensions
from cfm_workflow.operations.actions.acknowledge import acknowledge
from cfm_workflow.operations.actions.comment import comment
from cfm_workflow.operations.actions.move import move
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.policy.weekly import is_wanted
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers, following
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.security.keys import KeyRing
from cfm_workflow.security.links import RANDOM_BYTES, BadLink, LinkSigner, Purpose, SignedLink, hash_of
from cfm_workflow.workflow import Definition, Relation, choices, path

VALID: Final = timedelta(days=14)
VALID_FOR: Final = {
    Purpose.SIGN_IN: timedelta(minutes=15),
    Purpose.RESET: timedelta(hours=1),
    Purpose.INVITATION: timedelta(days=7),
}
"""Those that let somebody in; all others are VALID."""
KEPT: Final = timedelta(days=30)
"""After they have expired; until then a link still says what became of it."""

ACCEPT: Final = "accept"
SNOOZES: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1), "three_days": timedelta(days=3)}
"""For how long a reminder can be put off by a link."""


class Standing(StrEnum):
    """What can be done with a link."""

    OPEN = "open"
    CLOSED = "closed"  # it is valid, but the action cannot be moved that way now
    USED = "used"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom a link was sent, as far as a page needs to know."""

    name: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the page behind a link shows. What the person may not see any more is not in it.

    `transition` is what the link would fire, None when it only comments or chooses; `possible` what could be done with
    the action by other means. `preferences` is what holds for the person, `defaults` what would without their choice;
    `weekly_report` whether it comes to them.
    """

    purpose: Purpose
    standing: Standing
    reader: Reader
    action: Mapping[str, Any] | None = None
    item: Mapping[str, Any] | None = None
    definition: Definition | None = None
    transition: str | None = None
    possible: tuple[str, ...] = ()
    outcomes: tuple[Mapping[str, Any], ...] = ()
    root_causes: tuple[Mapping[str, Any], ...] = ()
    preferences: Mapping[str, Any] | None = None
    defaults: Mapping[str, Any] | None = None
    reminder: Mapping[str, Any] | None = None
    weekly_report: bool = False


class UnusableLink(CfmError):
    """It was used, or is void; `look` says what there is to see."""

    def __init__(self, look: Look) -> None:
        self.look = look
        super().__init__(f"This link is {look.standing}.")


def issue(
    session: Session,
    ring: KeyRing,
    *,
    account_id: int,
    purposes: Sequence[str],
    action_id: int | None,
    reminder_id: int | None = None,
    now: datetime,
) -> dict[str, str]:
    """Links for a person, one per purpose, valid from `now`: the token of each, which nobody stores.

    `action_id` is what they are about, of one to snooze `reminder_id`; a link about what one hears of is about nothing.
    """
    signer = LinkSigner(ring)
    tokens, rows = {}, []
    for purpose in purposes:
        expires_at = (now + VALID_FOR.get(Purpose(purpose), VALID)).replace(microsecond=0)
        action = None if purpose in (Purpose.PREFERENCES, Purpose.SNOOZE) else action_id
        subject = reminder_id if purpose == Purpose.SNOOZE else action
        random = secrets.token_bytes(RANDOM_BYTES)
        tokens[purpose] = signer.sign(
            purpose, account_id=account_id, subject_id=subject, random=random, expires_at=expires_at
        )
        rows.append(
            {
                "hash": hash_of(random),
                "purpose": purpose,
                "account_id": account_id,
                "action_id": action,
                "created_at": now,
                "expires_at": expires_at,
                "used_at": None,
            }
        )
    if rows:
        session.execute(insert(Link), rows)
    return tokens


def look(session: Session, signed: SignedLink, *, now: datetime) -> Look:
    """What there is behind a link, which stays as it is.

    Raises:
        BadLink: it is not known any more.
    """
    link = session.scalars(select(Link).where(Link.hash == signed.hash)).one_or_none()
    if link is None:
        raise BadLink
    return _seen(session, signed, link.used_at, now)


def use(session: Session, signed: SignedLink, fields: Mapping[str, Any], *, now: datetime) -> Look:
    """Do what the link is for, and use it up; what there is to see afterwards.

    `fields`: outcome, reason, resolution to complete; comment to comment; notices (a Level per kind) to choose; by (a
    key of SNOOZES) to snooze; asked_at, which request for more time it is, to grant it.

    Raises:
        BadLink, UnusableLink: nothing was changed.
        RefusedTransition, Invalid, Forbidden: as the operation behind it; nothing was changed, and it is still unused.
    """
    link = session.scalars(select(Link).where(Link.hash == signed.hash).with_for_update()).one_or_none()
    if link is None:
        raise BadLink
    before = _seen(session, signed, link.used_at, now)
    caller = callers.by_id(session, signed.account_id)
    if caller is None or before.standing in (Standing.USED, Standing.VOID):
        raise UnusableLink(before)
    if signed.purpose is Purpose.PREFERENCES:
        preferences.change_own(session, caller, {"notices": fields["notices"]}, now=now)
        return _seen(session, signed, None, now)
    if signed.purpose is Purpose.WEEKLY_REPORT:
        preferences.change_own(session, caller, {"weekly_report": False}, now=now)
        return _seen(session, signed, None, now)
    if signed.purpose is Purpose.SNOOZE:
        later = {"remind_at": now + SNOOZES[fields["by"]]}
        personal_reminders.change(session, caller, signed.reminder_id or 0, later, now=now)
        return _used_up(session, signed, now)
    if signed.purpose is Purpose.ACKNOWLEDGE:
        acknowledge(session, caller, signed.action_id or 0, now=now)
        return _used_up(session, signed, now)
    if signed.purpose is Purpose.GRANT:
        extensions.grant(session, caller, signed.action_id or 0, {}, now=now, asked_at=fields.get("asked_at"))
        return _used_up(session, signed, now)
    after = _act(session, caller, signed, before, fields, now)
    if (after["assignee"] or {}).get("id") != caller.id:  # given to somebody else between our look and the lock
        raise UnusableLink(_seen(session, signed, None, now))
    return _used_up(session, signed, now)


def _used_up(session: Session, signed: SignedLink, now: datetime) -> Look:
    session.execute(update(Link).where(Link.hash == signed.hash).values(used_at=now))
    return _seen(session, signed, now, now)


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete links that expired longer than KEPT ago; how many."""
    old = delete(Link).where(Link.expires_at < now - KEPT)
    return len(session.scalars(old.returning(Link.hash)).all())


def _act(
    session: Session, caller: Caller, signed: SignedLink, before: Look, fields: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """The action afterwards, through the same doors as everybody's."""
    assert signed.action_id is not None
    if signed.purpose is Purpose.COMMENT:
        return comment(session, caller, signed.action_id, fields["comment"], now=now)
    if before.transition is None:
        raise Invalid({"transition": ["is not part of the workflow of this action"]})
    order = Order(before.transition, fields=fields, through=signed.purpose is Purpose.COMPLETE)
    return move(session, caller, signed.action_id, order, now=now)


def _seen(session: Session, signed: SignedLink, used_at: datetime | None, now: datetime) -> Look:
    account = session.get_one(Account, signed.account_id)
    reader = Reader(account.name, account.language, account.time_zone)
    caller = callers.by_id(session, account.id)
    if caller is None:
        return Look(signed.purpose, Standing.VOID, reader)
    if signed.purpose is Purpose.PREFERENCES:
        everybody = following.defaults(session)
        own = following.preferences(following.own_choices(session, account.id), everybody)["notices"]
        defaults = following.preferences({}, everybody)["notices"]
        return Look(signed.purpose, Standing.OPEN, reader, preferences=own, defaults=defaults)
    if signed.purpose is Purpose.WEEKLY_REPORT:
        comes = is_wanted(account.role, account.weekly_report)
        return Look(signed.purpose, Standing.OPEN if comes else Standing.CLOSED, reader, weekly_report=comes)
    if signed.purpose is Purpose.SNOOZE:
        return _seen_reminder(session, signed, reader, caller, used_at)
    return _seen_action(session, signed, reader, caller, used_at, now)


def _seen_reminder(
    session: Session, signed: SignedLink, reader: Reader, caller: Caller, used_at: datetime | None
) -> Look:
    try:
        row = reminders_query.find(session, caller, signed.reminder_id or 0)
        item = feedback_query.find(session, caller, row.feedback_id)
    except NotFound:
        return Look(signed.purpose, Standing.VOID, reader)
    is_over = row.state == "cancelled" or item.erased_at is not None
    standing = Standing.CLOSED if is_over else Standing.OPEN
    return Look(
        signed.purpose,
        standing if used_at is None else Standing.USED,
        reader,
        item=feedback_query.brief(item),
        reminder=reminders_query.show(session, row),
    )


def _seen_action(
    session: Session, signed: SignedLink, reader: Reader, caller: Caller, used_at: datetime | None, now: datetime
) -> Look:
    try:
        row = actions_query.find(session, caller, signed.action_id or 0)
        item = feedback_query.find(session, caller, row.feedback_id)
    except NotFound:
        return Look(signed.purpose, Standing.VOID, reader)
    definition = definition_of(session, row.workflow_id)
    relations = relations_query.of_actions(session, caller, [row])[row.id]
    transition = _transition(definition, signed.purpose)
    possible = choices(definition, row, by=caller.id, relations=relations, now=now)[0]
    within_reach = transition is not None and (
        transition in possible
        or (
            signed.purpose is Purpose.COMPLETE
            and bool(path(definition, row, transition, by=caller.id, relations=relations, now=now))
        )
    )
    if signed.purpose is Purpose.ACKNOWLEDGE:
        may_quiet = access.allows(caller, "action.acknowledge", relations)
        standing = _standing_of_others(used_at, may=may_quiet, can=row.finished_at is None)
    elif signed.purpose is Purpose.GRANT:
        standing = _standing_of_others(used_at, may=may_grant(caller, relations), can=can_be_granted(row, now))
    else:
        standing = _standing(signed.purpose, row, caller, used_at, within_reach=within_reach)
    return Look(
        signed.purpose,
        standing,
        reader,
        action=actions_query.view(row, row, now=now),
        item=feedback_query.brief(item),
        definition=definition,
        transition=transition,
        possible=tuple(possible),
        outcomes=_outcomes(session) if signed.purpose is Purpose.COMPLETE else (),
        root_causes=_root_causes(session) if signed.purpose is Purpose.COMPLETE else (),
    )


def _standing(
    purpose: Purpose, action: Any, caller: Caller, used_at: datetime | None, *, within_reach: bool
) -> Standing:
    if used_at is not None:
        return Standing.USED
    is_offered = purpose is Purpose.ACCEPT and action.pool and action.team_id in caller.member_of
    if action.assignee_id != caller.id and not (is_offered and action.assignee_id is None):
        return Standing.VOID
    return Standing.OPEN if within_reach or purpose is Purpose.COMMENT else Standing.CLOSED


def _standing_of_others(used_at: datetime | None, *, may: bool, can: bool) -> Standing:
    """Of a link that is sent not to the assignee alone: whether its reader may do it, and whether it can be done."""
    if used_at is not None:
        return Standing.USED
    if not may:
        return Standing.VOID
    return Standing.OPEN if can else Standing.CLOSED


def may_grant(caller: Caller, relations: frozenset[str]) -> bool:
    """Whether they may give more time, standing so to an action."""
    return access.allows(caller, "action.change", relations)


def can_be_granted(action: Any, now: datetime) -> bool:
    """Whether more time is asked for, until an instant that is still to come."""
    request = actions_query.asked_for(action.extension_request)
    return request is not None and bool(request["due_at"] > now)


def _transition(definition: Definition, purpose: Purpose) -> str | None:
    """What a link fires: to complete is whatever the assignee says with an outcome, such as to hand in for approval."""
    if purpose is Purpose.ACCEPT:
        return ACCEPT if ACCEPT in definition.transitions else None
    if purpose is not Purpose.COMPLETE:
        return None
    for name, transition in definition.transitions.items():
        if "outcome" in transition.requires and Relation.ASSIGNEE in transition.who:
            return name
    return None


def _outcomes(session: Session) -> tuple[Mapping[str, Any], ...]:
    """Those that can be chosen, in the order in which they were made."""
    rows = session.scalars(select(Outcome).where(Outcome.active).order_by(Outcome.id))
    return tuple({"key": row.key, "label": row.label, "requires_reason": row.requires_reason} for row in rows)


def _root_causes(session: Session) -> tuple[Mapping[str, Any], ...]:
    """The list, in the order in which it was made; without one the cause is told in one's own words."""
    rows = session.scalars(select(RootCause).where(RootCause.active).order_by(RootCause.id))
    return tuple({"key": row.key, "label": row.label} for row in rows)
