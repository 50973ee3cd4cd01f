"""The web room: pages for people, their files, and the headers on both. It renders; it decides and stores nothing."""

from flask import Blueprint, Flask

from cfm_workflow.forms.paths import IdConverter
from cfm_workflow.web import actions as action_pages
from cfm_workflow.web import answers, assets, docs, feeds, layout, letters, links, live, pages, speech
from cfm_workflow.web import customers as customers_pages
from cfm_workflow.web import feedback as feedback_pages
from cfm_workflow.web import giving as giving_pages
from cfm_workflow.web import imports as imports_pages
from cfm_workflow.web import inbox as inbox_pages
from cfm_workflow.web import item as item_pages
from cfm_workflow.web import messages as messages_pages
from cfm_workflow.web import notes as notes_pages
from cfm_workflow.web import own_settings as own_settings_pages
from cfm_workflow.web import reminders as reminder_pages
from cfm_workflow.web import settings as settings_pages
from cfm_workflow.web import sign_in as sign_in_pages
from cfm_workflow.web import work as work_pages
from cfm_workflow.web.headers import HEADERS, protect
from cfm_workflow.web.supervision import bulk, frame, overview, process, rows, trends, weekly

__all__ = ["HEADERS", "register"]

PAGES = (
    action_pages,
    customers_pages,
    feedback_pages,
    giving_pages,
    imports_pages,
    item_pages,
    inbox_pages,
    live,
    messages_pages,
    notes_pages,
    own_settings_pages,
    reminder_pages,
    settings_pages,
    sign_in_pages,
    work_pages,
    overview,
    rows,
    bulk,
    process,
    trends,
    weekly,
)
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
    app.extensions["cfm_nowhere"] = pages.nowhere
    speech.register(app)
    layout.register(app)
    live.register(app, threads)
    frame.register(app)
    pages.register(app)
    links.register(app)
    answers.register(app)
    letters.register(app)
    feeds.register(app)
