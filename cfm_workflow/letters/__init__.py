"""Letters: from what happened to subject, text and HTML in the reader's language. Pure: no sending, no database."""

from cfm_workflow.letters.compose import LINES, Letter, compose
from cfm_workflow.letters.digest import FIGURES, Digest, compose_digest
from cfm_workflow.letters.entrance import Entrance, compose_entrance
from cfm_workflow.letters.feed import EXCERPT, Entry, feed
from cfm_workflow.letters.headers import headers, message_id
from cfm_workflow.letters.message import Addition, compose_message, message_headers
from cfm_workflow.letters.news import Arrangement, Names, News, Reader, arrange
from cfm_workflow.letters.places import address_of, entrance_of, letter_link_of
from cfm_workflow.letters.trial import trial
from cfm_workflow.letters.weekly import Weekly, compose_weekly

__all__ = [
    "EXCERPT",
    "FIGURES",
    "LINES",
    "Addition",
    "Arrangement",
    "Digest",
    "Entrance",
    "Entry",
    "Letter",
    "Names",
    "News",
    "Reader",
    "Weekly",
    "address_of",
    "arrange",
    "compose",
    "compose_digest",
    "compose_entrance",
    "compose_message",
    "compose_weekly",
    "entrance_of",
    "feed",
    "headers",
    "letter_link_of",
    "message_headers",
    "message_id",
    "trial",
]
