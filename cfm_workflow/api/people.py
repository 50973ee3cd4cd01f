"""Routes of users, teams, integrations and the tokens of both."""

from typing import Any

from cfm_workflow import access
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.forms.people import (
    IntegrationIn,
    IntegrationOut,
    NewIntegrationOut,
    NewTokenOut,
    TeamChange,
    TeamIn,
    TeamOut,
    TokenIn,
    TokenOut,
    UserChange,
    UserIn,
    UserOut,
    UserQuery,
    UserWithAbsenceOut,
)
from cfm_workflow.operations import people as people_operations
from cfm_workflow.operations import tokens as tokens_operations
from cfm_workflow.queries import absences as absences_query
from cfm_workflow.queries import people as people_query

TAG = "people"
_USER = "/users/<id:user_id>"
_TEAM = "/teams/<id:team_id>"
_INTEGRATION = "/integrations/<id:integration_id>"


@route("GET", "/users", "listUsers", tag=TAG, right="people.read", query=UserQuery, answers={200: page_of(UserOut)})
def list_users(ask: Ask) -> Any:
    """People, switched off or not."""
    return people_query.users(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/users",
    "createUser",
    tag=TAG,
    right="people.manage",
    body=UserIn,
    answers={201: UserOut},
    example={"email": "ada@example.com", "name": "Ada", "role": "agent", "teams": ["care"]},
)
def create_user(ask: Ask) -> Any:
    """Add a person."""
    settings = ask.service.settings
    defaults = {"language": settings.language.value, "time_zone": str(settings.time_zone)}
    return Reply(people_operations.create_user(ask.session, ask.caller, defaults | dict(ask.body), now=ask.now), 201)


@route("GET", _USER, "getUser", tag=TAG, right="people.read", answers={200: UserWithAbsenceOut})
def get_user(ask: Ask, user_id: int) -> Any:
    """One person; and if they are away now, until when and who stands in."""
    seen = people_query.user_view(ask.session, people_query.find_user(ask.session, user_id))
    return seen | absences_query.current(ask.session, user_id, now=ask.now)


@route(
    "PATCH",
    _USER,
    "changeUser",
    tag=TAG,
    right="people.manage",
    body=UserChange,
    answers={200: UserOut},
    example={"role": "supervisor", "supervises": ["care"]},
)
def change_user(ask: Ask, user_id: int) -> Any:
    """Change a person; `active: false` ends their tokens at once."""
    return people_operations.change_user(ask.session, ask.caller, user_id, ask.body, now=ask.now)


@route("DELETE", _USER, "deleteUser", tag=TAG, right="people.manage", answers={204: None})
def delete_user(ask: Ask, user_id: int) -> Any:
    """Switch a person off for good; the history keeps their name."""
    people_operations.remove_user(ask.session, ask.caller, user_id, now=ask.now)


@route(
    "GET",
    f"{_USER}/tokens",
    "listTokensOfUser",
    tag=TAG,
    right="self.read",
    query=PageQuery,
    answers={200: page_of(TokenOut)},
)
def list_tokens(ask: Ask, user_id: int) -> Any:
    """The tokens of a person, without their secrets."""
    people_query.find_user(ask.session, user_id)
    tokens_operations.require_owner(ask.caller, user_id)
    return people_query.tokens(ask.session, user_id, ask.query).as_answer()


@route(
    "POST",
    f"{_USER}/tokens",
    "createTokenOfUser",
    tag=TAG,
    right="self.manage",
    body=TokenIn,
    answers={201: NewTokenOut},
    secret=True,
    example={"name": "dashboard", "scopes": ["actions:read"]},
)
def create_token(ask: Ask, user_id: int) -> Any:
    """Make a token for a person; its secret is shown this once."""
    people_query.find_user(ask.session, user_id)
    return Reply(tokens_operations.create(ask.session, ask.caller, user_id, ask.body, now=ask.now), 201)


@route(
    "DELETE",
    f"{_USER}/tokens/<id:token_id>",
    "deleteTokenOfUser",
    tag=TAG,
    right="self.manage",
    answers={204: None},
)
def delete_token(ask: Ask, user_id: int, token_id: int) -> Any:
    """End a token at once."""
    tokens_operations.revoke(ask.session, ask.caller, user_id, token_id, now=ask.now)


@route("GET", "/teams", "listTeams", tag=TAG, right="people.read", query=PageQuery, answers={200: page_of(TeamOut)})
def list_teams(ask: Ask) -> Any:
    """Teams with their members."""
    return people_query.teams(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/teams",
    "createTeam",
    tag=TAG,
    right="people.manage",
    body=TeamIn,
    answers={201: TeamOut},
    example={"key": "care", "name": "Customer care", "mode": "pool", "lead": "sam@example.com", "members": []},
)
def create_team(ask: Ask) -> Any:
    """Add a team."""
    return Reply(people_operations.create_team(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _TEAM, "getTeam", tag=TAG, right="people.read", answers={200: TeamOut})
def get_team(ask: Ask, team_id: int) -> Any:
    """One team."""
    return people_query.team_view(ask.session, people_query.find_team(ask.session, team_id))


@route(
    "PATCH",
    _TEAM,
    "changeTeam",
    tag=TAG,
    right="people.manage",
    body=TeamChange,
    answers={200: TeamOut},
    example={"mode": "round_robin"},
)
def change_team(ask: Ask, team_id: int) -> Any:
    """Change a team; `members` replaces the whole list."""
    return people_operations.change_team(ask.session, ask.caller, team_id, ask.body, now=ask.now)


@route("DELETE", _TEAM, "deleteTeam", tag=TAG, right="people.manage", answers={204: None})
def delete_team(ask: Ask, team_id: int) -> Any:
    """Delete a team that never had work."""
    people_operations.delete_team(ask.session, ask.caller, team_id, now=ask.now)


@route(
    "GET",
    "/integrations",
    "listIntegrations",
    tag=TAG,
    right="people.manage",
    query=PageQuery,
    answers={200: page_of(IntegrationOut)},
)
def list_integrations(ask: Ask) -> Any:
    """Programs with an account of their own."""
    return people_query.integrations(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/integrations",
    "createIntegration",
    tag=TAG,
    right="people.manage",
    body=IntegrationIn,
    answers={201: NewIntegrationOut},
    secret=True,
    example={"name": "CRM", "scopes": ["feedback:write", "events:read"]},
)
def create_integration(ask: Ask) -> Any:
    """Add an integration; the secret of its token is shown this once."""
    return Reply(tokens_operations.create_integration(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _INTEGRATION, "getIntegration", tag=TAG, right="people.manage", answers={200: IntegrationOut})
def get_integration(ask: Ask, integration_id: int) -> Any:
    """One integration."""
    return people_query.integration_view(people_query.find_integration(ask.session, integration_id))


@route("DELETE", _INTEGRATION, "deleteIntegration", tag=TAG, right="people.manage", answers={204: None})
def delete_integration(ask: Ask, integration_id: int) -> Any:
    """Switch an integration off and end its tokens."""
    tokens_operations.remove_integration(ask.session, ask.caller, integration_id, now=ask.now)


@route(
    "GET",
    f"{_INTEGRATION}/tokens",
    "listTokensOfIntegration",
    tag=TAG,
    right="people.manage",
    query=PageQuery,
    answers={200: page_of(TokenOut)},
)
def list_integration_tokens(ask: Ask, integration_id: int) -> Any:
    """The tokens of an integration, without their secrets."""
    people_query.find_integration(ask.session, integration_id)
    return people_query.tokens(ask.session, integration_id, ask.query).as_answer()


@route(
    "POST",
    f"{_INTEGRATION}/tokens",
    "createTokenOfIntegration",
    tag=TAG,
    right="people.manage",
    body=TokenIn,
    answers={201: NewTokenOut},
    secret=True,
    example={"name": "second", "expires_at": "2027-12-31T00:00:00Z"},
)
def create_integration_token(ask: Ask, integration_id: int) -> Any:
    """Make another token for an integration; its secret is shown this once."""
    people_query.find_integration(ask.session, integration_id)
    access.require(ask.caller, "people.manage")
    return Reply(tokens_operations.create(ask.session, ask.caller, integration_id, ask.body, now=ask.now), 201)


@route(
    "DELETE",
    f"{_INTEGRATION}/tokens/<id:token_id>",
    "deleteTokenOfIntegration",
    tag=TAG,
    right="people.manage",
    answers={204: None},
)
def delete_integration_token(ask: Ask, integration_id: int, token_id: int) -> Any:
    """End a token of an integration at once."""
    people_query.find_integration(ask.session, integration_id)
    tokens_operations.revoke(ask.session, ask.caller, integration_id, token_id, now=ask.now)
