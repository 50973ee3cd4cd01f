"""Outcomes as everybody sees them. Never writes."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.models import Outcome
from cfm_workflow.queries.pages import Page, Sort, fetch_page


def find(session: Session, outcome_id: int, *, lock: bool = False) -> Outcome:
    """Raises NotFound unless there is such an outcome."""
    outcome = session.get(Outcome, outcome_id, with_for_update={"key_share": True} if lock else None)
    if outcome is None:
        raise NotFound("outcome", outcome_id)
    return outcome


def ids_by_key(session: Session, keys: Collection[str]) -> list[int]:
    """The ids of the outcomes of these keys.

    Raises:
        Invalid: one of them is no key of an outcome.
    """
    rows = session.execute(select(Outcome.key, Outcome.id).where(Outcome.key.in_(list(keys))))
    found = {row.key: row.id for row in rows}
    if unknown := sorted(set(keys) - found.keys()):
        raise Invalid({"outcome": [f"must be keys of outcomes: there is no {', '.join(unknown)}"]})
    return list(found.values())


def view(outcome: Outcome) -> dict[str, Any]:
    """An outcome in the words of the API."""
    return {
        "id": outcome.id,
        "key": outcome.key,
        "label": outcome.label,
        "requires_reason": outcome.requires_reason,
        "benefits_customer": outcome.benefits_customer,
        "active": outcome.active,
        "version": outcome.version,
        "created_at": outcome.created_at,
    }


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of outcomes; filter `active`."""
    query = select(Outcome)
    if wanted.get("active") is not None:
        query = query.where(Outcome.active if wanted["active"] else ~Outcome.active)
    return fetch_page(session, query, wanted, {"id": Sort((Outcome.id,))}, present=lambda row: view(row[0]))
