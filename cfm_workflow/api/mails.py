"""Routes of the log of mails."""

from typing import Any

from cfm_workflow.api.routing import Ask, route
from cfm_workflow.forms.mails import MailOut, MailQuery
from cfm_workflow.forms.pages import page_of
from cfm_workflow.queries import mails as mails_query

TAG = "mails"


@route("GET", "/mails", "listMails", tag=TAG, right="mails.read", query=MailQuery, answers={200: page_of(MailOut)})
def list_mails(ask: Ask) -> Any:
    """Mails to people and what became of them, the newest first."""
    return mails_query.page(ask.session, ask.query).as_answer()
