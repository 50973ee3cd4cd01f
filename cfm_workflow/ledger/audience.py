"""Which endpoints get an event. Who listens is read once and kept until the ledger's head says that it has changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import DELIVERIES, plain, tell
from cfm_workflow.models import (
    Account,
    Customer,
    Delivery,
    Event,
    LedgerHead,
    NoticeChoice,
    NoticeDefault,
    TeamMember,
    Webhook,
)
from cfm_workflow.policy import leaving
from cfm_workflow.policy.audiences import Choices, Level
from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.deliveries import matches
from cfm_workflow.queries import callers
from cfm_workflow.queries import events as events_query

if TYPE_CHECKING:
    from cfm_workflow.ledger.events import Fact

TEST: Final = "webhook.test"
"""Sent to the endpoint that it is about and to nobody else, whatever they ask for."""

_CHANGING: Final = frozenset({"webhook", "team", "user", "integration", "preferences"})
"""Events about these may change who listens, or what they may see."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What decides whether an endpoint gets an event. `audit`: whether it may have those for administrators. `owner` is
    whose eyes it has, None when they see everything."""

    id: int
    patterns: frozenset[str]
    teams: frozenset[int] | None
    workflows: frozenset[str] | None
    include_imported: bool
    include_customer: bool
    audit: bool
    owner: Caller | None


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody who listens, what people chose to hear of, and when those work who do not want mail else."""

    version: int
    endpoints: tuple[Endpoint, ...]
    choices: Mapping[int, Choices]
    everybody: Choices
    hours: Mapping[int, Calendar]


def known(session: Session) -> Audience:
    """Who listens now; `take_positions` has brought along whether that has changed since we last asked."""
    if "audience_is_ours" in session.info:
        return read(session)
    version: int = session.info["audience_version"]
    kept: dict[str, Any] = session.info.setdefault("known", {})
    audience: Audience | None = kept.get("audience")
    if audience is None or audience.version != version:
        audience = kept["audience"] = read(session)
    return audience


def audience_changed(session: Session) -> None:
    """Say that others are to hear of other things from now on; call it in the transaction that changes that."""
    session.execute(update(LedgerHead).values(audience=LedgerHead.audience + 1))
    session.info["audience_is_ours"] = True  # until the commit nobody else may take over what is read here


def is_changed_by(facts: Iterable["Fact"]) -> bool:
    """Whether what happened may change who listens."""
    return any(fact.type.partition(".")[0] in _CHANGING for fact in facts)


def read(session: Session) -> Audience:
    """Who listens as this transaction sees it; of one that changes it, nobody else must get to know."""
    listening = _LISTENING.where(Webhook.state.in_(["active", "paused"])).order_by(Webhook.id)
    choices: dict[int, dict[str, Level]] = {}
    for row in session.execute(select(NoticeChoice.account_id, NoticeChoice.kind, NoticeChoice.level)):
        choices.setdefault(row.account_id, {})[row.kind] = Level(row.level)
    everybody = session.execute(select(NoticeDefault.kind, NoticeDefault.level))
    return Audience(
        version=session.info["audience_version"],
        endpoints=tuple(_endpoint(session, row, role) for row, role in session.execute(listening)),
        choices=choices,
        everybody={row.kind: Level(row.level) for row in everybody},
        hours={row.id: leaving.hours(row.working_hours, row.time_zone) for row in session.execute(_WORKING)},
    )


_WORKING: Final = select(Account.id, Account.working_hours, Account.time_zone).where(
    Account.working_hours.is_not(None), Account.active
)
_LISTENING: Final = (
    select(Webhook, Account.role)
    .join(Account, Account.id == Webhook.owner_id)
    .where(or_(Account.active, Account.role == "admin"))
)
"""What an administrator set up outlives them; an integration that is gone hears nothing more."""


def endpoint_of(session: Session, webhook_id: int) -> Endpoint | None:
    """One endpoint whatever its state, None when nothing may be sent to it any more."""
    found = session.execute(_LISTENING.where(Webhook.id == webhook_id)).one_or_none()
    return None if found is None else _endpoint(session, *found)


def _endpoint(session: Session, row: Webhook, role: str | None) -> Endpoint:
    owner = callers.by_id(session, row.owner_id) if role != "admin" else None  # administrators see everything
    return Endpoint(
        id=row.id,
        patterns=frozenset(row.event_types),
        teams=None if row.teams is None else frozenset(row.teams),
        workflows=None if row.workflows is None else frozenset(row.workflows),
        include_imported=row.include_imported,
        include_customer=row.include_customer,
        audit=role == "admin",
        owner=owner if owner is not None and owner.hidden_teams else None,
    )


_INSERT: Final = insert(Delivery.__table__)  # type: ignore[arg-type]


def line_up(
    session: Session, audience: Audience, facts: Sequence["Fact"], rows: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """One delivery per event and endpoint that is to get it. The events have been written before."""
    wanted = [(endpoint, wanted_by(session, endpoint, facts, rows)) for endpoint in audience.endpoints]
    lined_up = [_delivery(endpoint.id, row, now) for endpoint, chosen in wanted for row in chosen]
    if lined_up:
        plain(session, _INSERT, lined_up)
        tell(session, DELIVERIES)


def insert_deliveries(session: Session, endpoint: Endpoint, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """A delivery to `endpoint` for each of these events (`position`, `action_id`, `sequence`)."""
    if rows:
        plain(session, _INSERT, [_delivery(endpoint.id, row, now) for row in rows])


def _delivery(webhook_id: int, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "webhook_id": webhook_id,
        "position": row["position"],
        "action_id": row["action_id"] if row["sequence"] is not None else None,
        "sequence": row["sequence"],
        "state": "pending",
        "next_at": now,
        "tries": 0,
        "tries_before": 0,
        "created_at": now,
    }


def wanted_by(
    session: Session, endpoint: Endpoint, facts: Sequence["Fact"], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those of some events that an endpoint is to get; of each the fact, and the row with `position` and `audit`."""
    both = list(zip(facts, rows, strict=True))
    tests = [row for fact, row in both if fact.type == TEST and fact.subject_id == endpoint.id]
    pairs = [(fact, row) for fact, row in both if fact.type != TEST and _asks_for(endpoint, fact, row)]
    if endpoint.teams is not None and pairs:
        members = _teams_of(session, {_id(_action(fact).get("assignee")) for fact, _ in pairs})
        pairs = [(fact, row) for fact, row in pairs if endpoint.teams & _teams(fact, members)]
    chosen = [row for _, row in pairs]
    if endpoint.owner is not None and chosen:
        positions = [row["position"] for row in chosen]
        query = select(Event.position).where(Event.position.in_(positions), events_query.may_see(endpoint.owner))
        seen = set(session.scalars(query))
        chosen = [row for row in chosen if row["position"] in seen]
    return tests + chosen


def _asks_for(endpoint: Endpoint, fact: "Fact", row: Mapping[str, Any]) -> bool:
    return (
        matches(endpoint.patterns, fact.type, audit=row["audit"])
        and (endpoint.audit or not row["audit"])
        and (endpoint.include_imported or not fact.imported)
        and (endpoint.workflows is None or _action(fact).get("workflow") in endpoint.workflows)
    )


def _action(fact: "Fact") -> Mapping[str, Any]:
    return fact.about.get("action") or {}


def _id(shown: Mapping[str, Any] | None) -> int | None:
    return None if shown is None else shown["id"]


def _teams(fact: "Fact", members: Mapping[int, frozenset[int]]) -> frozenset[int]:
    """The team an action was given to; without one those of its assignee, as for leads."""
    action = _action(fact)
    team = _id(action.get("team"))
    return frozenset({team}) if team is not None else members.get(_id(action.get("assignee")) or 0, frozenset())


def _teams_of(session: Session, people: Iterable[int | None]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    query = select(TeamMember.account_id, TeamMember.team_id).where(TeamMember.account_id.in_([p for p in people if p]))
    for account_id, team_id in session.execute(query):
        found.setdefault(account_id, set()).add(team_id)
    return {person: frozenset(teams) for person, teams in found.items()}


_CONTACTS: Final = select(Customer.id, Customer.email, Customer.phone).where(
    Customer.id.in_(bindparam("ids", expanding=True))
)


def add_contacts(session: Session, audience: Audience, facts: Sequence["Fact"], rows: Sequence[dict[str, Any]]) -> None:
    """Freeze the customer's address and phone beside the body, if there is an endpoint that may have them."""
    if not any(endpoint.include_customer for endpoint in audience.endpoints):
        return
    of_row = {n: ident for n, fact in enumerate(facts) if (ident := _customer(fact)) is not None}
    if not of_row:
        return
    contacts = {row.id: row for row in plain(session, _CONTACTS, {"ids": sorted(set(of_row.values()))})}
    for n, ident in of_row.items():
        if (contact := contacts.get(ident)) is not None:
            rows[n]["contact"] = orjson.dumps({"email": contact.email, "phone": contact.phone}).decode()


def _customer(fact: "Fact") -> int | None:
    return _id((fact.about.get("feedback") or {}).get("customer"))
