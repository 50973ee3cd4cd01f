"""Where in the service something is to be seen. The only place that knows these addresses."""

from typing import Final

_PATHS: Final = {"action": "actions", "feedback": "feedback", "reminder": "reminders"}
LISTS: Final = {
    "/actions": "/supervision/actions",
    "/feedback": "/supervision/feedback",
    "/reports/stays": "/supervision/stays",
}
"""The pages of the lists behind figures, by the path of the API that reports name."""
WEEKLY: Final = "/supervision/weekly"
_FOR_LETTERS: Final = {"share": "s", "unsubscribe": "u", "check": "c"}


def address_of(base_url: str, kind: str, ident: int) -> str:
    """The address of an `action`, a `feedback` item or a `reminder`."""
    return f"{base_url}/{_PATHS[kind]}/{ident}"


def list_of(base_url: str, rows: str) -> str:
    """The page that lists what a figure counts; `rows` as reports name it."""
    path, mark, query = rows.partition("?")
    return f"{base_url}{LISTS[path]}{mark}{query}"


def report_of(base_url: str, week: str) -> str:
    """The page of a weekly report."""
    return f"{base_url}{WEEKLY}?week={week}"


def definition_of(base_url: str, week: str, figure: str) -> str:
    """The place in the page of a weekly report that says what a figure counts."""
    return f"{report_of(base_url, week)}&means={figure}#{figure}"


def entrance_of(base_url: str, token: str) -> str:
    """The address of a link that lets somebody in."""
    return f"{base_url}/enter/{token}"


def letter_link_of(base_url: str, purpose: str, token: str) -> str:
    """The address of a signed link for somebody without an account: a `share`, `unsubscribe` or a `check`."""
    return f"{base_url}/{_FOR_LETTERS[purpose]}/{token}"


def link_of(base_url: str, token: str) -> str:
    """The address of a signed link."""
    return f"{base_url}/l/{token}"
