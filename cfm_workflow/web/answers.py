"""The page behind the link of a check: the customer says whether it is solved. GET shows, POST answers.

The customer has no account: the token in the path alone authorises the answer. Nothing of whoever works on it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from cfm_workflow import clock, limits
from cfm_workflow.forms.fields import storable
from cfm_workflow.operations import answers
from cfm_workflow.operations.answers import Question, Standing, VoidQuestion
from cfm_workflow.policy.closing import SCORES
from cfm_workflow.security.letter_links import LetterPurpose
from cfm_workflow.service import Service
from cfm_workflow.texts import instant, mark, spoken, translations
from cfm_workflow.web import letters, links

blueprint = Blueprint("answers", __name__, template_folder="templates", url_prefix="/c")

EXCERPT: Final = 1_000
SOLVED: Final = {"yes": True, "no": False}
ANSWERED: Final[Mapping[str, str]] = {
    "confirmed": mark("Thank you for telling us that it is solved."),
    "denied": mark("Thank you for telling us that it is not solved. We will look at it again."),
}
_CHOOSE: Final = mark("Please choose yes or no.")
_SCORE: Final = mark("Please choose one of the numbers, or none.")
_TOO_LONG: Final = mark("At most %(most)s characters; these are %(given)s.")
_UNSTORABLE: Final = mark("Some of these characters cannot be stored.")


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it came: what was typed, what it says to the operation, and what is wrong per field."""

    typed: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)
    mistakes: Mapping[str, tuple[str, Mapping[str, int]]] = field(default_factory=dict)


def register(app: Flask) -> None:
    """Add the page to the application."""
    app.register_blueprint(blueprint)


blueprint.after_request(links.protect)
blueprint.register_error_handler(Exception, links.failed)


@blueprint.route("/<token>", methods=["GET"], endpoint="page", provide_automatic_options=False)
def page(token: str) -> Response:
    """The question, with what was answered so far."""
    now = clock.now()
    return _show(_asked(letters.subject(token, LetterPurpose.CHECK, now), now))


@blueprint.route("/<token>", methods=["POST"], endpoint="act", provide_automatic_options=False)
def act(token: str) -> Response:
    """Keep the answer; one that cannot be understood changes nothing."""
    now = clock.now()
    message_id = letters.subject(token, LetterPurpose.CHECK, now)
    question = _asked(message_id, now)
    filled = read(_form())
    if filled.mistakes:
        return _show(question, filled, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    database = _service().database
    try:
        after = database.transaction(lambda session: answers.answer(session, message_id, filled.says, now=now))
    except VoidQuestion as void:
        after = void.question
    return _show(after)


def _service() -> Service:
    service: Service = current_app.extensions["cfm_service"]
    return service


def _asked(message_id: int, now: datetime) -> Question:
    with _service().database.reading() as session:
        return answers.look(session, message_id, now=now)


def _form() -> Mapping[str, str]:
    request.max_content_length = links.FORM_BYTES
    if request.mimetype not in (links.FORM, ""):
        raise UnsupportedMediaType
    return request.form


def read(form: Mapping[str, str]) -> Filled:
    """What was typed into the form; nothing is looked up."""
    typed = {name: form.get(name, "").strip() for name in ("solved", "score", "word")}
    mistakes: dict[str, tuple[str, Mapping[str, int]]] = {}
    if typed["solved"] not in SOLVED:
        mistakes["solved"] = (_CHOOSE, {})
    if typed["score"] and typed["score"] not in _scores():
        mistakes["score"] = (_SCORE, {})
    if len(typed["word"]) > limits.COMMENT:
        mistakes["word"] = (_TOO_LONG, {"most": limits.COMMENT, "given": len(typed["word"])})
    elif not _is_storable(typed["word"]):
        mistakes["word"] = (_UNSTORABLE, {})
    if mistakes:
        return Filled(typed, mistakes=mistakes)
    score = int(typed["score"]) if typed["score"] else None
    return Filled(typed, {"solved": SOLVED[typed["solved"]], "score": score, "word": typed["word"] or None})


def _show(question: Question, filled: Filled | None = None, *, status: int = HTTPStatus.OK) -> Response:
    """The page, in the language of the customer; with what was typed where it has to be corrected."""
    settings = _service().settings
    language = spoken(question.language or settings.language.value)
    gettext = translations(language).gettext
    check = question.check
    is_open = question.standing is Standing.OPEN
    shown = render_template(
        "links/check.html",
        _=gettext,
        language=language,
        said=lambda mistake: gettext(mistake[0]) % mistake[1],
        question=question,
        text=_shortened(question.text),
        is_open=is_open,
        answered=ANSWERED.get(check["answer"] or "") if is_open and filled is None else None,
        until=instant(check["expires_at"], language, settings.time_zone) if check["expires_at"] else None,
        typed=filled.typed if filled is not None else _kept(check),
        mistakes=filled.mistakes if filled is not None else {},
        scores=_scores(),
    )
    return make_response(shown, status if is_open else HTTPStatus.GONE)


def _kept(check: Mapping[str, Any]) -> Mapping[str, str]:
    """What was answered before, as it was typed."""
    solved = {"confirmed": "yes", "denied": "no"}.get(check["answer"] or "", "")
    score = "" if check["score"] is None else str(check["score"])
    return {"solved": solved, "score": score, "word": check["word"] or ""}


def _scores() -> list[str]:
    least, most = SCORES
    return [str(score) for score in range(least, most + 1)]


def _is_storable(text: str) -> bool:
    try:
        storable(text)
    except ValidationError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()}…"
