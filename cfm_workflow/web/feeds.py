"""Calendar feeds: what somebody has to do, for calendar programs, at an address that is the secret."""

from datetime import datetime
from typing import Final

from flask import Blueprint, Flask, Response, current_app, request

from cfm_workflow import clock
from cfm_workflow.errors import NotFound
from cfm_workflow.operations import feeds
from cfm_workflow.operations.feeds import Holder
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.tokens import well_formed
from cfm_workflow.service import Service

HEADERS: Final = {
    "Cache-Control": "private, max-age=300",
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}

blueprint = Blueprint("feeds", __name__, url_prefix="/feeds")


def register(app: Flask) -> None:
    """Add the feeds to the application."""
    app.register_blueprint(blueprint)


@blueprint.after_request
def protect(response: Response) -> Response:
    """The headers of every answer under this address; what went wrong is not kept."""
    response.headers.update(HEADERS)
    if response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/<token>.ics", methods=["GET"], endpoint="feed", provide_automatic_options=False)
def feed(token: str) -> Response:
    """The calendar of whoever this address was made for."""
    now = clock.now()
    service: Service = current_app.extensions["cfm_service"]
    with service.database.reading() as session:
        holder = _holder(token, None if not well_formed(token) else feeds.holder(session, token, now=now), now)
        written = feeds.written(session, holder.caller, base_url=service.settings.base_url)
    if not holder.is_noted:
        service.database.transaction(lambda session: feeds.used(session, holder.caller.id or 0, now=now))
    response = Response(written, content_type="text/calendar; charset=utf-8")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def _holder(token: str, found: Holder | None, now: datetime) -> Holder:
    """Only those whose addresses lead nowhere are slowed down: behind one of them there may be a whole office."""
    if found is None:
        failures: Failures = current_app.extensions["cfm_failures"]
        address = request.remote_addr or ""
        failures.check(address, now)
        failures.count(address, now)
        raise NotFound("calendar feed")
    return found
