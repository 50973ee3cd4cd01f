"""Policies as everybody sees them, and the service level that some work goes by. Never writes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Policy, PolicyVersion
from cfm_workflow.policy import service_levels
from cfm_workflow.policy.service_levels import ServiceLevel
from cfm_workflow.queries.pages import Page, Sort, fetch_page

_OF_NOW: Final = and_(PolicyVersion.policy_id == Policy.id, PolicyVersion.version == Policy.version)
_WITH_DOCUMENT: Final = select(Policy, PolicyVersion.document).join(PolicyVersion, _OF_NOW)


def find(session: Session, policy_id: int, *, lock: bool = False) -> Policy:
    """Raises NotFound unless there is such a policy."""
    policy = session.get(Policy, policy_id, with_for_update={"key_share": True} if lock else None)
    if policy is None:
        raise NotFound("policy", policy_id)
    return policy


def view(session: Session, policy: Policy) -> dict[str, Any]:
    """A policy in the words of the API."""
    document = select(PolicyVersion.document).where(
        PolicyVersion.policy_id == policy.id, PolicyVersion.version == policy.version
    )
    return _shown(policy, session.scalars(document).one())


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of policies."""
    return fetch_page(session, _WITH_DOCUMENT, wanted, {"id": Sort((Policy.id,))}, present=lambda row: _shown(*row[:2]))


def _shown(policy: Policy, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": policy.id,
        "key": policy.key,
        "name": policy.name,
        "active": policy.active,
        "position": policy.position,
        "kinds": policy.kinds,
        "priorities": policy.priorities,
        "teams": policy.teams,
        "calendar": policy.calendar_id,
        "targets": document["targets"],
        "ladders": document["ladders"],
        "version": policy.version,
        "created_at": policy.created_at,
    }


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version of a policy that new work goes by, and the policy's own calendar."""

    version_id: int
    level: ServiceLevel
    calendar_id: int | None


_CHOICE: Final = (
    select(
        PolicyVersion.id,
        Policy.key,
        Policy.kinds,
        Policy.priorities,
        Policy.teams,
        Policy.calendar_id,
    )
    .join(PolicyVersion, _OF_NOW)
    .where(Policy.active)
    .order_by(Policy.position, Policy.id)
)


def suiting(session: Session, *, kind: str, priority: str, teams: Collection[int]) -> Chosen:
    """The policy for work of this kind and priority that is given to these teams: the first one that suits."""
    for row in plain(session, _CHOICE):
        suits = (
            (row.kinds is None or kind in row.kinds)
            and (row.priorities is None or priority in row.priorities)
            and (row.teams is None or not set(row.teams).isdisjoint(teams))
        )
        if suits:
            return Chosen(row.id, level_of(session, row.id), row.calendar_id)
    raise LookupError("there is no default policy")


def named(session: Session, ref: int | str) -> Chosen | None:
    """The active policy with this id or key."""
    which = Policy.id == ref if isinstance(ref, int) else Policy.key == ref
    row = session.execute(_CHOICE.where(which)).first()
    return None if row is None else Chosen(row.id, level_of(session, row.id), row.calendar_id)


_DOCUMENT: Final = select(PolicyVersion.document, Policy.key).join(Policy, Policy.id == PolicyVersion.policy_id)


def level_of(session: Session, version_id: int) -> ServiceLevel:
    """The service level of a version of a policy; versions never change, so each is read once."""
    kept: dict[int, ServiceLevel] = session.info.setdefault("known", {}).setdefault("service_levels", {})
    level = kept.get(version_id)
    if level is None:
        row = session.execute(_DOCUMENT.where(PolicyVersion.id == version_id)).one()
        level = service_levels.read(row.key, row.document)
        kept[version_id] = level
    return level
