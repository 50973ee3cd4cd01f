"""Words that were exchanged elsewhere: a call, a chat, an answer that came to a mailbox. They count."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.operations.coming_back import place_of
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.hearing import heard
from cfm_workflow.operations.messages.telling import told
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query


def record(
    session: Session, caller: Caller, feedback_id: int, fields: Mapping[str, Any], *, now: datetime
) -> list[dict[str, Any]]:
    """Record a word to (`out`) or from (`in`) the customer of an item.

    Raises:
        NotFound, Forbidden, Conflict: the item was erased; Invalid: it was made in the future.
    """
    access.require(caller, "message.write")
    made_at = fields.get("made_at") or now
    if made_at > now:
        raise Invalid({"made_at": ["must not be in the future"]})
    seen = feedback_query.find(session, caller, feedback_id)
    if seen.erased_at is not None:
        raise Conflict("This feedback has been erased.")
    came_in = fields["direction"] == "in"
    if came_in:
        feedback_id = place_of(session, caller, seen, fields, at=made_at, now=now)
        # before the item is locked: actions come first
        heard(session, caller, feedback_id, now=now, at=made_at)
    item = rows.lock_item(session, caller, feedback_id)
    row = rows.add(
        session,
        caller,
        feedback_id=feedback_id,
        customer_id=item.customer_id,
        direction=fields["direction"],
        channel=fields["channel"],
        kind="contact",
        state="recorded",
        subject=fields.get("subject"),
        body=fields["body"],
        made_at=made_at,
        now=now,
    )
    if not came_in:
        told(session, feedback_id, at=made_at)
    kind = "message.received" if came_in else "message.sent"
    ledger.record(session, [rows.fact(kind, caller, row, item)], now=now)
    return messages_query.show(session, caller, [row])
