"""What templates may hold: `{{ name }}` of a known variable, and nothing else that looks like code. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from babel.dates import format_date

VARIABLES: Final = (
    "customer.name",
    "customer.greeting",
    "feedback.id",
    "feedback.text",
    "feedback.received_on",
    "sender.name",
    "link",
)
LINK: Final = "link"
"""Where a check is answered. It is put in when the mail is written: what is stored holds no secret."""

KINDS: Final = ("reply", "thank_you", "solved", "check", "unasked")
EXCERPT: Final = 400

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LEFT: Final = re.compile(r"\{\{|\}\}")


def mistakes(subject: str, body: str, *, kind: str) -> dict[str, list[str]]:
    """Per field what is wrong with a template, in sentences; nothing when it can be filled."""
    found = {name: wrong for name, text in (("subject", subject), ("body", body)) if (wrong := _wrong(text))}
    if kind == "check" and not found and LINK not in _used(body):
        found["body"] = ["must hold {{ link }}, where the customer answers"]
    if LINK in _used(subject) or (kind != "check" and LINK in _used(body)):
        field = "subject" if LINK in _used(subject) else "body"
        found.setdefault(field, []).append("may hold {{ link }} only in the body of a template of the kind check")
    return found


def _used(text: str) -> set[str]:
    return set(_VARIABLE.findall(text))


def _wrong(text: str) -> list[str]:
    unknown = sorted(_used(text) - set(VARIABLES))
    known = ", ".join(VARIABLES)
    wrong = [f"does not know the variable {name or '(empty)'}; there are {known}" for name in unknown]
    if _LEFT.search(_VARIABLE.sub("", text)):
        wrong.append("holds {{ or }} that belong to no variable")
    return wrong


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced; those without a value stay. What is put in is not looked at again."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def values_for(item: Any, *, language: str, sender: str, received_on: date) -> dict[str, str]:
    """What the variables stand for in a mail about a feedback item; `link` is not among them.

    A Korean name is followed by 님; a customer without a name is 고객님.
    """
    name = " ".join((item.customer_name or "").split())
    text = item.text if len(item.text) <= EXCERPT else f"{item.text[:EXCERPT].rstrip()}…"
    if language == "ko":
        called, greeting = (name or "고객"), f"{name or '고객'}님"
    else:
        called, greeting = (name or "customer"), f"Dear {name or 'customer'}"
    return {
        "customer.name": called,
        "customer.greeting": greeting,
        "feedback.id": str(item.id),
        "feedback.text": text,
        "feedback.received_on": format_date(received_on, "long", locale=language),
        "sender.name": sender,
    }
