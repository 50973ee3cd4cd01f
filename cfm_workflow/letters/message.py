"""The letter that is a person's own words, with what the service adds to them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cfm_workflow import texts
from cfm_workflow.letters.compose import TEMPLATES
from cfm_workflow.policy.templates import LINK, fill


@dataclass(frozen=True, slots=True)
class Addition:
    """What stands below the words: whose share it is and until when it can be read; where to unsubscribe."""

    shared_by: str | None = None
    until: str | None = None


def compose_message(
    body: str, language: str, *, headline: str, links: Mapping[str, str], addition: Addition
) -> tuple[str, str]:
    """Text and HTML. `links` are addresses by purpose; that of a `check` stands where the body says so."""
    gettext = texts.translations(language).gettext
    values = {
        "_": gettext,
        "language": texts.spoken(language),
        "headline": headline,
        "parts": fill(body, {LINK: "\0"}).split("\0") if "check" in links else [body],
        "links": links,
        "addition": addition,
    }
    text, html = (TEMPLATES.get_template(f"message.{kind}").render(values) for kind in ("txt", "html"))
    return text, html


def message_headers(
    *, thread: str, previous: str | None, unsubscribe: str | None, is_automatic: bool
) -> dict[str, str]:
    """The headers of such a letter beside the usual ones.

    What was written to the same person about the same item is one conversation (RFC 5322, 3.6.4). Where there is an
    address to `unsubscribe`, one click is enough (RFC 8058).
    """
    found = {"References": f"{thread} {previous}" if previous else thread, "In-Reply-To": previous or thread}
    if is_automatic:
        found |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if unsubscribe is not None:
        found |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return found
