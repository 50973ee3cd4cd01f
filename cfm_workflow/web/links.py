"""The pages behind signed links: GET shows what a link is for, POST does it. No sign-in, no session, no cookie.

Mail scanners open every link, so GET never changes anything. There is nothing to forge a request with (CSRF): what
authorises it is the token in the path, which only who was sent the mail knows, and no cookie comes along by itself.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from cfm_workflow import clock
from cfm_workflow.errors import Busy, CfmError, IncompleteTransition, Invalid, TooMany
from cfm_workflow.operations import links
from cfm_workflow.operations.links import Look, Standing, UnusableLink
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.links import BadLink, ExpiredLink, LinkSigner, Purpose, SignedLink
from cfm_workflow.service import Service
from cfm_workflow.texts import LANGUAGES, instant, mark, spoken, translations, zone_named
from cfm_workflow.web import link_forms
from cfm_workflow.web.kinds import LEVELS, SECTIONS
from cfm_workflow.web.link_forms import Filled, Mistake

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 128 * 1024
"""Four texts of the greatest length, each character of which takes twelve bytes in a form."""
EXCERPT: Final = 400

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src data:",  # the empty icon
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}

log = structlog.get_logger()

blueprint = Blueprint("links", __name__, template_folder="templates", url_prefix="/l")


def register(app: Flask) -> None:
    """Add the pages to the application."""
    app.register_blueprint(blueprint)


@blueprint.after_request
def protect(response: Response) -> Response:
    """The headers of every answer under this address."""
    response.headers.update(HEADERS)
    return response


@blueprint.route("/<token>", methods=["GET"], endpoint="page", provide_automatic_options=False)
def page(token: str) -> Response:
    """What the link is about, with its button or form."""
    now = clock.now()
    return _page(_looked_at(_signed(token, now), now))


@blueprint.route("/<token>", methods=["POST"], endpoint="act", provide_automatic_options=False)
def act(token: str) -> Response:
    """Do what the link is for, and say what came of it; what cannot be done leaves everything as it is."""
    now = clock.now()
    signed = _signed(token, now)
    filled = link_forms.read(_looked_at(signed, now), _form(signed.purpose))
    if filled.mistakes:
        return _page(_looked_at(signed, now), filled, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        done = _service().database.transaction(lambda session: links.use(session, signed, filled.says, now=now))
    except (Invalid, IncompleteTransition) as refused:
        again = link_forms.after_refusal(filled, refused)
        return _page(_looked_at(signed, now), again, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except (BadLink, UnusableLink, Busy):
        raise
    except CfmError:  # the action has moved on since the page was made, which now says where to
        return _page(_looked_at(signed, now), filled, status=HTTPStatus.CONFLICT)
    return _page(done, done=True)


def _service() -> Service:
    service: Service = current_app.extensions["cfm_service"]
    return service


def _signed(token: str, now: datetime) -> SignedLink:
    """What the token says, before anything is read. Only those whose tokens are none are slowed down."""
    try:
        return LinkSigner(_service().ring).verify(token, now=now)
    except BadLink:
        failures: Failures = current_app.extensions["cfm_failures"]
        address = request.remote_addr or ""
        failures.check(address, now)
        failures.count(address, now)
        raise


def _looked_at(signed: SignedLink, now: datetime) -> Look:
    with _service().database.reading() as session:
        return links.look(session, signed, now=now)


def _form(purpose: Purpose) -> Mapping[str, str]:
    request.max_content_length = FORM_BYTES
    if purpose is Purpose.WEEKLY_REPORT:  # it asks for nothing, and mail programs post in shapes of their own
        return {}
    if request.mimetype not in (FORM, ""):
        raise UnsupportedMediaType
    return request.form


# --- how it looks ---

_TEMPLATES: Final = {
    Purpose.PREFERENCES: "links/preferences.html",
    Purpose.SNOOZE: "links/snooze.html",
    Purpose.WEEKLY_REPORT: "links/weekly_report.html",
}
_REMARKS: Final[Mapping[Standing, str]] = {
    Standing.USED: mark("This link was used already."),
    Standing.VOID: mark("This link is not valid any more."),
    Standing.CLOSED: mark("This is not possible now."),
}
_DONE: Final[Mapping[Purpose, str]] = {
    Purpose.ACCEPT: mark("Thank you. This work is yours now."),
    Purpose.COMPLETE: mark("Thank you. What you said is recorded."),
    Purpose.COMMENT: mark("Thank you. Your comment is recorded."),
    Purpose.PREFERENCES: mark("Saved."),
    Purpose.ACKNOWLEDGE: mark("Thank you. It is quiet for two business days."),
    Purpose.SNOOZE: mark("You will be reminded again."),
    Purpose.WEEKLY_REPORT: mark("You get no more weekly reports by mail."),
    Purpose.GRANT: mark("Thank you. The due date is moved."),
}
_LABELS: Final[Mapping[str, str]] = {
    "outcome": mark("Outcome"),
    "reason": mark("Reason"),
    "resolution": mark("Resolution"),
    "root_cause": mark("Root cause"),
    "comment": mark("Comment"),
}

_SNOOZES: Final[Mapping[str, str]] = {
    "hour": mark("In 1 hour"),
    "day": mark("In 1 day"),
    "three_days": mark("In 3 days"),
}
"""The buttons of `links.SNOOZES`."""

_HINTS: Final[Mapping[str, str]] = {"reason": mark("Some outcomes need one.")}


def _page(look: Look, filled: Filled | None = None, *, status: int = HTTPStatus.OK, done: bool = False) -> Response:
    gone = look.standing in (Standing.USED, Standing.VOID) and not done
    language = spoken(look.reader.language)
    shown = render_template(
        _TEMPLATES.get(look.purpose, "links/action.html"),
        **_words(language),
        look=look,
        filled=filled or Filled(),
        is_open=not done and (look.standing is Standing.OPEN or (not gone and filled is not None)),
        remark=_DONE[look.purpose] if done else _REMARKS.get(look.standing),
        is_done=done,
        asked=link_forms.asked(look),
        required=link_forms.required(look),
        labels=_LABELS,
        hints=_HINTS,
        snoozes=_SNOOZES,
        sections=SECTIONS,
        levels=LEVELS,
        shortened=_shortened,
        steps=lambda look: _steps(look, language),
        usual=lambda held: _usual(held, language),
        instant=lambda moment: instant(moment, language, zone_named(look.reader.time_zone)),
    )
    return _answer(shown, HTTPStatus.GONE if gone else status)


def _words(language: str) -> dict[str, Any]:
    """What every template needs to speak the reader's language."""
    gettext = translations(language).gettext

    def said(mistake: Mistake) -> str:
        return gettext(mistake.sentence) % mistake.facts

    return {"_": gettext, "said": said, "language": language}


def _shortened(text: str) -> str:
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()}…"


def _steps(look: Look, language: str) -> str:
    """What could be done by other means, in the words of the workflow."""
    assert look.definition is not None
    return ", ".join(look.definition.transitions[name].label[language] for name in look.possible)


def _usual(held: Mapping[str, Any], language: str) -> str:
    """The level that holds without a choice; all of them where it depends on how one stands to it."""
    levels = set(held["relations"].values())
    gettext = translations(language).gettext
    return " / ".join(gettext(label) for level, label in LEVELS.items() if level in levels)


def _answer(shown: str, status: int) -> Response:
    return make_response(shown, status)


_PROBLEMS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], HTTPStatus, str, str], ...]] = (
    (
        BadLink,
        HTTPStatus.NOT_FOUND,
        mark("This link leads nowhere"),
        mark("A part of it may have been lost. Please open it from the mail once more, or copy all of it."),
    ),
    (
        ExpiredLink,
        HTTPStatus.GONE,
        mark("This link has expired"),
        mark("Links in mails hold for some time only. If there is a next mail about this, it brings a new one."),
    ),
    (
        TooMany,
        HTTPStatus.TOO_MANY_REQUESTS,
        mark("Too many attempts"),
        mark("Please wait a minute and try again."),
    ),
    (
        RequestEntityTooLarge,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        mark("That was too much"),
        mark("Please shorten the text and send it again."),
    ),
    (
        UnsupportedMediaType,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        mark("This was not understood"),
        mark("Please use the form on the page."),
    ),
    (
        (Busy, OperationalError, InterfaceError),
        HTTPStatus.SERVICE_UNAVAILABLE,
        mark("This is not possible at the moment"),
        mark("Please try again in a moment."),
    ),
    (
        Exception,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        mark("Something went wrong here"),
        mark("It has been noted. Please try again in a moment."),
    ),
)
"""What went wrong before there was anything to show; the last row is for whatever stands in no other."""


@blueprint.errorhandler(UnusableLink)
def _unusable(error: UnusableLink) -> Response:
    """Somebody was faster with the same link, or it became void meanwhile."""
    return _page(error.look)


@blueprint.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """A page instead of a problem for programs. The address is the secret, so it is not in the log."""
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database cannot be reached", reason=type(error).__name__)
    elif not isinstance(error, CfmError | HTTPException):
        log.exception("a signed link failed", method=request.method)
    _, status, heading, sentence = next(row for row in _PROBLEMS if isinstance(error, row[0]))
    language = request.accept_languages.best_match(LANGUAGES) or _service().settings.language.value
    shown = render_template("links/problem.html", **_words(language), heading=heading, sentence=sentence)
    response = _answer(shown, status)
    if isinstance(error, Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    return response
