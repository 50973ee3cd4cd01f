"""Imports as everybody sees them. Never writes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import NotFound
from cfm_workflow.models import Import, ImportProblem
from cfm_workflow.queries.pages import Page, Sort, fetch_page


def find(session: Session, import_id: int) -> Import:
    """Raises NotFound unless there is such an import."""
    job = session.get(Import, import_id)
    if job is None:
        raise NotFound("import", import_id)
    return job


def view(job: Import) -> dict[str, Any]:
    """An import in the words of the API."""
    return {
        "id": job.id,
        "state": job.state,
        "file_name": job.file_name,
        "size": job.size,
        "bytes_read": job.bytes_read,
        "records": job.records,
        "stored": job.stored,
        "duplicates": job.duplicates,
        "refused": job.refused,
        "rate": _rate(job),
        "live": job.live,
        "found": job.found,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _rate(job: Import) -> float | None:
    """Records a second, once it is over."""
    if job.started_at is None or job.finished_at is None:
        return None
    seconds = (job.finished_at - job.started_at).total_seconds()
    return round(job.records / seconds, 1) if seconds > 0 else None


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of imports, the newest first."""
    newest = {"-id": Sort((Import.id,), descending=True)}
    return fetch_page(session, select(Import), wanted, newest, present=lambda row: view(row[0]))


def problems(session: Session, import_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of the lines that were not stored, in the order of the file."""
    query = select(ImportProblem).where(ImportProblem.import_id == import_id)
    return fetch_page(
        session,
        query,
        wanted,
        {"id": Sort((ImportProblem.id,))},
        present=lambda row: {"line": row[0].line, "field": row[0].field, "reason": row[0].reason},
    )
