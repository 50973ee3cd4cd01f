"""One word to the customers of many items: first who would get it and who not, then the same for real."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.db import DELIVERIES, tell
from cfm_workflow.models import Customer, Feedback
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.filling import filled, language_for, sender_of, template_named
from cfm_workflow.operations.messages.writing import check_wish, kind_of, not_solved, to_customer
from cfm_workflow.policy.reach import NO_CUSTOMER, Refusal, refusal
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import reach
from cfm_workflow.setting_values import TellCustomer

UNSEEN = Refusal("not_found", "There is no such feedback item.")
ERASED = Refusal("erased", "This feedback has been erased.")
TWICE = Refusal("same_customer", "The customer gets this about another of the items already.")


def weigh(
    session: Session, caller: Caller, fields: Mapping[str, Any], *, wish: TellCustomer, now: datetime
) -> dict[str, Any]:
    """Who would get it, and who not and why; nothing is changed.

    Raises:
        Forbidden, Invalid: the template cannot be used, there is nothing to say, or customers are not told that here.
    """
    access.require(caller, "message.bulk")
    kind = kind_of(session, fields, otherwise="unasked")
    check_wish(fields, kind, wish)
    seen, refused = _weighed(session, caller, fields["feedback"], kind, now)
    return _table(fields["feedback"], dict.fromkeys(item.id for item in seen), refused)


def send(
    session: Session, caller: Caller, fields: Mapping[str, Any], *, wish: TellCustomer, now: datetime
) -> dict[str, Any]:
    """Queue it for all who may get it; the same table, with the messages.

    Raises:
        Forbidden, Invalid: as `weigh`.
    """
    access.require(caller, "message.bulk")
    template = template_named(session, fields.get("template"))
    kind = kind_of(session, fields, otherwise="unasked")
    check_wish(fields, kind, wish)
    _lock(session, fields["feedback"])
    seen, refused = _weighed(session, caller, fields["feedback"], kind, now)
    sender, mails = sender_of(session, caller), []
    for item in seen:
        language = template.language if template is not None else language_for(session, item)
        subject, body = filled(sender, item, template, fields, language)
        said = {"language": language, "subject": subject, "body": body}
        mails.append(to_customer(session, item, kind=kind, template=template, now=now, **said))
    made = list(zip(seen, rows.add_many(session, caller, mails, now=now), strict=True))
    written = {item.id: row.id for item, row in made}
    facts = [rows.fact("message.queued", caller, row, item) for item, row in made]
    ledger.record(session, facts, now=now)
    tell(session, DELIVERIES)
    return _table(fields["feedback"], written, refused)


def _lock(session: Session, ids: Sequence[int]) -> None:
    """Customers before items, as whoever erases them does."""
    theirs = select(Feedback.customer_id).where(Feedback.id.in_(ids))
    customers = select(Customer.id).where(Customer.id.in_(theirs)).order_by(Customer.id)
    session.execute(customers.with_for_update(key_share=True))
    items = select(Feedback.id).where(Feedback.id.in_(ids)).order_by(Feedback.id)
    session.execute(items.with_for_update(key_share=True))


def _weighed(
    session: Session, caller: Caller, ids: Sequence[int], kind: str, now: datetime
) -> tuple[list[Any], dict[int, Refusal]]:
    """The items whose customers may get it, and why not the others; each customer once."""
    query = feedback_query.SELECT.where(Feedback.id.in_(ids), feedback_query.may_see(caller))
    found = {row.id: row for row in session.execute(query)}
    unsolved = not_solved(session, list(found.values())) if kind == "solved" else {}
    standings = reach.standings(session, {row.customer_id for row in found.values() if row.customer_id is not None})
    taken, refused, customers = [], {}, set()
    for ident in ids:
        item = found.get(ident)
        if item is None:
            refused[ident] = UNSEEN
        elif item.erased_at is not None:
            refused[ident] = ERASED
        elif item.customer_id is None:
            refused[ident] = NO_CUSTOMER
        elif (why := refusal(standings[item.customer_id], kind, now=now)) is not None:
            refused[ident] = why
        elif ident in unsolved:
            refused[ident] = unsolved[ident]
        elif kind == "unasked" and item.customer_id in customers:
            refused[ident] = TWICE
        else:
            customers.add(item.customer_id)
            taken.append(item)
    return taken, refused


def _table(ids: Sequence[int], taken: Mapping[int, int | None], refused: Mapping[int, Refusal]) -> dict[str, Any]:
    reasons: dict[str, int] = {}
    for why in refused.values():
        reasons[why.code] = reasons.get(why.code, 0) + 1
    return {
        "sent": len(taken),
        "left_out": len(refused),
        "reasons": reasons,
        "items": [
            {
                "feedback": ident,
                "message": taken.get(ident),
                "left_out": {"code": refused[ident].code, "reason": refused[ident].reason}
                if ident in refused
                else None,
            }
            for ident in ids
        ],
    }
