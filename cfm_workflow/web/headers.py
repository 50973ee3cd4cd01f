"""What every page and file of this room carries: nothing foreign is loaded, run or framed."""

import gzip
from typing import Final

from flask import Response, request

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",  # icons inside stylesheets
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PAGE_HEADERS: Final = HEADERS | {
    "Referrer-Policy": "same-origin",  # with none at all a browser says nothing of where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
LEAST: Final = 1000
"""Bytes; what is smaller is not worth compressing."""


def protect(response: Response) -> Response:
    """Put the security headers on an answer; one that set its own keeps it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def dress(response: Response) -> Response:
    """A page with its headers, compressed for whoever takes that."""
    response.headers.update(PAGE_HEADERS)
    response.vary.update(("Cookie", "HX-Request", "Accept-Encoding"))
    if response.is_streamed:
        return response
    body = response.get_data()
    if len(body) >= LEAST and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
