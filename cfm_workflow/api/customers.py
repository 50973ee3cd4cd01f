"""Routes of customers."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.feedback import CustomerChange, CustomerIn, CustomerOut, CustomerQuery, ExclusionIn
from cfm_workflow.forms.messages import MessageOut, MessageQuery
from cfm_workflow.forms.pages import page_of
from cfm_workflow.operations import customers as customers_operations
from cfm_workflow.operations import erasure
from cfm_workflow.operations.messages import consent
from cfm_workflow.queries import customers as customers_query
from cfm_workflow.queries import messages as messages_query

TAG = "customers"
_ONE = "/customers/<id:customer_id>"


@route(
    "GET",
    "/customers",
    "listCustomers",
    tag=TAG,
    right="customer.read",
    query=CustomerQuery,
    answers={200: page_of(CustomerOut)},
)
def list_customers(ask: Ask) -> Any:
    """Customers; address and phone are masked for those who have no work with them."""
    return customers_query.page(ask.session, ask.caller, ask.query).as_answer()


@route(
    "POST",
    "/customers",
    "createCustomer",
    tag=TAG,
    right="customer.create",
    body=CustomerIn,
    answers={201: CustomerOut},
    example={"name": "Kim Minji", "email": "minji@example.com", "language": "ko"},
)
def create_customer(ask: Ask) -> Any:
    """Make a customer known."""
    return Reply(customers_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getCustomer", tag=TAG, right="customer.read", answers={200: CustomerOut})
def get_customer(ask: Ask, customer_id: int) -> Any:
    """One customer."""
    return customers_query.show(ask.session, ask.caller, customers_query.find(ask.session, customer_id))


@route(
    "PATCH",
    _ONE,
    "changeCustomer",
    tag=TAG,
    right="customer.change",
    body=CustomerChange,
    answers={200: CustomerOut},
    example={"phone": "+82 2 555 0100"},
)
def change_customer(ask: Ask, customer_id: int) -> Any:
    """Change what is known of a customer."""
    return customers_operations.change(ask.session, ask.caller, customer_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "eraseCustomer", tag=TAG, right="customer.erase", answers={204: None})
def erase_customer(ask: Ask, customer_id: int) -> Any:
    """Erase a customer and the personal data of all their items, in the ledger too."""
    erasure.erase_customer(ask.session, ask.caller, customer_id, now=ask.now)


@route(
    "GET",
    f"{_ONE}/contacts",
    "listContacts",
    tag=TAG,
    right="message.read",
    query=MessageQuery,
    answers={200: page_of(MessageOut)},
)
def list_contacts(ask: Ask, customer_id: int) -> Any:
    """Every word to and from a customer, about all their items; the newest first."""
    customers_query.find(ask.session, customer_id)
    return messages_query.of_customer(ask.session, ask.caller, customer_id, ask.query).as_answer()


@route(
    "PUT",
    f"{_ONE}/do-not-contact",
    "excludeCustomer",
    tag=TAG,
    right="customer.exclude",
    body=ExclusionIn,
    answers={200: CustomerOut},
    example={"reason": "Asked on the phone not to be contacted."},
)
def exclude_customer(ask: Ask, customer_id: int) -> Any:
    """Let nobody write to a customer any more."""
    return consent.exclude(ask.session, ask.caller, customer_id, ask.body["reason"], now=ask.now)


@route("DELETE", f"{_ONE}/do-not-contact", "includeCustomer", tag=TAG, right="customer.include", answers={204: None})
def include_customer(ask: Ask, customer_id: int) -> Any:
    """Let people write to a customer again."""
    consent.include(ask.session, ask.caller, customer_id, now=ask.now)
