"""Where in the service something is to be seen. The only place that knows these addresses."""

from typing import Final

_PATHS: Final = {"action": "actions", "feedback": "feedback", "reminder": "reminders"}


def address_of(base_url: str, kind: str, ident: int) -> str:
    """The address of an `action`, a `feedback` item or a `reminder`."""
    return f"{base_url}/{_PATHS[kind]}/{ident}"


def entrance_of(base_url: str, token: str) -> str:
    """The address of a link that lets somebody in."""
    return f"{base_url}/enter/{token}"


def link_of(base_url: str, token: str) -> str:
    """The address of a signed link."""
    return f"{base_url}/l/{token}"
