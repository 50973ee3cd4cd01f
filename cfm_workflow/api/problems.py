"""Every refusal as RFC 9457 `application/problem+json`: one table from our errors to HTTP."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from cfm_workflow import errors
from cfm_workflow.errors import CfmError

log = structlog.get_logger()

STATUS: Final[dict[type[CfmError], HTTPStatus]] = {
    errors.Unauthenticated:        HTTPStatus.UNAUTHORIZED,
    errors.NotFound:               HTTPStatus.NOT_FOUND,
    errors.Malformed:              HTTPStatus.BAD_REQUEST,
    errors.TooLarge:               HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.Unsupported:            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid:                HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Stale:                  HTTPStatus.PRECONDITION_FAILED,
    errors.Forbidden:              HTTPStatus.FORBIDDEN,
    errors.NotPermittedTransition: HTTPStatus.FORBIDDEN,
    errors.WrongStateTransition:   HTTPStatus.CONFLICT,
    errors.Conflict:               HTTPStatus.CONFLICT,
    errors.IncompleteTransition:   HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooMany:                HTTPStatus.TOO_MANY_REQUESTS,
    errors.Full:                   HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Busy:                   HTTPStatus.CONFLICT,
}  # fmt: skip

CONTENT_TYPE: Final = "application/problem+json"


def status_of(error: CfmError) -> HTTPStatus:
    """The status of an error or of the nearest class above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: CfmError) -> dict[str, Any]:
    """The body of an error: the members of RFC 9457, and the facts the error carries."""
    status = status_of(error)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": str(error),
        "request_id": g.get("request_id"),
    }
    return body | _facts(error)


def _facts(error: CfmError) -> dict[str, Any]:
    if isinstance(error, errors.Invalid):
        return {"errors": error.errors}
    if isinstance(error, errors.Forbidden):
        return {"missing_right": error.right}
    if isinstance(error, errors.Stale):
        return {"current_version": error.current_version}
    if isinstance(error, errors.AnotherWentOut):
        return {"message": error.message}
    if not isinstance(error, errors.RefusedTransition):
        return {}
    facts: dict[str, Any] = {
        "current_state": error.current_state,
        "allowed": error.allowed,
        "blocked": error.blocked,
    }
    if isinstance(error, errors.IncompleteTransition):
        facts["errors"] = {name: ["is required by this transition"] for name in error.missing}
    return facts


def answer(body: dict[str, Any]) -> Response:
    """A problem as an HTTP answer."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status=body["status"], content_type=CONTENT_TYPE)


def register(app: Flask) -> None:
    """Turn every error of the application into a problem; only what nobody foresaw is logged with its traceback."""
    app.register_error_handler(CfmError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _unreachable)
    app.register_error_handler(InterfaceError, _unreachable)
    app.register_error_handler(Exception, _unforeseen)


def _refused(error: CfmError) -> Response:
    response = answer(problem(error))
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="cfm-workflow"'
    if isinstance(error, errors.Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    as_page: Callable[[HTTPException], Response | None] | None = current_app.extensions.get("cfm_nowhere")
    if as_page is not None and (page := as_page(error)) is not None:
        return page
    original = error.get_response(request.environ)
    status = HTTPStatus(error.code or 500)
    response = answer(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": error.description or status.phrase,
            "request_id": g.get("request_id"),
        }
    )
    for name in ("Allow", "Retry-After", "Location"):
        if name in original.headers:
            response.headers[name] = original.headers[name]
    return response


def _unreachable(error: Exception) -> Response:
    log.error("the database cannot be reached", reason=type(error).__name__)
    response = _plain(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be reached.")
    response.headers["Retry-After"] = "5"
    return response


def _unforeseen(error: Exception) -> Response:
    log.exception("a request failed", path=request.path, method=request.method)
    return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it has been logged.")


def _plain(status: HTTPStatus, detail: str) -> Response:
    return answer(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "request_id": g.get("request_id"),
        }
    )
