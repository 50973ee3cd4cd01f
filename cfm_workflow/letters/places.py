"""Where in the service something is to be seen. The only place that knows these addresses."""

from typing import Final

_PATHS: Final = {"action": "actions", "feedback": "feedback", "reminder": "reminders"}
_FOR_LETTERS: Final = {"share": "s", "unsubscribe": "u", "check": "c"}


def address_of(base_url: str, kind: str, ident: int) -> str:
    """The address of an `action`, a `feedback` item or a `reminder`."""
    return f"{base_url}/{_PATHS[kind]}/{ident}"


def entrance_of(base_url: str, token: str) -> str:
    """The address of a link that lets somebody in."""
    return f"{base_url}/enter/{token}"


def letter_link_of(base_url: str, purpose: str, token: str) -> str:
    """The address of a signed link for somebody without an account: a `share`, `unsubscribe` or a `check`."""
    return f"{base_url}/{_FOR_LETTERS[purpose]}/{token}"


def link_of(base_url: str, token: str) -> str:
    """The address of a signed link."""
    return f"{base_url}/l/{token}"
