"""Planned checks as everybody sees them who sees the item. Never writes."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.models import Check
from cfm_workflow.queries.pages import Page, Sort, fetch_page

STATES: Final = ("planned", "asked", "answered", "assumed", "cancelled")
ANSWERS: Final = ("confirmed", "denied", "assumed")


def view(check: Any) -> dict[str, Any]:
    """A check in the words of the API."""
    return {
        "id": check.id,
        "feedback": check.feedback_id,
        "state": check.state,
        "ask_at": check.ask_at,
        "asked_at": check.asked_at,
        "expires_at": check.expires_at,
        "answer": "assumed" if check.state == "assumed" else check.answer,
        "answered_at": check.answered_at,
        "score": check.score,
        "word": check.word,
        "action": check.action_id,
        "created_at": check.created_at,
    }


SORTS: Final = {"-id": Sort((Check.id,), descending=True)}


def page(session: Session, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """The checks of an item, the last one first."""
    query = select(*Check.__table__.c).where(Check.feedback_id == feedback_id)
    return fetch_page(session, query, wanted, SORTS, present=view)
