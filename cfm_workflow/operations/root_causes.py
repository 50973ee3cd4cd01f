"""What can have caused what customers complain of: the list that administrators keep."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, RootCause
from cfm_workflow.queries import root_causes as causes_query


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new root cause.

    Raises:
        Forbidden, Conflict: the key is taken.
    """
    access.require(caller, "settings.manage")
    if session.scalars(select(RootCause.id).where(RootCause.key == fields["key"])).first() is not None:
        raise Conflict(f"There is a root cause with the key {fields['key']} already.")
    cause = RootCause(version=1, created_at=now, **fields)
    session.add(cause)
    session.flush()
    seen = causes_query.view(cause)
    ledger.record(session, [Fact("root_cause.created", cause.id, {"root_cause": seen}, caller)], now=now)
    return seen


def change(
    session: Session, caller: Caller, cause_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a root cause; one that is no longer active cannot be chosen, and stays where it was.

    Raises:
        NotFound, Forbidden.
    """
    cause = causes_query.find(session, cause_id, lock=True)
    access.require(caller, "settings.manage")
    changes = ledger.changes(cause, dict(fields))
    for name in changes:
        setattr(cause, name, fields[name])
    if changes:
        cause.version += 1
        session.flush()
        about = {"changes": changes, "root_cause": causes_query.view(cause)}
        ledger.record(session, [Fact("root_cause.changed", cause_id, about, caller)], now=now)
    return causes_query.view(cause)


def remove(session: Session, caller: Caller, cause_id: int, *, now: datetime) -> None:
    """Delete a root cause that no action names.

    Raises:
        NotFound, Forbidden, Conflict: it is in use.
    """
    cause = causes_query.find(session, cause_id, lock=True)
    access.require(caller, "settings.manage")
    if session.scalars(select(Action.id).where(Action.root_cause == cause.key).limit(1)).first() is not None:
        raise Conflict("Actions name this root cause: set active to false instead.")
    seen = causes_query.view(cause)
    session.delete(cause)
    session.flush()
    ledger.record(session, [Fact("root_cause.deleted", cause_id, {"root_cause": seen}, caller)], now=now)


def require_known(session: Session, named: str) -> None:
    """Refuse a root cause that is not on the list, once there is a list: before, everybody says it in their own words.

    It is locked, so that it is not deleted before it stands in the action.

    Raises:
        Invalid: it is not one of the active ones.
    """
    of_that_key = select(RootCause.id).where(RootCause.key == named, RootCause.active)
    if session.scalars(of_that_key.with_for_update(read=True)).first() is not None:
        return
    active = sorted(session.scalars(select(RootCause.key).where(RootCause.active)))
    if active:
        raise Invalid({"root_cause": [f"must be one of {', '.join(active)}"]})
