"""The web room: pages for people, their files, and the headers on both. It renders; it decides and stores nothing."""

from flask import Blueprint, Flask

from cfm_workflow.forms.paths import IdConverter
from cfm_workflow.security.failures import Failures
from cfm_workflow.web import answers, assets, docs, feeds, layout, letters, links, live, pages, speech
from cfm_workflow.web import own_settings as own_settings_pages
from cfm_workflow.web import settings as settings_pages
from cfm_workflow.web import sign_in as sign_in_pages
from cfm_workflow.web import work as work_pages
from cfm_workflow.web.headers import HEADERS, protect

__all__ = ["HEADERS", "register"]

PAGES = (live, own_settings_pages, settings_pages, sign_in_pages, work_pages)
"""The modules whose import has declared all pages."""

# Not /static: Flask's own folder for the whole application has that address.
blueprint = Blueprint("web", __name__, template_folder="templates")
blueprint.add_url_rule("/docs", "docs", docs.page)
blueprint.add_url_rule("/assets/<path:filename>", "static", assets.serve)
blueprint.after_request(protect)


def register(app: Flask, *, threads: int = 1) -> None:
    """Adds the pages and their files to `app`, which answers so many requests at once."""
    app.url_map.converters.setdefault("id", IdConverter)
    app.register_blueprint(blueprint)
    app.extensions["cfm_guesses"] = (Failures(*sign_in_pages.OF_ACCOUNT), Failures(*sign_in_pages.OF_ADDRESS))
    app.extensions["cfm_asking"] = Failures(*sign_in_pages.ASKING)
    app.extensions["cfm_nowhere"] = pages.nowhere
    speech.register(app)
    layout.register(app)
    live.register(app, threads)
    pages.register(app)
    links.register(app)
    answers.register(app)
    letters.register(app)
    feeds.register(app)
