"""What customers said about being written to: unsubscribing and its undoing, and the list of whom nobody contacts."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import Conflict, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Customer, Feedback
from cfm_workflow.operations import checks
from cfm_workflow.operations.messages.telling import look_again_at_all
from cfm_workflow.queries import customers as customers_query
from cfm_workflow.security.links import BadLink

CUSTOMER = system("customer")


def exclude(session: Session, caller: Caller, customer_id: int, reason: str, *, now: datetime) -> dict[str, Any]:
    """Let nobody write to a customer any more, whatever about; what is waiting to leave will not, and what waits until
    they are told something ends.

    Raises:
        NotFound, Forbidden, Conflict: the customer was erased.
    """
    customer = _lock(session, customer_id)
    access.require(caller, "customer.exclude")
    checks.cancel_of_customer(session, customer_id)
    theirs = Feedback.customer_id == customer_id
    waiting = select(Feedback.id).where(theirs, or_(Feedback.status == "resolved", Feedback.silent_at.is_not(None)))
    session.execute(waiting.order_by(Feedback.id).with_for_update(key_share=True))
    session.execute(update(Feedback).where(theirs, Feedback.silent_at.is_not(None)).values(silent_at=None))
    look_again_at_all(session, customer_id, at=now)
    return _changed(session, caller, customer, {"do_not_contact": reason, "do_not_contact_at": now}, now)


def include(session: Session, caller: Caller, customer_id: int, *, now: datetime) -> None:
    """Take a customer off that list.

    Raises:
        NotFound: also when they are not on it; Forbidden, Conflict: the customer was erased.
    """
    customer = _lock(session, customer_id)
    access.require(caller, "customer.include")
    if customer.do_not_contact is None:
        raise NotFound("entry in the list of whom not to contact for customer", customer_id)
    _changed(session, caller, customer, {"do_not_contact": None, "do_not_contact_at": None}, now)


def _lock(session: Session, customer_id: int) -> Customer:
    customer = customers_query.find(session, customer_id, lock=True)
    if customer.erased_at is not None:
        raise Conflict("This customer has been erased.")
    return customer


def _changed(
    session: Session, caller: Caller, customer: Customer, values: dict[str, Any], now: datetime
) -> dict[str, Any]:
    changes = ledger.changes(customer, {"do_not_contact": values["do_not_contact"]})
    if changes:
        for name, value in values.items():
            setattr(customer, name, value)
        customer.version += 1
        session.flush()
        about = {"changes": changes, "customer": {"id": customer.id, "name": customer.name}}
        ledger.record(session, [Fact("customer.changed", customer.id, about, caller)], now=now)
    return customers_query.show(session, caller, customer)


def is_subscribed(session: Session, customer_id: int) -> bool:
    """Whether a customer gets mail that they did not ask for.

    Raises:
        BadLink: nobody is left to ask.
    """
    return _reader(session, customer_id, lock=False).unsubscribed_at is None


def subscribe(session: Session, customer_id: int, *, wanted: bool, now: datetime) -> None:
    """The customer themselves unsubscribe, or take that back; twice changes nothing.

    Raises:
        BadLink: nobody is left to ask.
    """
    customer = _reader(session, customer_id, lock=True)
    if wanted is (customer.unsubscribed_at is None):
        return
    customer.unsubscribed_at = None if wanted else now
    customer.version += 1
    session.flush()
    kind = "customer.resubscribed" if wanted else "customer.unsubscribed"
    about = {"customer": {"id": customer.id, "name": customer.name}}
    ledger.record(session, [Fact(kind, customer.id, about, CUSTOMER)], now=now)


def _reader(session: Session, customer_id: int, *, lock: bool) -> Customer:
    try:
        customer = customers_query.find(session, customer_id, lock=lock)
    except NotFound:
        raise BadLink from None
    if customer.erased_at is not None:
        raise BadLink
    return customer
