"""The text of a mail from a template, or as it was typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.letters.news import on_one_line
from cfm_workflow.models import Account
from cfm_workflow.policy import templates
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import templates as templates_query
from cfm_workflow.texts import mark, spoken, translations, zone_named

SUBJECT = mark("Your message to us")
SHARED = mark("Feedback #%(item)s")
SERVICE = mark("Customer care")


def template_named(session: Session, template_id: int | None) -> Any:
    """The template that a request names; None when it names none.

    Raises:
        Invalid: there is none that can be used.
    """
    if template_id is None:
        return None
    try:
        template = templates_query.find(session, template_id)
    except NotFound:
        raise Invalid({"template": ["must be the id of a template"]}) from None
    if not template.active:
        raise Invalid({"template": ["is not in use any more"]})
    if template.kind == "check":
        raise Invalid({"template": ["is for planned checks, which hold a link of their own"]})
    return template


def languages_for(session: Session, item: Any) -> list[str]:
    """In which languages a customer is written to, the best one first."""
    own = session.info.get("known", {}).get("language", "en")
    wanted = [item.customer_language, item.language, own]
    return list(dict.fromkeys(spoken(each) for each in wanted if each))


def language_for(session: Session, item: Any) -> str:
    """The best of them."""
    return languages_for(session, item)[0]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes a mail, None for the service itself, and by which clock they tell the day."""

    name: str | None
    zone: ZoneInfo


def sender_of(session: Session, caller: Caller) -> Sender:
    """Whose words `caller` sends; looked up once, for how many mails ever."""
    person = session.execute(select(Account.name, Account.time_zone).where(Account.id == caller.id)).one_or_none()
    zone = zone_named(person.time_zone if person is not None else calendars_query.default(session).time_zone)
    return Sender(None if person is None else person.name, zone)


def filled(
    sender: Sender,
    item: Any,
    template: Any,
    fields: Mapping[str, Any],
    language: str,
) -> tuple[str, str]:
    """Subject and body of a mail: as typed, else from the template.

    Raises:
        Invalid: there is neither.
    """
    values = values_of(sender, item, language)
    body = fields.get("body")
    if body is None and template is None:
        raise Invalid({"body": ["is required without a template"]})
    if body is None:
        body = templates.fill(template.body, values)
    subject = fields.get("subject")
    if subject is None and template is not None:
        subject = templates.fill(template.subject, values)
    if subject is None:
        said = SUBJECT if fields.get("to") in (None, "customer") else SHARED
        subject = translations(language).gettext(said) % {"item": item.id}
    return on_one_line(subject, limits.SUBJECT), body[: limits.MESSAGE]


def preview(session: Session, caller: Caller, item: Any, fields: Mapping[str, Any]) -> dict[str, str]:
    """How a mail to the customer of an item would read; nothing is queued.

    Raises:
        Invalid: the template cannot be used, or there is nothing to say.
    """
    template = template_named(session, fields.get("template"))
    language = template.language if template is not None else language_for(session, item)
    subject, body = filled(sender_of(session, caller), item, template, fields, language)
    return {"subject": subject, "body": body, "language": language}


def values_of(sender: Sender, item: Any, language: str) -> dict[str, str]:
    """What the variables of templates stand for, in a mail that `sender` writes about an item."""
    return templates.values_for(
        item,
        language=language,
        sender=sender.name or translations(language).gettext(SERVICE),
        received_on=item.received_at.astimezone(sender.zone).date(),
    )
