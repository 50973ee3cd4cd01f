"""Endpoints: made, changed, tested, switched on again, sent to anew. Nothing is sent from here."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact, audience, outbox, replaying
from cfm_workflow.models import Account, Delivery, Event, Webhook, WorkflowVersion
from cfm_workflow.operations import people
from cfm_workflow.policy.deliveries import matches
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.queries import webhooks as webhooks_query
from cfm_workflow.queries import workflows as workflows_query
from cfm_workflow.security.addresses import Networks, RefusedAddress, RefusedUrl, Target, check_url
from cfm_workflow.security.keys import KeyRing
from cfm_workflow.security.sealing import COLUMNS, seal, seal_headers, unseal
from cfm_workflow.security.signing import new_secret

RIGHT: Final = "webhook.manage"
BOTH_SIGN: Final = timedelta(hours=24)
PLAIN: Final = ("description", "payload", "include_customer", "include_imported")


def create(
    session: Session, caller: Caller, fields: Mapping[str, Any], *, ring: KeyRing, allowed: Networks, now: datetime
) -> dict[str, Any]:
    """A new endpoint, with its secret, which is never shown again. `fields` as the form loads them.

    Raises:
        Forbidden; Conflict: there are as many as there can be; Invalid: the URL, a pattern, a team or a workflow.
    """
    access.require(caller, RIGHT)
    _may_have(caller, fields)
    if session.scalars(select(func.count()).where(Webhook.state != "deleted")).one() >= limits.WEBHOOKS:
        raise Conflict(f"There are {limits.WEBHOOKS} webhooks already.")
    assert caller.id is not None
    row = Webhook(
        **{name: fields[name] for name in PLAIN},
        **_checked(session, fields, is_administrators=caller.is_administrator, allowed=allowed),
        state=fields["state"],
        secret="",  # it is bound to the id, which is not known yet
        warnings=0,
        owner_id=caller.id,
        version=1,
        created_at=now,
    )
    session.add(row)
    session.flush()
    secret = fields.get("secret") or new_secret()
    row.secret = seal(ring, row.id, "secret", secret)
    row.headers = seal_headers(ring, row.id, fields.get("headers") or {})
    session.flush()
    _record(session, "created", row, caller, now)
    return webhooks_query.view(session, ring, row) | {"secret": secret}


def _may_have(caller: Caller, fields: Mapping[str, Any]) -> None:
    if fields.get("include_customer"):
        access.require(caller, "customer.contact")


def _checked(
    session: Session, fields: Mapping[str, Any], *, is_administrators: bool, allowed: Networks
) -> dict[str, Any]:
    """What of the fields has to be looked at: as it is stored."""
    checked: dict[str, Any] = {}
    if "url" in fields:
        checked["url"] = target_of(fields["url"], allowed=allowed).url
    if "event_types" in fields:
        _check_patterns(session, fields["event_types"], is_administrators=is_administrators)
        checked["event_types"] = list(dict.fromkeys(fields["event_types"]))
    if "teams" in fields:
        checked["teams"] = _team_ids(session, fields["teams"])
    if "workflows" in fields:
        _check_workflows(session, fields["workflows"] or ())
        checked["workflows"] = fields["workflows"]
    return checked


def target_of(url: str, *, allowed: Networks) -> Target:
    """Where a URL leads, as far as it can be said without asking a name server.

    Raises:
        Invalid: it is not called; names the field `url`.
    """
    try:
        return check_url(url, allowed=allowed)
    except RefusedUrl as refusal:
        raise Invalid({"url": [refusal.right]}) from None
    except RefusedAddress as refusal:
        raise Invalid({"url": [f"must lead to a public address: {refusal}"]}) from None


def _check_patterns(session: Session, patterns: Iterable[str], *, is_administrators: bool) -> None:
    """Each names an event that exists; those of administrators alone are for their endpoints alone."""
    known = dict.fromkeys(workflows_query.event_types(session), False) | {
        name: kind.audit for name, kind in EVENT_TYPES.items()
    }
    problems = {}
    for n, pattern in enumerate(patterns):
        named = [audit for name, audit in known.items() if matches(frozenset({pattern}), name, audit=audit)]
        if not named:
            problems[f"event_types.{n}"] = [f"{pattern} is no event type: take one of GET /event-types, action.* or *"]
        elif all(named) and not is_administrators:
            problems[f"event_types.{n}"] = [f"{pattern} is for administrators only"]
    if problems:
        raise Invalid(problems)


def _team_ids(session: Session, refs: Iterable[people.Ref] | None) -> list[int] | None:
    if refs is None:
        return None
    teams = people.named_teams(session, {f"teams.{n}": ref for n, ref in enumerate(refs)})
    return sorted({team.id for team in teams.values()})


def _check_workflows(session: Session, keys: Iterable[str]) -> None:
    wanted = list(keys)
    known = set(session.scalars(select(WorkflowVersion.key).where(WorkflowVersion.key.in_(wanted))))
    problems = {f"workflows.{n}": ["must be the key of a workflow"] for n, key in enumerate(wanted) if key not in known}
    if problems:
        raise Invalid(problems)


def change(
    session: Session,
    caller: Caller,
    webhook_id: int,
    fields: Mapping[str, Any],
    *,
    ring: KeyRing,
    allowed: Networks,
    now: datetime,
) -> dict[str, Any]:
    """Change an endpoint; `state` pauses it (what happens is kept for it) or goes on with it.

    Raises:
        NotFound, Forbidden, Invalid: as `create`.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    _may_have(caller, fields)
    owner = session.get_one(Account, row.owner_id)
    plain = {name: fields[name] for name in PLAIN if name in fields}
    plain |= _checked(session, fields, is_administrators=owner.role == "admin", allowed=allowed)
    was = row.state
    if "state" in fields and fields["state"] != was:
        plain["state"] = fields["state"]
    before = webhooks_query.event_view(row)
    changed = ledger.changes(row, plain)
    _set(row, {name: plain[name] for name in changed})
    if "headers" in fields:
        row.headers = seal_headers(ring, row.id, fields["headers"])
        changed["headers"] = {"from": None, "to": None}  # that they changed, not what they are
    if changed:
        row.version += 1
        session.flush()
        if "url" in changed:
            changed["url"] = {"from": before["url"], "to": webhooks_query.event_view(row)["url"]}
        if row.state == "active" and "state" in changed:
            _begin_anew(row)  # what failed before says nothing of how it does now
        if was == "disabled" and "state" in changed:
            _record(session, "enabled", row, caller, now)
        else:
            _record(session, "changed", row, caller, now, changes=changed)
    return webhooks_query.view(session, ring, row)


def _set(row: Webhook, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _begin_anew(row: Webhook) -> None:
    fresh = {"disabled_reason": None, "failing_since": None, "failing_position": None, "warnings": 0, "warned_at": None}
    _set(row, fresh)


def enable(
    session: Session, caller: Caller, webhook_id: int, fields: Mapping[str, Any], *, ring: KeyRing, now: datetime
) -> dict[str, Any]:
    """Switch an endpoint on again; with `replay` "failed" all is sent that has not arrived since the first failure.

    Raises:
        NotFound, Forbidden, Conflict: a replay is under way.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    if fields.get("replay") == "failed" and row.failing_position is not None:
        # Up to where is found out by the replay: whoever began before this commit has not seen that it is on again.
        _begin_replay(row, replaying.MISSED, row.failing_position - 1, None)
    if row.state != "active":
        _set(row, {"state": "active"})
        _begin_anew(row)
        row.version += 1
        session.flush()
        _record(session, "enabled", row, caller, now)
    session.flush()
    return webhooks_query.view(session, ring, row)


def remove(session: Session, caller: Caller, webhook_id: int, *, now: datetime) -> None:
    """Delete an endpoint; its secrets are gone at once, and what was still to be sent is cancelled a moment later.

    Raises:
        NotFound, Forbidden.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    _set(row, {"state": "deleted", "secret": "", "previous_secret": None, "previous_until": None, "headers": None})
    _set(row, {"replay_of": None, "replay_at": None, "replay_until": None})
    row.version += 1
    session.flush()
    _record(session, "deleted", row, caller, now)


def rotate_secret(
    session: Session, caller: Caller, webhook_id: int, fields: Mapping[str, Any], *, ring: KeyRing, now: datetime
) -> dict[str, Any]:
    """A new secret, which is never shown again; for BOTH_SIGN the one before signs too.

    Raises:
        NotFound, Forbidden.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    secret = fields.get("secret") or new_secret()
    row.previous_secret = seal(ring, row.id, "previous_secret", unseal(ring, row.id, "secret", row.secret))
    row.previous_until = now + BOTH_SIGN
    row.secret = seal(ring, row.id, "secret", secret)
    row.version += 1
    session.flush()
    _record(session, "changed", row, caller, now, changes={"secret": {"from": None, "to": None}})
    return webhooks_query.view(session, ring, row) | {"secret": secret}


def test(session: Session, caller: Caller, webhook_id: int, *, now: datetime) -> dict[str, Any]:
    """Line up an event `webhook.test` for this endpoint alone; the delivery.

    Raises:
        NotFound, Forbidden, Conflict: it is switched off, or whoever set it up is gone.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    _must_be_on(row)
    if audience.endpoint_of(session, webhook_id) is None:
        raise Conflict("Whoever set up this webhook is gone, and nothing is sent to it any more.")
    _record(session, "test", row, caller, now)
    ours = select(func.max(Delivery.id)).join(Event, Event.position == Delivery.position)
    newest = session.scalars(ours.where(Delivery.webhook_id == row.id, Event.type == "webhook.test")).one()
    return webhooks_query.delivery_with_attempts(session, newest or 0)


def _must_be_on(row: Webhook) -> None:
    if row.state == "disabled":
        raise Conflict("This webhook is switched off; switch it on first.")


def replay(
    session: Session, caller: Caller, webhook_id: int, fields: Mapping[str, Any], *, ring: KeyRing, now: datetime
) -> dict[str, Any]:
    """Begin to send again: all events after a position (and up to another), or all that are dead.

    Raises:
        NotFound, Forbidden, Conflict: another replay is under way, or the endpoint is switched off.
    """
    row = webhooks_query.find(session, caller, webhook_id, lock=True)
    access.require(caller, RIGHT)
    _must_be_on(row)
    if fields.get("dead"):
        _begin_replay(row, replaying.DEAD, 0, replaying.newest_dead(session, row.id))
    else:
        newest = replaying.newest_position(session)
        _begin_replay(row, replaying.ALL, fields["after"], min(fields.get("until") or newest, newest))
    session.flush()
    return webhooks_query.view(session, ring, row)


def _begin_replay(row: Webhook, replay_of: str, at: int, until: int | None) -> None:
    if row.replay_of is not None:
        raise Conflict("A replay to this webhook is under way.")
    _set(row, {"replay_of": replay_of, "replay_at": at, "replay_until": until})


def redeliver(session: Session, caller: Caller, delivery_id: int, *, now: datetime) -> dict[str, Any]:
    """Send one delivery again at once, whatever became of it.

    Raises:
        NotFound, Forbidden, Conflict: its endpoint is switched off.
    """
    delivery = webhooks_query.find_delivery(session, caller, delivery_id)
    access.require(caller, RIGHT)
    _must_be_on(session.get_one(Webhook, delivery.webhook_id))
    outbox.reopen(session, Delivery.id == delivery_id, now=now)
    session.expire(delivery)
    return webhooks_query.delivery_with_attempts(session, delivery_id)


def _record(session: Session, verb: str, row: Webhook, caller: Caller, now: datetime, **about: Any) -> None:
    seen = webhooks_query.event_view(row)
    ledger.record(session, [Fact(f"webhook.{verb}", row.id, {**about, "webhook": seen}, caller)], now=now)


# -- keys ------------------------------------------------------------------------------------------------------------


def protected_by_older_keys(session: Session, ring: KeyRing) -> list[int]:
    """The endpoints with a secret that the newest key does not protect yet."""
    columns = [getattr(Webhook, name) for name in COLUMNS]
    rows = session.execute(select(Webhook.id, *columns).where(Webhook.state != "deleted"))
    return [row[0] for row in rows if any(text and text.split(".")[1] != ring.ids[0] for text in row[1:])]


def protect_anew(session: Session, ring: KeyRing, webhook_ids: Iterable[int]) -> None:
    """Encrypt the secrets of some endpoints with the newest key, so that older ones can go."""
    for row in session.scalars(select(Webhook).where(Webhook.id.in_(list(webhook_ids))).with_for_update()):
        for name in COLUMNS:
            if (stored := getattr(row, name)) is not None and stored:
                setattr(row, name, seal(ring, row.id, name, unseal(ring, row.id, name, stored)))
