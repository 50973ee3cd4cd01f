"""Root causes as everybody sees them. Never writes."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import NotFound
from cfm_workflow.models import RootCause
from cfm_workflow.queries.pages import Page, Sort, fetch_page


def find(session: Session, cause_id: int, *, lock: bool = False) -> RootCause:
    """Raises NotFound unless there is such a root cause."""
    cause = session.get(RootCause, cause_id, with_for_update={"key_share": True} if lock else None)
    if cause is None:
        raise NotFound("root cause", cause_id)
    return cause


def view(cause: RootCause) -> dict[str, Any]:
    """A root cause in the words of the API."""
    return {
        "id": cause.id,
        "key": cause.key,
        "label": cause.label,
        "active": cause.active,
        "version": cause.version,
        "created_at": cause.created_at,
    }


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of root causes; filter `active`."""
    query = select(RootCause)
    if wanted.get("active") is not None:
        query = query.where(RootCause.active if wanted["active"] else ~RootCause.active)
    return fetch_page(session, query, wanted, {"id": Sort((RootCause.id,))}, present=lambda row: view(row[0]))


def labels_of(session: Session, keys: Collection[str]) -> dict[str, dict[str, str]]:
    """What root causes are called, by key and language; what was only written down is not among them."""
    query = select(RootCause.key, RootCause.label).where(RootCause.key.in_(list(keys)))
    return {row.key: row.label for row in session.execute(query)}
