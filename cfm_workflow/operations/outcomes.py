"""How actions can end: the list that administrators keep."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, Outcome
from cfm_workflow.queries import outcomes as outcomes_query


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new outcome.

    Raises:
        Forbidden, Conflict: the key is taken.
    """
    access.require(caller, "settings.manage")
    _must_be_free(session, fields["key"])
    outcome = Outcome(version=1, created_at=now, **fields)
    session.add(outcome)
    session.flush()
    seen = outcomes_query.view(outcome)
    ledger.record(session, [Fact("outcome.created", outcome.id, {"outcome": seen}, caller)], now=now)
    return seen


def change(
    session: Session, caller: Caller, outcome_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change an outcome; one that is no longer active cannot be chosen, and stays where it was.

    Raises:
        NotFound, Forbidden, Conflict: the key is taken.
    """
    outcome = outcomes_query.find(session, outcome_id, lock=True)
    access.require(caller, "settings.manage")
    changes = ledger.changes(outcome, dict(fields))
    if "key" in changes:
        _must_be_free(session, fields["key"])
    for name in changes:
        setattr(outcome, name, fields[name])
    if changes:
        outcome.version += 1
        session.flush()
        about = {"changes": changes, "outcome": outcomes_query.view(outcome)}
        ledger.record(session, [Fact("outcome.changed", outcome_id, about, caller)], now=now)
    return outcomes_query.view(outcome)


def remove(session: Session, caller: Caller, outcome_id: int, *, now: datetime) -> None:
    """Delete an outcome that no action ended with.

    Raises:
        NotFound, Forbidden, Conflict: it is in use.
    """
    outcome = outcomes_query.find(session, outcome_id, lock=True)
    access.require(caller, "settings.manage")
    if session.scalars(select(Action.id).where(Action.outcome_id == outcome_id).limit(1)).first() is not None:
        raise Conflict("Actions ended with this outcome: set active to false instead.")
    seen = outcomes_query.view(outcome)
    session.delete(outcome)
    session.flush()
    ledger.record(session, [Fact("outcome.deleted", outcome_id, {"outcome": seen}, caller)], now=now)


def _must_be_free(session: Session, key: str) -> None:
    if session.scalars(select(Outcome.id).where(Outcome.key == key)).first() is not None:
        raise Conflict(f"There is an outcome with the key {key} already.")
