"""The files of the pages: under an address that names their content, so that a browser asks for each only once.

Text is compressed once and kept in memory; the files are part of the program and do not change while it runs.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

FOLDER: Final = Path(__file__).with_name("static")
YEAR: Final = 365 * 24 * 60 * 60
COMPRESSED: Final = frozenset({"text/css", "text/javascript", "image/svg+xml", "text/plain", "application/json"})
LEAST: Final = 500
"""Bytes; what is smaller is not worth compressing."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: its type, what names its content, and its bytes with and without gzip."""

    media_type: str
    version: str
    plain: bytes
    packed: bytes | None


@cache
def asset(path: str) -> Asset:
    """The file of this path below `static/`. Raises NotFound."""
    found = safe_join(str(FOLDER), path)
    if found is None or not Path(found).is_file():
        raise NotFound
    plain = Path(found).read_bytes()
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    is_text = media_type in COMPRESSED and len(plain) >= LEAST
    packed = gzip.compress(plain, 9, mtime=0) if is_text else None
    return Asset(media_type, hashlib.sha256(plain).hexdigest()[:12], plain, packed)


def address(path: str) -> str:
    """Where a file is, below the root: another content has another address."""
    return f"/assets/{path}?v={asset(path).version}"


def serve(filename: str) -> Response:
    """Answers `GET /assets/...`."""
    found = asset(filename)
    takes_gzip = found.packed is not None and bool(request.accept_encodings["gzip"])
    response = Response(found.packed if takes_gzip else found.plain)
    response.headers["Content-Type"] = f"{found.media_type}; charset=utf-8" if found.packed else found.media_type
    if found.packed is not None:
        response.vary.add("Accept-Encoding")
        if takes_gzip:
            response.headers["Content-Encoding"] = "gzip"
    if request.args.get("v") == found.version:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
        response.set_etag(f"{found.version}-gzip" if takes_gzip else found.version)
        response.make_conditional(request)
    return response
