"""How customers stand to being written to, many at once. Never writes."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.models import Customer, DeadAddress
from cfm_workflow.policy.reach import Standing
from cfm_workflow.queries import messages as messages_query


def standings(session: Session, customer_ids: Collection[int]) -> dict[int, Standing]:
    """Per customer what decides whether they may be written to."""
    query = (
        select(Customer.id, Customer.email, Customer.do_not_contact, Customer.unsubscribed_at, DeadAddress.reason)
        .outerjoin(DeadAddress, DeadAddress.address == Customer.email)
        .where(Customer.id.in_(customer_ids))
    )
    unasked = messages_query.last_unasked(session, customer_ids)
    return {
        row.id: Standing(row.email, row.reason, row.do_not_contact, row.unsubscribed_at, unasked.get(row.id))
        for row in session.execute(query)
    }


def excluded(session: Session, addresses: Collection[str]) -> dict[str, str]:
    """Those of some addresses that are of customers whom nobody contacts, and why."""
    query = select(Customer.email, Customer.do_not_contact)
    listed = query.where(Customer.email.in_(addresses), Customer.do_not_contact.is_not(None))
    found: Any = session.execute(listed)
    return dict(found.all())
