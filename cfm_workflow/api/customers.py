"""Routes of customers."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.feedback import CustomerChange, CustomerIn, CustomerOut, CustomerQuery
from cfm_workflow.forms.pages import page_of
from cfm_workflow.operations import customers as customers_operations
from cfm_workflow.operations import erasure
from cfm_workflow.queries import customers as customers_query

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
