"""What is about to be said to a customer and is not true any more is taken back, if it has not left."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Check, Feedback, Message
from cfm_workflow.operations.messages import rows
from cfm_workflow.queries import feedback as feedback_query

OF_AN_END: Final = ("solved", "check")
"""The kinds that are about something being solved."""


def withdraw(session: Session, actor: Caller, feedback_ids: Sequence[int]) -> list[Fact]:
    """Take back that these items, which are locked, are solved; what happened."""
    waiting = (
        Message.feedback_id.in_(feedback_ids),
        Message.kind.in_(OF_AN_END),
        Message.state == "queued",
        Message.lease.is_(None),
    )
    withdrawn = update(Message).where(*waiting).values(state="cancelled").returning(Message.id)
    ids = list(session.scalars(withdrawn, execution_options={"synchronize_session": False}))
    if not ids:
        return []
    session.execute(update(Check).where(Check.message_id.in_(ids), Check.state == "asked").values(state="cancelled"))
    items: dict[int, Any] = {
        item.id: item for item in session.execute(feedback_query.SELECT.where(Feedback.id.in_(feedback_ids)))
    }
    written = rows.read(session, ids)
    return [rows.fact("message.cancelled", actor, written[ident], items[written[ident].feedback_id]) for ident in ids]
