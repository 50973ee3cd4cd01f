"""A customer: who they are, what they wrote, every word to and from them, and whether they want any."""

from typing import Any, Final

from cfm_workflow.forms.feedback import ExclusionIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations.messages import consent
from cfm_workflow.queries import customers as customers_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.texts import mark
from cfm_workflow.web import feedback, timeline
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

ITEMS: Final = 10
CONTACTS: Final = 20
_EXCLUDED: Final = mark("Nobody writes to this customer any more.")
_INCLUDED: Final = mark("The customer can be written to again.")


@page("GET", "/customers/<id:customer_id>", "customer", right="customer.read")
def customer(visit: Visit, customer_id: int) -> Shown:
    """One customer."""
    row = customers_query.find(visit.session, customer_id)
    items = feedback_query.page(visit.session, visit.caller, {"customer": customer_id, "limit": ITEMS})
    cursor = load(PageQuery(), {"cursor": visit.query["cursor"]})["cursor"] if visit.query.get("cursor") else None
    contacts = messages_query.of_customer(
        visit.session, visit.caller, customer_id, {"limit": CONTACTS, "cursor": cursor}
    )
    values: dict[str, Any] = {
        "customer": customers_query.show(visit.session, visit.caller, row),
        "rows": [feedback.row(each) for each in items.items],
        "all_items": feedback.address({"customer": str(customer_id)}) if items.next_cursor else None,
        "contacts": [timeline.message_shown(each) for each in contacts.items],
        "next": f"/customers/{customer_id}?cursor={contacts.next_cursor}" if contacts.next_cursor else None,
        "first": f"/customers/{customer_id}" if cursor else None,
    }
    return Shown("customers/page.html", values)


@page("POST", "/customers/<id:customer_id>/exclude", "exclude_customer", right="customer.exclude", again=customer)
def exclude(visit: Visit, customer_id: int) -> See:
    """Let nobody write to them any more."""
    body = load(ExclusionIn(), {"reason": visit.form.get("reason", "").strip()})
    consent.exclude(visit.session, visit.caller, customer_id, body["reason"], now=visit.now)
    return See(f"/customers/{customer_id}", Said(say(_EXCLUDED)))


@page("POST", "/customers/<id:customer_id>/include", "include_customer", right="customer.include")
def include(visit: Visit, customer_id: int) -> See:
    """Let them be written to again."""
    consent.include(visit.session, visit.caller, customer_id, now=visit.now)
    return See(f"/customers/{customer_id}", Said(say(_INCLUDED)))
