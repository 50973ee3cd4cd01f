"""The customer is told: by a template of the service, or by whatever word reached them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import Caller
from cfm_workflow.db import DELIVERIES, tell
from cfm_workflow.errors import Conflict
from cfm_workflow.models import Action, ActionFeedback, Feedback
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.filling import filled, languages_for, sender_of
from cfm_workflow.operations.messages.writing import check_reach, queue
from cfm_workflow.queries import templates as templates_query


@dataclass(frozen=True, slots=True)
class Untold:
    """Nothing was queued, and why."""

    reason: str


def told(session: Session, feedback_id: int, *, at: datetime) -> None:
    """A word to the customer of an item reached them, as far as anybody can know."""
    later = or_(Feedback.told_at.is_(None), Feedback.told_at < at)
    session.execute(update(Feedback).where(Feedback.id == feedback_id, later).values(told_at=at, silent_at=None))
    look_again(session, feedback_id, at=at)


def look_again(session: Session, feedback_id: int, *, at: datetime) -> None:
    """Let the clock look at an item, if it is resolved: it may need nothing more."""
    resolved = (Feedback.id == feedback_id, Feedback.status == "resolved")
    session.execute(update(Feedback).where(*resolved).values(settles_at=at))


def look_again_at_all(session: Session, customer_id: int, *, at: datetime) -> None:
    """Let the clock look at all resolved items of a customer: whether they can be told anything has changed."""
    resolved = (Feedback.customer_id == customer_id, Feedback.status == "resolved")
    session.execute(update(Feedback).where(*resolved).values(settles_at=at))


def tell_customer(session: Session, caller: Caller, feedback_id: int, *, kind: str, now: datetime) -> int | Untold:
    """Queue the mail of a kind (`thank_you`, `solved`, `check`) by its template, in the customer's language.

    Returns the id of the message, or why there is none: the customer must not be written to, or no template is left.
    Of a check the mail holds a link that is signed for the message when it is sent.

    Raises:
        NotFound, Conflict: the item was erased.
    """
    item = rows.lock_item(session, caller, feedback_id)
    try:
        check_reach(session, item, kind, now)
    except Conflict as why:
        return Untold(str(why))
    teams = caller.member_of | _teams_on(session, feedback_id)
    template = templates_query.best(session, kind, languages=languages_for(session, item), teams=teams)
    if template is None:
        return Untold(f"There is no template of the kind {kind} in use.")
    subject, body = filled(sender_of(session, caller), item, template, {}, template.language)
    row = queue(
        session,
        caller,
        item,
        kind=kind,
        template=template,
        language=template.language,
        subject=subject,
        body=body,
        now=now,
    )
    ledger.record(session, [rows.fact("message.queued", caller, row, item)], now=now)
    tell(session, DELIVERIES)
    ident: int = row.id
    return ident


def _teams_on(session: Session, feedback_id: int) -> frozenset[int]:
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == feedback_id)
    teams = session.scalars(select(Action.team_id).where(Action.id.in_(serving)).distinct())
    return frozenset(team for team in teams if team is not None)
