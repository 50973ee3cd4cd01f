"""Mails that people write: to the customer of an item, or to anybody with the item shared; and taking one back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.db import DELIVERIES, plain, tell
from cfm_workflow.errors import AnotherWentOut, Conflict, Forbidden, Invalid
from cfm_workflow.models import Customer, Message, Share
from cfm_workflow.operations.ids import take_ids
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.filling import filled, language_for, sender_of, template_named
from cfm_workflow.policy.reach import NO_CUSTOMER, Refusal, refusal
from cfm_workflow.queries import closing as closing_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import reach
from cfm_workflow.setting_values import TellCustomer
from cfm_workflow.texts import spoken

CUSTOMER = "customer"
NOTHING_SOLVED = Refusal(
    "no_benefit", "Nothing was done whose outcome benefits the customer: nothing is solved for them."
)
BEING_TOLD = Refusal("being_told", "The customer is about to be told already.")

NEVER_TOLD = "customers are not told here that something is solved: CFM_TELL_CUSTOMER is never"


def write(
    session: Session,
    caller: Caller,
    feedback_id: int,
    fields: Mapping[str, Any],
    *,
    wish: TellCustomer,
    now: datetime,
) -> list[dict[str, Any]]:
    """Queue a mail about an item: to its customer, or one to each of some addresses, which can read the item then.

    `wish`: whether customers are told here that something is solved.

    Raises:
        NotFound, Forbidden, Invalid: the template cannot be used, or there is nothing to say; or the customer would be
            told what is not told here.
        Conflict: the item was erased, or the customer must not be written to.
        AnotherWentOut: since the message that the caller saw last.
    """
    access.require(caller, "message.write")
    item = rows.lock_item(session, caller, feedback_id)
    if fields["to"] == CUSTOMER:
        check_wish(fields, kind_of(session, fields), wish)
    made = _to_customer if fields["to"] == CUSTOMER else _share
    written = made(session, caller, item, fields, now)
    ledger.record(session, [rows.fact("message.queued", caller, row, item) for row in written], now=now)
    tell(session, DELIVERIES)
    return messages_query.show(session, caller, written)


def kind_of(session: Session, fields: Mapping[str, Any], otherwise: str = "reply") -> str:
    """The kind of a mail to a customer: as it is said, or that of its template.

    Raises:
        Invalid: there is no such template.
    """
    template = template_named(session, fields.get("template"))
    kind: str = fields.get("kind") or (template.kind if template is not None else otherwise)
    return kind


def check_wish(fields: Mapping[str, Any], kind: str, wish: TellCustomer) -> None:
    """Raise Invalid when a mail of this kind tells what customers are not told here, by the setting."""
    if kind == "solved" and wish is TellCustomer.NEVER:
        raise Invalid({"kind" if fields.get("kind") else "template": [NEVER_TOLD]})


def _to_customer(session: Session, caller: Caller, item: Any, fields: Mapping[str, Any], now: datetime) -> list[Any]:
    if "last_message" in fields and not fields["anyway"]:
        _check_last(session, caller, item, fields["last_message"])
    template = template_named(session, fields.get("template"))
    kind = kind_of(session, fields)
    check_reach(session, item, kind, now)
    language = template.language if template is not None else language_for(session, item)
    subject, body = filled(sender_of(session, caller), item, template, fields, language)
    return [
        queue(
            session, caller, item, kind=kind, template=template, language=language, subject=subject, body=body, now=now
        )
    ]


def _check_last(session: Session, caller: Caller, item: Any, seen: int | None) -> None:
    last = messages_query.last_outgoing(session, item.id)
    if last is not None and last.id > (seen or 0):
        raise AnotherWentOut(messages_query.show(session, caller, [last])[0])


def check_reach(session: Session, item: Any, kind: str, now: datetime) -> None:
    """Raise Conflict, with the reason, when a mail of this kind must not go to the customer of an item.

    The customer is locked where the decision depends on what else is being written to them.
    """
    if item.customer_id is not None and kind == "unasked":
        session.execute(select(Customer.id).where(Customer.id == item.customer_id).with_for_update(key_share=True))
    why = (
        NO_CUSTOMER
        if item.customer_id is None
        else refusal(reach.standings(session, [item.customer_id])[item.customer_id], kind, now=now)
    )
    if why is not None:
        raise Conflict(why.reason)
    if kind == "solved" and (unsolved := not_solved(session, [item]).get(item.id)) is not None:
        raise Conflict(unsolved.reason)


def not_solved(session: Session, items: Sequence[Any]) -> dict[int, Refusal]:
    """Of which of these items nobody is told that they are solved: it is told of what is resolved and benefits the
    customer, once."""
    ids = [item.id for item in items]
    helped, said = closing_query.benefiting(session, ids), closing_query.solved_messages(session, ids)
    found = {}
    for item in items:
        if item.status != "resolved":
            why = f"It is {item.status}: only of what is resolved a customer is told that it is solved."
            found[item.id] = Refusal("not_resolved", why)
        elif item.id not in helped:
            found[item.id] = NOTHING_SOLVED
        elif "queued" in said.get(item.id, ()):
            found[item.id] = BEING_TOLD
    return found


def queue(session: Session, caller: Caller, item: Any, *, now: datetime, **said: Any) -> Any:
    """A mail to the customer of an item that leaves when nobody undoes it; recorded by whoever calls.

    `said` as of `to_customer`.
    """
    return rows.add(session, caller, **to_customer(session, item, now=now, **said), now=now)


def to_customer(
    session: Session, item: Any, *, kind: str, template: Any, language: str, subject: str, body: str, now: datetime
) -> dict[str, Any]:
    """The row of such a mail, to be added."""
    return {
        "feedback_id": item.id,
        "customer_id": item.customer_id,
        "template_id": None if template is None else template.id,
        "direction": "out",
        "channel": "email",
        "kind": kind,
        "state": "queued",
        "address": item.customer_email,
        "language": language,
        "subject": subject,
        "body": body,
        "leaves_at": _leaves_at(session, item, kind, now),
    }


def _leaves_at(session: Session, item: Any, kind: str, now: datetime) -> datetime:
    """When nobody can undo it any more: of what is solved, the last step of that neither."""
    free = now + rows.undo_time(session)
    return max(free, closing_query.final_at(session, [item.id]).get(item.id, free)) if kind == "solved" else free


def _share(session: Session, caller: Caller, item: Any, fields: Mapping[str, Any], now: datetime) -> list[Any]:
    if fields["include_contact"] and item.id not in feedback_query.with_contact(session, caller, [item]):
        raise Forbidden("customer.contact")
    _check_addresses(session, fields["to"])
    template = template_named(session, fields.get("template"))
    language = fields.get("language") or (template.language if template is not None else spoken(caller.language))
    subject, body = filled(sender_of(session, caller), item, template, fields, language)
    addresses = list(dict.fromkeys(fields["to"]))
    ids = take_ids(session, Share, len(addresses))
    share = {
        "feedback_id": item.id,
        "language": language,
        "include_contact": fields["include_contact"],
        "expires_at": now + timedelta(days=fields["days"]),
        "openings": 0,
        "created_by": caller.id,
        "created_at": now,
    }
    new = [share | {"id": ident, "address": address} for ident, address in zip(ids, addresses, strict=True)]
    plain(session, insert(Share.__table__), new)  # type: ignore[arg-type]
    mail = {
        "feedback_id": item.id,
        "template_id": None if template is None else template.id,
        "direction": "out",
        "channel": "email",
        "kind": "share",
        "state": "queued",
        "language": language,
        "subject": subject,
        "body": body,
        "leaves_at": now + rows.undo_time(session),
    }
    mails = [mail | {"share_id": each["id"], "address": each["address"]} for each in new]
    return rows.add_many(session, caller, mails, now=now)


def _check_addresses(session: Session, addresses: Sequence[str]) -> None:
    """Whoever wants no mail gets none by way of a share either; they are named like addresses that are none."""
    unwanted = reach.excluded(session, addresses)
    wrong = {
        f"to.{n}": [f"{each} is of a customer who is not to be contacted: {unwanted[each]}"]
        for n, each in enumerate(addresses)
        if each in unwanted
    }
    if wrong:
        raise Invalid(wrong)


_NOT_WAITING = {
    "queued": "its server has not taken it yet, and it is tried again",
    "sent": "it has left",
    "kept": "it has left",
    "failed": "it could not be delivered, and is not tried again",
    "cancelled": "it was taken back already",
    "recorded": "it was never to leave from here",
}


def cancel(session: Session, caller: Caller, message_id: int, *, now: datetime) -> None:
    """Take back a mail that has not left.

    Raises:
        NotFound, Forbidden, Conflict: it is on its way, or is not waiting to leave (any more); it says which.
    """
    seen = messages_query.find(session, caller, message_id)
    item = rows.lock_item(session, caller, seen.feedback_id)
    relations = {"writer"} if seen.created_by == caller.id else set()
    access.require(caller, "message.cancel", relations | access.by_role(caller))
    free = (Message.state == "queued", Message.tries == 0, Message.lease.is_(None))
    done = session.execute(update(Message).where(Message.id == message_id, *free).values(state="cancelled"))
    if not done.rowcount:  # type: ignore[attr-defined]
        state, lease = session.execute(select(Message.state, Message.lease).where(Message.id == message_id)).one()
        why = "it is being sent" if lease is not None else _NOT_WAITING[state]
        raise Conflict(f"This message cannot be taken back: {why}.")
    if seen.share_id is not None:
        session.execute(update(Share).where(Share.id == seen.share_id).values(revoked_at=now))
    fact = rows.fact("message.cancelled", caller, rows.read(session, [message_id])[message_id], item)
    ledger.record(session, [fact], now=now)
