"""Policies: made, changed and removed by supervisors. Work keeps the version it was given under."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, Calendar, Policy, PolicyVersion, Team
from cfm_workflow.policy import service_levels
from cfm_workflow.policy.ladders import LadderError
from cfm_workflow.policy.service_levels import DEFAULT_KEY
from cfm_workflow.queries import policies as policies_query

LAST: Final = 1_000_000
_DOCUMENT: Final = ("targets", "ladders")
_CONDITIONS: Final = ("kinds", "priorities", "teams")


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new policy; `fields` as the form loads them.

    Raises:
        Forbidden, Conflict: the key is taken, or there are too many.
        Invalid: a ladder makes no sense, or there is no such calendar or team; names the field.
    """
    access.require(caller, "policies.manage")
    if session.scalars(select(func.count()).select_from(Policy)).one() >= limits.POLICIES:
        raise Conflict(f"There can be at most {limits.POLICIES} policies.")
    _must_be_free(session, fields["key"])
    values = _values(session, fields)
    document = {name: {**service_levels.DEFAULT[name], **values.pop(name, {})} for name in _DOCUMENT}
    policy = Policy(version=1, created_at=now, **values)
    session.add(policy)
    session.flush()
    _add_version(session, policy, document, now)
    seen = policies_query.view(session, policy)
    ledger.record(session, [Fact("policy.created", policy.id, {"policy": seen}, caller)], now=now)
    return seen


def change(
    session: Session, caller: Caller, policy_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a policy for work that is given from now on; targets and ladders that are not named stay.

    Raises:
        NotFound, Forbidden, Invalid.
        Conflict: the key is taken; or it is the default one, which suits everything and stays in use.
    """
    policy = policies_query.find(session, policy_id, lock=True)
    access.require(caller, "policies.manage")
    before = policies_query.view(session, policy)
    values = _values(session, fields)
    document = {name: {**before[name], **values.pop(name, {})} for name in _DOCUMENT}
    if policy.key == DEFAULT_KEY:
        _keep_default(values)
    changes = ledger.changes(policy, values)
    changes |= {
        name: {"from": before[name], "to": document[name]} for name in _DOCUMENT if document[name] != before[name]
    }
    if not changes:
        return before
    if "key" in changes:
        _must_be_free(session, values["key"])
    for name in changes.keys() - set(_DOCUMENT):
        setattr(policy, name, values[name])
    policy.version += 1
    _add_version(session, policy, document, now)
    seen = policies_query.view(session, policy)
    ledger.record(session, [Fact("policy.changed", policy_id, {"changes": changes, "policy": seen}, caller)], now=now)
    return seen


def remove(session: Session, caller: Caller, policy_id: int, *, now: datetime) -> None:
    """Delete a policy that no work was ever given under.

    Raises:
        NotFound, Forbidden, Conflict: it is the default one, or in use.
    """
    policy = policies_query.find(session, policy_id, lock=True)
    access.require(caller, "policies.manage")
    if policy.key == DEFAULT_KEY:
        raise Conflict("The default policy suits what no other one does, and stays.")
    versions = select(PolicyVersion.id).where(PolicyVersion.policy_id == policy_id)
    if session.scalars(select(Action.id).where(Action.policy_version_id.in_(versions)).limit(1)).first() is not None:
        raise Conflict("Work was given under this policy: set active to false instead.")
    seen = policies_query.view(session, policy)
    for version in session.scalars(select(PolicyVersion).where(PolicyVersion.policy_id == policy_id)):
        session.delete(version)
    session.flush()
    session.delete(policy)
    session.flush()
    ledger.record(session, [Fact("policy.deleted", policy_id, {"policy": seen}, caller)], now=now)


def ensure_default(session: Session, *, now: datetime) -> None:
    """Give a new installation the policy that suits everything."""
    if session.scalars(select(Policy.id).where(Policy.key == DEFAULT_KEY)).first() is not None:
        return
    policy = Policy(
        key=DEFAULT_KEY,
        name="Default",
        active=True,
        position=LAST,
        kinds=None,
        priorities=None,
        teams=None,
        calendar_id=None,
        version=1,
        created_at=now,
    )
    session.add(policy)
    session.flush()
    _add_version(session, policy, service_levels.DEFAULT, now)
    about = {"policy": policies_query.view(session, policy)}
    ledger.record(session, [Fact("policy.created", policy.id, about, system("setup"))], now=now)


def _values(session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored: a calendar and teams that exist."""
    values = dict(fields)
    if "calendar" in values:
        values["calendar_id"] = values.pop("calendar")
        if values["calendar_id"] is not None and session.get(Calendar, values["calendar_id"]) is None:
            raise Invalid({"calendar": ["must be the id of a calendar"]})
    if values.get("teams") is not None:
        known = set(session.scalars(select(Team.id).where(Team.id.in_(values["teams"]))))
        if unknown := [str(ident) for ident in values["teams"] if ident not in known]:
            raise Invalid({"teams": [f"must be ids of teams; there is no team {', '.join(unknown)}"]})
    return values


def _keep_default(values: Mapping[str, Any]) -> None:
    narrowed = [name for name in _CONDITIONS if values.get(name) is not None]
    moved = [name for name in ("key", "position") if values.get(name, None) not in (None, DEFAULT_KEY, LAST)]
    if narrowed or moved or values.get("active") is False:
        raise Conflict("The default policy suits everything, comes last and stays in use.")


def _add_version(session: Session, policy: Policy, document: Mapping[str, Any], now: datetime) -> None:
    try:
        service_levels.read(policy.key, document)
    except LadderError as wrong:
        raise Invalid(wrong.errors) from None
    session.add(PolicyVersion(policy_id=policy.id, version=policy.version, document=dict(document), created_at=now))
    session.flush()


def _must_be_free(session: Session, key: str) -> None:
    if session.scalars(select(Policy.id).where(Policy.key == key)).first() is not None:
        raise Conflict(f"There is a policy with the key {key} already.")
