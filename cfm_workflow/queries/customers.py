"""Customers as everybody sees them: how to reach them is masked for those who have no work with them. Never writes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller, allows, by_role
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Customer
from cfm_workflow.queries.feedback import mask_email, mask_phone
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.queries.relations import handled_customers


def find(session: Session, customer_id: int, *, lock: bool = False) -> Customer:
    """Raises NotFound unless there is such a customer, erased or not."""
    customer = session.get(Customer, customer_id, with_for_update={"key_share": True} if lock else None)
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer


def view(customer: Customer, *, contact: bool) -> dict[str, Any]:
    """A customer in the words of the API; `contact`: with address and phone."""
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email if contact else mask_email(customer.email),
        "phone": customer.phone if contact else mask_phone(customer.phone),
        "language": customer.language,
        "source": customer.source,
        "external_id": customer.external_id,
        "unsubscribed_at": customer.unsubscribed_at,
        "do_not_contact": None
        if customer.do_not_contact is None
        else {"reason": customer.do_not_contact, "since": customer.do_not_contact_at},
        "erased_at": customer.erased_at,
        "version": customer.version,
        "created_at": customer.created_at,
    }


def _reachable(session: Session, caller: Caller, ids: list[int]) -> frozenset[int]:
    if allows(caller, "customer.contact", by_role(caller)):
        return frozenset(ids)
    if not allows(caller, "customer.contact", {"handler"}):
        return frozenset()
    return handled_customers(session, caller, ids)


def show(session: Session, caller: Caller, customer: Customer) -> dict[str, Any]:
    """One customer as this caller may see them."""
    return view(customer, contact=customer.id in _reachable(session, caller, [customer.id]))


def page(session: Session, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """A page of customers; filters `external_id`, `source`, `do_not_contact`, and `email` for those who may see it."""
    query = select(Customer)
    for name in ("external_id", "source"):
        if wanted.get(name) is not None:
            query = query.where(getattr(Customer, name) == wanted[name])
    if wanted.get("do_not_contact") is not None:
        listed = Customer.do_not_contact.is_not(None)
        query = query.where(listed if wanted["do_not_contact"] else ~listed)
    if wanted.get("email") is not None:
        query = query.where(Customer.email == wanted["email"].lower())
        if not allows(caller, "customer.contact", by_role(caller)):
            return Page([], None)
    found = fetch_page(session, query, wanted, {"id": Sort((Customer.id,))}, present=lambda row: row[0])
    reachable = _reachable(session, caller, [customer.id for customer in found.items])
    return Page([view(customer, contact=customer.id in reachable) for customer in found.items], found.next_cursor)
