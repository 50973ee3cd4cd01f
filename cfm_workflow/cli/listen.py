"""`cfm listen` and `cfm trigger`: events to a developer's own address, as a webhook would bring them. No database."""

import difflib
import secrets
import threading
from pathlib import Path
from urllib.parse import urlsplit

import click

from cfm_workflow import clock
from cfm_workflow import settings as settings_room
from cfm_workflow.api.event_samples import sample
from cfm_workflow.delivery.listening import Following, Forwarding
from cfm_workflow.errors import Invalid
from cfm_workflow.ledger import freeze
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.security import signing
from cfm_workflow.security.tokens import well_formed

TOKEN = "CFM_TOKEN"  # noqa: S105 - the name of a variable


def _http(ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    try:
        parts = urlsplit(value or "http://unset")
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right:
        raise click.BadParameter("must be an address that begins with http:// or https://")
    return value


def _secret(ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    try:
        return value if value is None or signing.key_of(value) else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


forward_option = click.option("--forward", metavar="URL", callback=_http, help="Where to post events to, signed.")
secret_option = click.option(
    "--secret", metavar="whsec_...", callback=_secret, help="What to sign with; a new one each time without it."
)


@click.command()
@click.option("--forward", metavar="URL", required=True, callback=_http, help="Where to post events to, signed.")
@click.option("--types", help="Which ones, parted by commas: action.*,feedback.resolved. Without it: all.")
@click.option("--after", default="latest", show_default=True, help="A position to begin behind; 0 is the beginning.")
@click.option("--server", metavar="URL", callback=_http, help="The running server; CFM_BASE_URL without it.")
@click.option("--token", envvar=TOKEN, show_envvar=True, help="Of an administrator, or with the scope events:read.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token.")
@secret_option
def listen(
    forward: str,
    types: str | None,
    after: str,
    server: str | None,
    token: str | None,
    token_file: Path | None,
    secret: str | None,
) -> None:
    """Post the events of a running server to a local address, signed as a webhook would be.

    For developers whom the server cannot reach. Each event comes once and in order, also when the server is started
    again meanwhile; what the receiver did not take is not sent again. Ends with Ctrl-C.
    """
    wanted = {"after": after} | ({"types": types} if types else {})
    following = Following(
        server or settings_room.load().base_url,
        _token(token, token_file),
        wanted=wanted,
        say=lambda sentence: click.echo(sentence, err=True),
        stopped=threading.Event(),
    )
    forwarding = _forwarding(forward, secret)
    for event in following.events():
        answer = forwarding.send(event.id, event.body, now=clock.now())
        click.echo(f"{event.position}  {event.type}  {event.id}  {answer}")


@click.command()
@click.argument("event_type", metavar="TYPE")
@forward_option
@secret_option
def trigger(event_type: str, forward: str | None, secret: str | None) -> None:
    """Make a sample event of a type: print it, or post it to a local address, signed as a webhook would be.

    Nothing happens on any server; the sample tells of people and work that do not exist.
    """
    event = sample(_known(event_type), EVENT_TYPES[event_type])
    event_id = "evt_" + secrets.token_hex(16)  # receivers know events by their id: each is another one
    now = clock.now()
    body = freeze(event | {"timestamp": now, "data": event["data"] | {"event_id": event_id}})
    if forward is None:
        click.echo(body)
        return
    answer = _forwarding(forward, secret).send(event_id, body.encode(), now=now)
    click.echo(f"{event_type}  {event_id}  {answer}")


def _token(token: str | None, file: Path | None) -> str:
    """The token given, in one of the three ways."""
    found = file.read_text(encoding="utf-8", errors="replace").strip() if file is not None else token
    if not found:
        raise Invalid({"--token": [f"is needed, or --token-file, or {TOKEN} in the environment"]})
    if not well_formed(found):
        raise Invalid({"--token": ["is no token: one begins with cfm_, and none of it may be missing"]})
    return found


def _forwarding(url: str, secret: str | None) -> Forwarding:
    if secret is None:
        secret = signing.new_secret()
        click.echo(f"Signed with {secret}", err=True)
    return Forwarding(url, secret)


def _known(event_type: str) -> str:
    if event_type in EVENT_TYPES:
        return event_type
    closest = difflib.get_close_matches(event_type, EVENT_TYPES, n=1)
    hint = f"did you mean {closest[0]}? " if closest else ""
    raise click.BadParameter(f"there is no {event_type}; {hint}There are {', '.join(sorted(EVENT_TYPES))}.")
