"""Workflow definitions as everybody sees them. Never writes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow.models import WorkflowVersion
from cfm_workflow.queries.pages import Page, Sort, fetch_page


def view(row: WorkflowVersion) -> dict[str, Any]:
    """A definition in the words of the API."""
    return {
        "key": row.key,
        "version": row.version,
        "sha256": row.sha256,
        "created_at": row.created_at,
        **{name: row.content[name] for name in ("name", "initial", "self_assigned", "states", "transitions")},
    }


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of workflows, each in its latest version."""
    newest = select(func.max(WorkflowVersion.id)).group_by(WorkflowVersion.key).scalar_subquery()
    query = select(WorkflowVersion).where(WorkflowVersion.id.in_(newest))
    return fetch_page(session, query, wanted, {"id": Sort((WorkflowVersion.id,))}, present=lambda row: view(row[0]))


def event_types(session: Session) -> set[str]:
    """The event types of all transitions of all stored definitions."""
    contents = session.scalars(select(WorkflowVersion.content))
    return {transition["event"] for content in contents for transition in content["transitions"]}
