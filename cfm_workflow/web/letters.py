"""The pages behind links in mails to people without an account: a shared item, and unsubscribing. No session.

Reading is all that a share allows. Mail scanners open every link, so GET never unsubscribes anybody; POST does, and
that is what one click in a mail program sends (RFC 8058).
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request

from cfm_workflow import clock
from cfm_workflow.operations.messages import consent, sharing
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.letter_links import LetterPurpose, LetterSigner
from cfm_workflow.security.links import BadLink
from cfm_workflow.service import Service
from cfm_workflow.texts import LANGUAGES, instant, translations
from cfm_workflow.web import links

blueprint = Blueprint("letters", __name__, template_folder="templates")

SHARE: Final = "letters/share.html"
UNSUBSCRIBE: Final = "letters/unsubscribe.html"


def register(app: Flask) -> None:
    """Add the pages to the application."""
    app.register_blueprint(blueprint)


blueprint.after_request(links.protect)
blueprint.register_error_handler(Exception, links.failed)


@blueprint.route("/s/<token>", methods=["GET"], endpoint="share", provide_automatic_options=False)
def share(token: str) -> Response:
    """The shared item, as it is now; that it was opened is noted."""
    now = clock.now()
    share_id = subject(token, LetterPurpose.SHARE, now)
    shared = _service().database.transaction(lambda session: sharing.open_share(session, share_id, now=now))
    return _page(SHARE, shared.language, HTTPStatus.OK if shared.item else HTTPStatus.GONE, shared=shared)


@blueprint.route("/u/<token>", methods=["GET"], endpoint="ask", provide_automatic_options=False)
def ask(token: str) -> Response:
    """Whether the customer gets mail that they did not ask for, and a button for the opposite."""
    customer_id = subject(token, LetterPurpose.UNSUBSCRIBE, clock.now())
    with _service().database.reading() as session:
        subscribed = consent.is_subscribed(session, customer_id)
    return _page(UNSUBSCRIBE, _language(), HTTPStatus.OK, subscribed=subscribed, is_done=False)


@blueprint.route("/u/<token>", methods=["POST"], endpoint="unsubscribe", provide_automatic_options=False)
def unsubscribe(token: str) -> Response:
    """Unsubscribe, or with `again` take that back; twice changes nothing."""
    now = clock.now()
    customer_id = subject(token, LetterPurpose.UNSUBSCRIBE, now)
    request.max_content_length = links.FORM_BYTES
    wanted = request.form.get("again") == "yes"
    _service().database.transaction(lambda session: consent.subscribe(session, customer_id, wanted=wanted, now=now))
    return _page(UNSUBSCRIBE, _language(), HTTPStatus.OK, subscribed=wanted, is_done=True)


def _service() -> Service:
    service: Service = current_app.extensions["cfm_service"]
    return service


def subject(token: str, purpose: LetterPurpose, now: datetime) -> int:
    """What a link is about. Only those whose tokens are none are slowed down."""
    try:
        return LetterSigner(_service().ring).verify(token, purpose, now=now)
    except BadLink:
        failures: Failures = current_app.extensions["cfm_failures"]
        address = request.remote_addr or ""
        failures.check(address, now)
        failures.count(address, now)
        raise


def _language() -> str:
    return request.accept_languages.best_match(LANGUAGES) or _service().settings.language.value


def _page(template: str, language: str, status: int, **shown: Any) -> Response:
    zone = _service().settings.time_zone
    page = render_template(
        template,
        _=translations(language).gettext,
        language=language,
        instant=lambda moment: instant(moment, language, zone),
        zone=zone.key,
        **shown,
    )
    return make_response(page, status)
