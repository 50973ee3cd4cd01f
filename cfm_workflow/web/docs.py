"""The page that shows the API's own description. It needs no sign-in, keeps no token and asks no other host."""

from flask import render_template, request, url_for

OPENAPI = "api/v1/openapi.json"


def page() -> str:
    """Answers `GET /docs`. Every address in it is relative, so it works below any path a proxy puts in front."""
    return render_template("docs.html", openapi=OPENAPI, asset=_asset)


def _asset(path: str) -> str:
    # The page sits at the root, so an address without its first slash is relative to the root whatever its prefix.
    return url_for("web.static", filename=path).removeprefix(request.script_root).lstrip("/")
