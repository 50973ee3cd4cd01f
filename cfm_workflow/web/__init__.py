"""The web room: pages for people, their files, and the headers on both. It renders; it decides and stores nothing."""

from flask import Blueprint, Flask, Response

from cfm_workflow.web import answers, docs, feeds, letters, links

HEADERS = {
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

# Not /static: Flask's own folder for the whole application has that address.
blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")
blueprint.add_url_rule("/docs", "docs", docs.page)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Puts the security headers on every page and file of this room; a page that set its own keeps it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def register(app: Flask) -> None:
    """Adds the pages and their files to `app`."""
    app.register_blueprint(blueprint)
    links.register(app)
    answers.register(app)
    letters.register(app)
    feeds.register(app)
