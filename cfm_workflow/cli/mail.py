"""`cfm mail check`: whether mail gets out, and if not, at which stage it fails and what to do about it."""

from typing import Final

import click
from sqlalchemy import select

from cfm_workflow import clock, letters
from cfm_workflow.cli.opening import opened
from cfm_workflow.delivery import outbox
from cfm_workflow.delivery.email import Smtp
from cfm_workflow.delivery.message import Mail, Unsendable
from cfm_workflow.delivery.smtp import Failure, Stage
from cfm_workflow.errors import NotReady
from cfm_workflow.models import Account, Installation
from cfm_workflow.operations import mail
from cfm_workflow.service import Service
from cfm_workflow.settings import Settings

STAGES: Final[dict[Stage, tuple[str, str]]] = {
    Stage.CONNECT: (
        "connecting",
        "Are CFM_MAIL_SERVER and CFM_MAIL_PORT right, and may this machine go there? CFM_MAIL_TLS must fit the port:"
        " usually starttls is 587 and tls is 465.",
    ),
    Stage.HELLO: (
        "introducing ourselves (EHLO)",
        "Something answers, but not as a mail server should. CFM_MAIL_TLS may not fit the port, or the server talks to"
        " some addresses only.",
    ),
    Stage.STARTTLS: (
        "encrypting (STARTTLS)",
        "Does the server offer STARTTLS on this port? Its certificate must be good for the name in CFM_MAIL_SERVER and"
        " come from somebody this machine trusts (SSL_CERT_FILE names others).",
    ),
    Stage.SIGN_IN: (
        "signing in (AUTH)",
        "Are CFM_MAIL_USERNAME and CFM_MAIL_PASSWORD right? Many providers want a password made for programs.",
    ),
    Stage.SENDER: (
        "naming the sender (MAIL)",
        "The server takes no mail from CFM_MAIL_SENDER: it must be an address it knows; or one has to sign in first.",
    ),
    Stage.RECIPIENT: (
        "naming the recipient (RCPT)",
        "The server takes no mail to this address. If others fail as well, it may want CFM_MAIL_USERNAME first.",
    ),
    Stage.DATA: ("announcing the text (DATA)", "The server gives its reason above."),
    Stage.TEXT: ("handing over the text", "The server gives its reason above; it may take the message for unwanted."),
}
"""What each stage is called, and what to look at when it fails."""


@click.group()
def group() -> None:
    """Whether mail gets out."""


@group.command()
@click.option("--to", "address", help="Whom to send a test mail; the first administrator unless given.")
def check(address: str | None) -> None:
    """Connect, encrypt, sign in and send a test mail; say at which stage it failed."""
    with opened() as service:
        if service.settings.mail_server is None:
            folder = service.settings.instance / outbox.FOLDER
            click.echo(f"There is no mail server (CFM_MAIL_SERVER): mail is not sent but kept in {folder}.")
            return
        address = (address or _administrator(service)).strip()
        _send(service, address)
        place = _place(service.settings)
        click.echo(
            f"{place} took a mail to {address}. If it does not arrive, look where that address keeps unwanted mail."
        )
        if service.database.transaction(lambda session: mail.revive(session, address.lower())):
            click.echo(f"{address} was held for dead; mail is sent to it again.")


def _administrator(service: Service) -> str:
    first = select(Account.email).where(Account.role == "admin", Account.active).order_by(Account.id).limit(1)
    with service.database.reading() as session:
        found = session.scalars(first).one_or_none()
    if found is None:
        raise NotReady("There is no administrator to send a test mail to: name an address with --to.")
    return found


def _send(service: Service, address: str) -> None:
    settings, now = service.settings, clock.now()
    with service.database.reading() as session:
        installation = session.execute(select(Installation.created_at)).scalar_one().isoformat()
    subject, text, html = letters.trial(settings.language, base_url=settings.base_url)
    number = int(now.timestamp())
    ident = letters.message_id("check", number, installation=installation, base_url=settings.base_url)
    way = Smtp(settings)
    try:
        way.hand_over(Mail(number, address, subject, text, html, ident, now, {"Auto-Submitted": "auto-generated"}))
    except Unsendable as why:
        raise NotReady(f"This cannot be sent: {why}") from None
    except Failure as failure:
        raise NotReady(_explained(settings, failure)) from None
    finally:
        way.close()


def _place(settings: Settings) -> str:
    return f"{settings.mail_server}:{settings.mail_port} ({settings.mail_tls})"


def _explained(settings: Settings, failure: Failure) -> str:
    """A sentence on each line: where, what was said, what to do."""
    stage, hint = STAGES[failure.stage]
    if failure.stage is Stage.CONNECT and "CERTIFICATE" in failure.text:
        hint = STAGES[Stage.STARTTLS][1]
    said = " ".join(filter(None, [str(failure.code or ""), failure.text]))
    return f"{_place(settings)} failed at {stage}.\nIt said: {said}\n{hint}"
