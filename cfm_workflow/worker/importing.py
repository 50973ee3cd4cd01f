"""Imports that came in over the API: one after the other, each gone on with by whoever is there after a crash."""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import CfmError
from cfm_workflow.models import Import
from cfm_workflow.operations import imports
from cfm_workflow.queries import callers
from cfm_workflow.service import Service

log = structlog.get_logger()

FORGOTTEN: Final = system("import")
ABANDONED: Final = timedelta(days=1)


def run_imports(service: Service) -> None:
    """Carry out every import that waits, until there is none left or the process is to end."""
    while not service.stopping.is_set() and _is_one_waiting(service):
        now = clock.now()
        claimed = service.database.transaction(lambda session: imports.claim_next(session, now=now))  # noqa: B023
        if claimed is None:
            return
        _carry_out(service, *claimed)


def _is_one_waiting(service: Service) -> bool:
    """Looked up without a lock: nearly always there is none."""
    now = clock.now()
    with service.database.reading() as session:
        return session.scalars(imports.free(now)).first() is not None


def _carry_out(service: Service, import_id: int, lease: str) -> None:
    with service.database.reading() as session:
        job = session.get_one(Import, import_id)
        run = imports.Run(
            transaction=service.database.transaction,
            caller=_caller(session, job),
            import_id=import_id,
            lease=lease,
            path=service.settings.instance / job.path,
            options=job.options,
            live=job.live,
            skip=job.records,
            is_stopping=service.stopping.is_set,
        )
    try:
        ended = run.go()
    except imports.TakenOver:
        return
    except CfmError as refusal:
        ended = run.end("failed", error=str(refusal))
    log.info("import ended", id=import_id, state=ended["state"], stored=ended["stored"], refused=ended["refused"])
    if ended["state"] in ("finished", "failed"):
        run.path.unlink(missing_ok=True)


def _caller(session: Session, job: Import) -> Caller:
    """Who asked for it; their file is brought in even if they have been switched off meanwhile."""
    asked = callers.by_id(session, job.created_by) if job.created_by is not None else None
    return asked or FORGOTTEN


def forget_uploads(service: Service) -> None:
    """Delete uploaded files that no import waits for: their request was refused, repeated, or broke off."""
    folder = service.settings.instance / imports.SPOOL
    if not folder.is_dir():
        return
    with service.database.reading() as session:
        waiting = set(session.scalars(select(Import.path).where(Import.state.in_(["queued", "running"]))))
    for file in folder.iterdir():
        if f"{imports.SPOOL}/{file.name}" in waiting:
            continue
        if clock.now() - datetime.fromtimestamp(file.stat().st_mtime, UTC) > ABANDONED:
            file.unlink(missing_ok=True)
