"""Customers: recognised or made with the feedback they send, created, changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Customer, Feedback
from cfm_workflow.operations.ids import take_ids
from cfm_workflow.operations.search import refresh_search
from cfm_workflow.queries import customers as customers_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.queries.named import named

FIELDS: Final = ("name", "email", "phone", "language", "external_id")


@dataclass(frozen=True, slots=True)
class Known:
    """As much of a customer as an item shows."""

    id: int
    name: str | None


def settle(
    session: Session,
    caller: Caller,
    described: Sequence[Mapping[str, Any] | None],
    rows: Sequence[Mapping[str, Any]],
    imported: bool,
    now: datetime,
) -> tuple[list[Known | None], list[Fact]]:
    """The customer of each row: the one with that id, e-mail address or (`source`, `external_id`), else a new one.

    What is stored of a known customer is not changed. Returns them in the order given, and the events to record.

    Raises:
        Invalid: there is no customer of that id.
    """
    keys = [_keys(who, row["source"]) if who else [] for who, row in zip(described, rows, strict=True)]
    known = _known(session, keys)
    new: dict[tuple[Any, ...], dict[str, Any]] = {}
    chosen: list[tuple[Any, ...] | None] = []
    for n, (who, row, their) in enumerate(zip(described, rows, keys, strict=True)):
        if not who:
            chosen.append(None)
            continue
        key = next((key for key in their if key in known or key in new), None)
        if key is None and "id" in who:
            raise Invalid({"customer.id": ["must be the id of a customer"]})
        if key is None:
            key = their[0] if their else ("new", n)
            new[key] = {name: who.get(name) for name in FIELDS} | {
                "source": row["source"] if who.get("external_id") else None
            }
            for other in their[1:]:
                new.setdefault(other, new[key])
        chosen.append(key)
    made = _insert(session, list({id(values): values for values in new.values()}.values()), now)
    everybody = known | {key: made[id(values)] for key, values in new.items()}
    facts = [_created(caller, values, now, imported) for values in {id(v): v for v in new.values()}.values()]
    return [None if key is None else everybody[key] for key in chosen], facts


def _keys(who: Mapping[str, Any], source: str) -> list[tuple[Any, ...]]:
    """By what a customer may be known already, the surest first."""
    if who.get("id") is not None:
        return [("id", who["id"])]
    keys: list[tuple[Any, ...]] = []
    if who.get("external_id"):
        keys.append(("external", source, who["external_id"]))
    if who.get("email"):
        keys.append(("email", who["email"]))
    return keys


def _known(session: Session, keys: Sequence[Sequence[tuple[Any, ...]]]) -> dict[tuple[Any, ...], Known]:
    flat = {key for their in keys for key in their}
    found: dict[tuple[Any, ...], Known] = {}
    ids = [key[1] for key in flat if key[0] == "id"]
    if ids:
        rows = session.execute(
            select(Customer.id, Customer.name).where(Customer.id.in_(ids), Customer.erased_at.is_(None))
        )
        found.update({("id", row.id): Known(row.id, row.name) for row in rows})
    emails = [key[1] for key in flat if key[0] == "email"]
    if emails:
        rows = session.execute(select(Customer.id, Customer.name, Customer.email).where(Customer.email.in_(emails)))
        found.update({("email", row.email): Known(row.id, row.name) for row in rows})
    pairs = [(key[1], key[2]) for key in flat if key[0] == "external"]
    query = select(Customer.id, Customer.name, Customer.source, Customer.external_id)
    theirs = named(session, query, Customer.__table__.c.external_id, pairs)
    found.update({("external", row.source, row.external_id): Known(row.id, row.name) for row in theirs})
    return found


def _insert(session: Session, values: list[dict[str, Any]], now: datetime) -> dict[int, Known]:
    if not values:
        return {}
    made = {}
    for ident, row in zip(take_ids(session, Customer, len(values)), values, strict=True):
        row |= {"id": ident, "erased_at": None, "version": 1, "created_at": now}
        made[id(row)] = Known(ident, row["name"])
    session.execute(insert(Customer.__table__), values)  # type: ignore[arg-type]
    return made


def _created(caller: Caller, values: Mapping[str, Any], now: datetime, imported: bool) -> Fact:
    seen = {name: values[name] for name in ("id", *FIELDS)}
    return Fact("customer.created", values["id"], {"customer": seen}, caller, imported=imported)


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new customer.

    Raises:
        Forbidden, Conflict: the address, or the name in that source, is known already.
    """
    access.require(caller, "customer.create")
    _must_be_free(session, fields, None)
    customer = Customer(
        erased_at=None, version=1, created_at=now, **{name: fields.get(name) for name in (*FIELDS, "source")}
    )
    session.add(customer)
    session.flush()
    ledger.record(session, [_created(caller, {"id": customer.id, **_plain(customer)}, now, False)], now=now)
    return customers_query.show(session, caller, customer)


def change(
    session: Session, caller: Caller, customer_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change what is known of a customer; their items are found under the new name.

    Raises:
        NotFound, Forbidden, Conflict: erased, or the address is somebody else's.
    """
    customer = customers_query.find(session, customer_id, lock=True)
    access.require(caller, "customer.change", relations_query.to_customer(session, caller, customer_id))
    if customer.erased_at is not None:
        raise Conflict("This customer has been erased.")
    _must_be_free(session, fields, customer)
    changes = ledger.changes(customer, dict(fields))
    for name in changes:
        setattr(customer, name, fields[name])
    if changes:
        customer.version += 1
        session.flush()
        if "name" in changes:
            ids = session.scalars(select(Feedback.id).where(Feedback.customer_id == customer_id)).all()
            refresh_search(session, ids)
        seen = {"id": customer_id, **_plain(customer)}
        fact = Fact("customer.changed", customer_id, {"changes": changes, "customer": seen}, caller)
        ledger.record(session, [fact], now=now)
    return customers_query.show(session, caller, customer)


def _must_be_free(session: Session, fields: Mapping[str, Any], self: Customer | None) -> None:
    ident = None if self is None else self.id
    if email := fields.get("email"):
        other = session.scalars(select(Customer.id).where(Customer.email == email, Customer.id != (ident or 0))).first()
        if other is not None:
            raise Conflict(f"Customer {other} has this address already.")
    if external_id := fields.get("external_id"):
        source = fields.get("source") or (self.source if self is not None else None)
        same = select(Customer.id).where(Customer.source == source, Customer.external_id == external_id)
        other = session.scalars(same.where(Customer.id != (ident or 0))).first()
        if other is not None:
            raise Conflict(f"Customer {other} has this external_id already.")


def _plain(customer: Customer) -> dict[str, Any]:
    return {name: getattr(customer, name) for name in FIELDS}
