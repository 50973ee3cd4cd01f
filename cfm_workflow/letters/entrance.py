"""The letters with a link that lets somebody in: to sign in, to choose a new password, to begin. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from babel.dates import format_timedelta

from cfm_workflow import texts
from cfm_workflow.letters.compose import SUBJECT, TEMPLATES, Letter
from cfm_workflow.letters.news import Reader, on_one_line
from cfm_workflow.letters.places import entrance_of
from cfm_workflow.texts import mark


@dataclass(frozen=True, slots=True)
class Entrance:
    """What such a letter is for (a purpose of signed links), whom it lets in, and for how long."""

    purpose: str
    name: str
    valid_for: timedelta


_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    # purpose: headline, what it is about, button
    "sign_in": (
        mark("Your link to sign in"),
        mark("Somebody, most likely you, asked for a link to sign in to %(address)s."),
        mark("Sign in"),
    ),
    "reset": (
        mark("Choose a new password"),
        mark("Somebody, most likely you, asked to choose a new password for %(address)s."),
        mark("Choose a password"),
    ),
    "invitation": (
        mark("You are invited to cfm-workflow"),
        mark("There is an account for you at %(address)s. Choose a password, and you can begin."),
        mark("Begin"),
    ),
}


def compose_entrance(entrance: Entrance, reader: Reader, *, base_url: str, token: str) -> Letter:
    """The letter; `token` is that of its link."""
    gettext = texts.translations(reader.language).gettext
    headline, about, button = (gettext(words) for words in _WORDS[entrance.purpose])
    span = format_timedelta(entrance.valid_for, locale=texts.spoken(reader.language), threshold=2)
    values = {
        "_": gettext,
        "language": texts.spoken(reader.language),
        "headline": headline,
        "greeting": gettext("Hello %(name)s,") % {"name": entrance.name},
        "about": about % {"address": base_url},
        "button": button,
        "address": entrance_of(base_url, token),
        "valid": gettext("The link works once, within %(span)s.") % {"span": span},
        "is_asked_for": entrance.purpose != "invitation",
    }
    return Letter(
        subject=on_one_line(headline, SUBJECT),
        text=TEMPLATES.get_template("entrance.txt").render(values),
        html=TEMPLATES.get_template("entrance.html").render(values),
        feedback_id=None,
        preferences=None,
    )
