"""The workflow definitions actions follow: published from files as immutable versions, read back by id.

Rows never change, so a definition once read is kept for the life of the process.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from cfm_workflow.access import system
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.ledger import Fact, record
from cfm_workflow.models import WorkflowVersion
from cfm_workflow.workflow import Definition, from_content

_PUBLISHING = 0x63666D01  # an advisory lock of PostgreSQL: one process publishes at a time


def publish(session: Session, definitions: Iterable[Definition], *, now: datetime) -> list[WorkflowVersion]:
    """Store each definition that differs from the latest version of its key as the next version.

    Several processes starting at once agree: they publish one after the other, and the second finds nothing new.
    """
    if not is_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PUBLISHING})
    added = []
    for definition in definitions:
        latest = _latest(session, definition.key)
        if latest is not None and latest.sha256 == definition.sha256:
            continue
        added.append(
            WorkflowVersion(
                key=definition.key,
                version=latest.version + 1 if latest is not None else 1,
                sha256=definition.sha256,
                content=definition.content(),
                created_at=now,
            )
        )
    session.add_all(added)
    session.flush()
    facts = [
        Fact(
            "workflow.created",
            row.id,
            {"workflow": {"key": row.key, "version": row.version, "sha256": row.sha256}},
            system("start"),
        )
        for row in added
    ]
    record(session, facts, now=now)
    return added


def definition_of(session: Session, workflow_id: int) -> Definition:
    """The definition behind `actions.workflow_id`."""
    met = _met(session)
    found = met.get(workflow_id)
    if found is None:
        row = session.get_one(WorkflowVersion, workflow_id)
        found = met[workflow_id] = from_content(row.content, f"{row.key} version {row.version}")
    return found


def newest(session: Session, key: str) -> Definition:
    """The definition that new actions of this workflow follow: enough to name a state.

    Raises:
        NotFound: no workflow has this key.
    """
    return definition_of(session, latest(session, key).id)


def all_newest(session: Session) -> list[Definition]:
    """The definitions that new actions can follow, the oldest key first."""
    ids = select(func.max(WorkflowVersion.id)).group_by(WorkflowVersion.key)
    return [definition_of(session, ident) for ident in sorted(session.scalars(ids))]


def keep(session: Session, definition: Definition) -> None:
    """Spare `definition_of` the reading of the latest version of this key, when it is this very definition."""
    row = latest(session, definition.key)
    if row.sha256 == definition.sha256:
        _met(session)[row.id] = definition


def can_finish(session: Session, transition: str) -> bool:
    """Whether in any definition met so far a transition of this name can enter or leave a finished state."""
    return any(transition in found.finishing for found in list(_met(session).values()))


def _met(session: Session) -> dict[int, Definition]:
    """The definitions this process has met so far, by id."""
    met: dict[int, Definition] = session.info.setdefault("known", {}).setdefault("definitions", {})
    return met


def latest(session: Session, key: str) -> WorkflowVersion:
    """The version that new actions follow.

    Raises:
        NotFound: no workflow has this key.
    """
    row = _latest(session, key)
    if row is None:
        raise NotFound("workflow", key)
    return row


def chosen(session: Session, key: str) -> int:
    """The id of `latest` for a key that came in a request: an unknown one is the request's mistake."""
    found: int | None = plain(session, _NEWEST, {"key": key}).scalar_one_or_none()
    if found is None:
        known = sorted(session.scalars(select(WorkflowVersion.key).distinct()))
        raise Invalid({"workflow": [f"must be one of {', '.join(known)}"]})
    return found


_NEWEST = (
    select(WorkflowVersion.id)
    .where(WorkflowVersion.key == bindparam("key"))
    .order_by(WorkflowVersion.version.desc())
    .limit(1)
)


def _latest(session: Session, key: str) -> WorkflowVersion | None:
    newest = select(WorkflowVersion).where(WorkflowVersion.key == key).order_by(WorkflowVersion.version.desc()).limit(1)
    return session.scalars(newest).one_or_none()
