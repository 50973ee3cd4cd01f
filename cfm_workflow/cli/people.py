"""`cfm user add`, `cfm token add`, `cfm integration add`: the first people and what they sign in with."""

import click

from cfm_workflow import access, clock
from cfm_workflow.cli.opening import CALLER, opened
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import ROLES, IntegrationIn, UserIn
from cfm_workflow.letters import entrance_of
from cfm_workflow.operations import links, people, tokens
from cfm_workflow.security.links import Purpose

SCOPE = click.Choice(access.SCOPES)


@click.group()
def user() -> None:
    """People."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What others see.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--team", "teams", multiple=True, help="A team to be a member of, by key; may be repeated.")
def add_user(email: str, name: str, role: str, teams: tuple[str, ...]) -> None:
    """Add a person and print their id."""
    with opened() as service:
        fields = load(UserIn(), {"email": email, "name": name, "role": role, "teams": list(teams)})
        ours = {"language": service.settings.language.value, "time_zone": service.settings.time_zone.key}
        now = clock.now()
        made = service.database.transaction(
            lambda session: people.create_user(session, CALLER, {**ours, **fields}, now=now)
        )
    click.echo(made["id"])


@user.command("link")
@click.argument("email")
def sign_in_link(email: str) -> None:
    """Print a link by which a person can sign in once, within 15 minutes."""
    with opened() as service:
        now = clock.now()
        issued = service.database.transaction(
            lambda session: links.issue(
                session,
                service.ring,
                account_id=people.named_user(session, email, field="email").id,
                purposes=[Purpose.SIGN_IN],
                action_id=None,
                now=now,
            )
        )
        click.echo(entrance_of(service.settings.base_url, issued[Purpose.SIGN_IN]))


@click.group()
def token() -> None:
    """What people and programs sign in with."""


@token.command("add")
@click.argument("email")
@click.option("--scope", "scopes", multiple=True, type=SCOPE, help="Narrows what it may do; may be repeated.")
def add_token(email: str, scopes: tuple[str, ...]) -> None:
    """Make a token of a person and print it: it is never shown again."""
    fields = {"name": "command line", "scopes": list(scopes) or None, "expires_at": None}
    now = clock.now()
    with opened() as service:
        made = service.database.transaction(
            lambda session: tokens.create(
                session, CALLER, people.named_user(session, email, field="email").id, fields, now=now
            )
        )
    click.echo(made["token"])


@click.group()
def integration() -> None:
    """Programs with rights of their own."""


@integration.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=SCOPE, help="A right it has; may be repeated.")
def add_integration(name: str, scopes: tuple[str, ...]) -> None:
    """Add a program and print its token: it is never shown again."""
    fields = load(IntegrationIn(), {"name": name, "scopes": list(scopes)})
    now = clock.now()
    with opened() as service:
        made = service.database.transaction(lambda session: tokens.create_integration(session, CALLER, fields, now=now))
    click.echo(made["token"])
