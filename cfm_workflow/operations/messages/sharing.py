"""Items shared with people without an account: what they see, that they looked, and the end of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Action, ActionFeedback, Message, Share, ShareOpening
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.messages import rows
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import shares as shares_query
from cfm_workflow.security.links import BadLink

ACTIONS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Step:
    """An action as a stranger sees it: what it is called, how it stands, and by when it is to be done."""

    title: str
    state: str
    is_finished: bool
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shared:
    """What the page of a share shows; without an item when it was revoked, or its sharer may not read that any more."""

    language: str
    shared_by: str
    until: datetime
    item: dict[str, Any] | None
    steps: Sequence[Step] = ()


def open_share(session: Session, share_id: int, *, now: datetime) -> Shared:
    """What somebody reads who opens a share, which is noted.

    Raises:
        BadLink: there is no such share.
    """
    row = session.execute(
        select(Share, Account.name).join(Account, Account.id == Share.created_by).where(Share.id == share_id)
    ).one_or_none()
    if row is None:
        raise BadLink
    share, name = row
    sharer = callers.by_id(session, share.created_by)
    item = None if share.revoked_at is not None or sharer is None else _item_of(session, sharer, share)
    if item is None or sharer is None:
        return Shared(share.language, name, share.expires_at, None)
    session.execute(insert(ShareOpening).values(share_id=share_id, at=now))
    session.execute(update(Share).where(Share.id == share_id).values(openings=Share.openings + 1))
    seen = feedback_query.view(item, contact=True, labels=())
    customer = seen["customer"]
    if customer is not None and not share.include_contact:
        customer |= {"email": None, "phone": None}
    steps = _steps(session, sharer, item.id, share.language)
    return Shared(share.language, name, share.expires_at, seen, steps)


def _item_of(session: Session, sharer: Caller, share: Share) -> Any | None:
    """The item, as long as whoever shared it may read it: nobody can show others more than they see."""
    try:
        return feedback_query.find(session, sharer, share.feedback_id)
    except NotFound:
        return None


def _steps(session: Session, sharer: Caller, feedback_id: int, language: str) -> list[Step]:
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == feedback_id)
    columns = (Action.title, Action.state, Action.workflow_id, Action.finished_at, Action.due_at)
    seen = (Action.id.in_(serving), actions_query.may_see(sharer))
    query = select(*columns).where(*seen).order_by(Action.id).limit(ACTIONS_SHOWN)
    return [
        Step(
            row.title,
            definition_of(session, row.workflow_id).states[row.state].label[language],
            row.finished_at is not None,
            row.due_at,
        )
        for row in session.execute(query).all()
    ]


def revoke(session: Session, caller: Caller, share_id: int, *, now: datetime) -> None:
    """End a share; its mail, if it has not left, is taken back.

    Raises:
        NotFound, Forbidden, Conflict: it was revoked already.
    """
    seen = shares_query.find(session, caller, share_id)
    item = rows.lock_item(session, caller, seen.feedback_id)
    relations = {"writer"} if seen.created_by == caller.id else set()
    access.require(caller, "share.revoke", relations | access.by_role(caller))
    ended = update(Share).where(Share.id == share_id, Share.revoked_at.is_(None)).values(revoked_at=now)
    if not session.execute(ended).rowcount:  # type: ignore[attr-defined]
        raise Conflict("This share was revoked already.")
    about = {
        "share": {"id": share_id, "feedback": item.id, "address": seen.address},
        "feedback": feedback_query.brief(item),
    }
    facts = [Fact("share.revoked", share_id, about, caller, feedback_id=item.id)]
    facts += [
        rows.fact("message.cancelled", caller, row, item) for row in take_back(session, Message.share_id == share_id)
    ]
    ledger.record(session, facts, now=now)


def take_back(session: Session, *which: Any) -> list[Any]:
    """Cancel the mails that have not left among some messages; these as they are now."""
    waiting = select(Message.id).where(*which, Message.state == "queued", Message.lease.is_(None)).order_by(Message.id)
    ids = list(session.scalars(waiting.with_for_update(key_share=True)))
    session.execute(update(Message).where(Message.id.in_(ids)).values(state="cancelled"))
    return list(rows.read(session, ids).values())
