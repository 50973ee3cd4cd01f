"""What goes wrong, in words that a reader understands and in their language; never a stack trace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import structlog
from flask import request
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NoSuchPage

from cfm_workflow.errors import (
    Busy,
    CfmError,
    Conflict,
    Forbidden,
    IncompleteTransition,
    Invalid,
    NotFound,
    NotPermittedTransition,
    RefusedTransition,
    Stale,
    TooLarge,
    TooMany,
)
from cfm_workflow.queries.when import NOT_UNDERSTOOD
from cfm_workflow.security.links import BadLink, ExpiredLink
from cfm_workflow.texts import mark
from cfm_workflow.web.speech import say

if TYPE_CHECKING:
    from cfm_workflow.web.pages import Shown

log = structlog.get_logger()


class NotOurs(CfmError):
    """A form that no page of ours made for this browser, or one that is too old."""

    def __init__(self) -> None:
        super().__init__("This form is too old.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form is shown again: a sentence for all of it, and one per field, in the reader's language."""

    status: int
    sentence: str
    errors: Mapping[str, str] = field(default_factory=dict)


NO_PROBLEM: Final = Problem(200, "")

_Row = tuple[type[Exception] | tuple[type[Exception], ...], HTTPStatus, str, str]

_ROWS: Final[tuple[_Row, ...]] = (
    (
        (BadLink, ExpiredLink),
        HTTPStatus.GONE,
        mark("This link does not work any more"),
        mark("It was used, has expired, or a part of it was lost. Ask for a new one on the page of signing in."),
    ),
    (
        NotOurs,
        HTTPStatus.FORBIDDEN,
        mark("This page was open for too long"),
        mark("Please go back, load it again and send it once more. What you typed is still there."),
    ),
    (
        (Forbidden, NotPermittedTransition),
        HTTPStatus.FORBIDDEN,
        mark("You may not do this"),
        mark("An administrator or the lead of the team can tell you who may."),
    ),
    (
        (NotFound, NoSuchPage),
        HTTPStatus.NOT_FOUND,
        mark("There is nothing here"),
        mark("It may have been deleted, or you may not see it."),
    ),
    (
        TooMany,
        HTTPStatus.TOO_MANY_REQUESTS,
        mark("Too many attempts"),
        mark("Please wait a minute and try again."),
    ),
    (
        (TooLarge, RequestEntityTooLarge),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        mark("That was too much"),
        mark("Please shorten the text and send it again."),
    ),
    (
        Invalid,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        mark("This is not right yet"),
        mark("Please look at what is marked below."),
    ),
    (
        IncompleteTransition,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        mark("Something is missing"),
        mark("Please look at what is marked below."),
    ),
    (
        Stale,
        HTTPStatus.CONFLICT,
        mark("It has changed meanwhile"),
        mark(
            "Somebody changed it while you were looking at it. Please look at it again; what you typed is still there."
        ),
    ),
    (
        (Conflict, RefusedTransition),
        HTTPStatus.CONFLICT,
        mark("This is not possible now"),
        mark("It has changed since this page was made. Please look at it again."),
    ),
    (
        (Busy, OperationalError, InterfaceError),
        HTTPStatus.SERVICE_UNAVAILABLE,
        mark("This is not possible at the moment"),
        mark("Please try again in a moment."),
    ),
    (
        (CfmError, HTTPException),
        HTTPStatus.BAD_REQUEST,
        mark("This was not understood"),
        mark("Please use the form on the page."),
    ),
    (
        Exception,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        mark("Something went wrong here"),
        mark("It has been noted. Please try again in a moment."),
    ),
)
"""The first row that fits: what a page says instead of what was wanted."""

NOT_A_TIME: Final = mark("Not understood. Write a time to come, such as “tomorrow 17:00”, “in 2 hours” or “Fri 15:30”.")
_FIELD_WORDS: Final[Mapping[str, str]] = {
    "is required":                mark("Please fill this in."),
    "is required by this transition": mark("Please fill this in."),
    "Missing data for required field.": mark("Please fill this in."),
    "must not be empty":          mark("Please fill this in."),
    NOT_UNDERSTOOD:               NOT_A_TIME,
    "must be an e-mail address":  mark("Please enter an e-mail address."),
    "must be in the future":      mark("Please choose a time that is still to come."),
    "must be later than the due date it has": mark("Please choose a time after the due date it has."),
    "due_at, due_in or due_on is needed": mark("Please fill this in."),
    "must be the id or e-mail address of a user": mark("There is no such person."),
    "must be the id or key of a team": mark("There is no such team."),
}  # fmt: skip
WRONG: Final = mark("This is not right.")


def row_of(error: Exception) -> _Row:
    """How an error is told."""
    return next(row for row in _ROWS if isinstance(error, row[0]))


def problem_of(error: CfmError) -> Problem:
    """An error that is told beside the form that led to it."""
    _, status, heading, sentence = row_of(error)
    if isinstance(error, Invalid):
        return Problem(status, say(sentence), {name: said_of(said) for name, said in error.errors.items()})
    if isinstance(error, IncompleteTransition):
        missing = {name: say(_FIELD_WORDS["is required"]) for name in error.missing}
        return Problem(status, say(sentence), missing)
    return Problem(status, f"{say(heading)}. {say(sentence)}")


def said_of(sentences: Any) -> str:
    """What is wrong with a field. What a page says itself is in the catalogue; what the API says is told by what it
    means."""
    first = str(sentences[0]).strip() if sentences else ""
    if first in _FIELD_WORDS:
        return say(_FIELD_WORDS[first])
    translated = say(first)
    return translated if translated != first or first[:1].isupper() else say(WRONG)


def page_of(error: Exception) -> "Shown":
    """A page, or a fragment for the region of messages, that says what went wrong."""
    from cfm_workflow.web.pages import Shown

    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database cannot be reached", reason=type(error).__name__)
    elif not isinstance(error, CfmError | HTTPException):
        log.exception("a page failed", page=str(request.url_rule), method=request.method)
    _, status, heading, sentence = row_of(error)
    values = {
        "heading": say(heading),
        "sentence": say(sentence),
        "right": error.right if isinstance(error, Forbidden) else None,
        "status": status.value,
    }
    headers = retry_after(error) | {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"}
    return Shown("problem.html", values, fragment="parts/problem.html", status=status.value, headers=headers)


def retry_after(error: Exception) -> dict[str, str]:
    """When asking again makes sense, as a header."""
    return {"Retry-After": str(error.retry_after)} if isinstance(error, Busy) else {}


def encoded(**query: str) -> str:
    """A query string."""
    return urlencode(query)
