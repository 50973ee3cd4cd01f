"""Routes of policies, the service levels that work goes by."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.forms.policies import PolicyChange, PolicyIn, PolicyOut
from cfm_workflow.operations import policies as policies_operations
from cfm_workflow.queries import policies as policies_query

TAG = "settings"
RIGHT = "policies.manage"
_ONE = "/policies/<id:policy_id>"


@route(
    "GET",
    "/policies",
    "listPolicies",
    tag=TAG,
    right="settings.read",
    query=PageQuery,
    answers={200: page_of(PolicyOut)},
)
def list_policies(ask: Ask) -> Any:
    """By when work is to be accepted, started and finished, and who is reminded when."""
    return policies_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/policies",
    "createPolicy",
    tag=TAG,
    right=RIGHT,
    body=PolicyIn,
    answers={201: PolicyOut},
    example={
        "key": "gold",
        "name": "Gold",
        "position": 10,
        "priorities": ["high", "urgent"],
        "targets": {"accept": {"business": "PT2H"}, "finish": {"business_days": 2}},
        "ladders": {
            "finish": [
                {"share": 50, "to": ["assignee"]},
                {"after": "PT0S", "to": ["assignee", "lead"], "urgent": True},
                {"after": {"business_days": 1}, "to": ["lead", "supervisors"], "every": "P7D"},
            ]
        },
    },
)
def create_policy(ask: Ask) -> Any:
    """Add a policy; ladders it does not name are those of the default one."""
    return Reply(policies_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getPolicy", tag=TAG, right="settings.read", answers={200: PolicyOut})
def get_policy(ask: Ask, policy_id: int) -> Any:
    """One policy."""
    return policies_query.view(ask.session, policies_query.find(ask.session, policy_id))


@route(
    "PATCH",
    _ONE,
    "changePolicy",
    tag=TAG,
    right=RIGHT,
    body=PolicyChange,
    answers={200: PolicyOut},
    example={"targets": {"accept": {"business": "PT4H"}}},
)
def change_policy(ask: Ask, policy_id: int) -> Any:
    """Change a policy for work that is given from now on."""
    return policies_operations.change(ask.session, ask.caller, policy_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deletePolicy", tag=TAG, right=RIGHT, answers={204: None})
def delete_policy(ask: Ask, policy_id: int) -> Any:
    """Delete a policy that no work was ever given under."""
    policies_operations.remove(ask.session, ask.caller, policy_id, now=ask.now)
