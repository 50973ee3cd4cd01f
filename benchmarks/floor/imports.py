"""The floor's import: a file read, customers and items stored with their events, batch by batch, by hand."""

import csv
import hashlib
import secrets
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from benchmarks.floor import statements as sql
from benchmarks.floor.store import IS_SQLITE, bound, connection, placeholders, rows, statement, writing
from benchmarks.imports import memory_mb, summary
from cfm_workflow.policy.search import search_text

_CUSTOMER = ("id", "name", "source", "external_id", "version", "created_at")
_FEEDBACK = (
    "id", "source", "fingerprint", "text", "attributes", "customer_id", "recorded_by", "status", "needs_decision",
    "received_at", "created_at", "imported", "search_text", "version",
)  # fmt: skip
INSERT_CUSTOMER = sql.insert("customers", _CUSTOMER)
INSERT_FEEDBACK = sql.insert("feedback", _FEEDBACK)
_ME = {"type": "user", "id": 1, "name": "Person 1"}


def floor(file: Path, batch: int) -> dict[str, Any]:
    """Import the file in batches of so many rows."""
    seconds, memory = [], []
    equal: Counter[bytes] = Counter()
    connection()
    began = perf_counter()
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        while some := list(islice(reader, batch)):
            ready = [_read(row, equal) for row in some]
            at = perf_counter()
            with writing() as mine:
                _store(mine, ready)
            seconds.append(perf_counter() - at)
            memory.append(memory_mb())
    return summary(perf_counter() - began, seconds, memory)


def _read(row: dict[str, str], equal: Counter[bytes]) -> dict[str, Any]:
    """A row with its instant, its identity and its fields; `equal` counts rows that are the same."""
    digest = hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).digest()
    equal[digest] += 1
    mark = hashlib.sha256(digest + str(equal[digest]).encode()).hexdigest()[:32]
    at = datetime.strptime(row["created"], "%d-%m-%Y %H:%M:%S").replace(tzinfo=UTC)
    return {
        "text": row["text"].strip(), "name": row["name"].strip(), "fingerprint": mark, "received_at": at,
        "attributes": {"sentiment": row["sentiment"], "airline": row["airline"]},
    }  # fmt: skip


def _store(mine: Any, ready: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    marks = [row["fingerprint"] for row in ready]
    query = f"SELECT fingerprint FROM feedback WHERE source = 'survey' AND fingerprint IN ({placeholders(marks)})"
    there = {row["fingerprint"] for row in rows(mine.execute(query, marks))}
    new = [row for row in ready if row["fingerprint"] not in there]
    if not new:
        return
    names = list({row["name"] for row in new})
    query = f"SELECT id, external_id FROM customers WHERE source = 'survey' AND external_id IN ({placeholders(names)})"
    known = {row["external_id"]: row["id"] for row in rows(mine.execute(query, names))}
    unknown = [name for name in names if name not in known]
    known |= zip(unknown, _ids(mine, "customers", len(unknown)), strict=True)
    customers = [
        {"id": known[name], "name": name, "source": "survey", "external_id": name, "version": 1,
         "created_at": bound(now)}
        for name in unknown
    ]  # fmt: skip
    items = [
        {
            "id": ident, "source": "survey", "fingerprint": row["fingerprint"], "text": row["text"],
            "attributes": orjson.dumps(row["attributes"]).decode(), "customer_id": known[row["name"]],
            "recorded_by": 1, "status": "new", "needs_decision": False, "received_at": bound(row["received_at"]),
            "created_at": bound(now), "imported": True, "search_text": search_text(row["text"], row["name"]),
            "version": 1,
        }
        for ident, row in zip(_ids(mine, "feedback", len(new)), new, strict=True)
    ]  # fmt: skip
    count = len(customers) + len(items)
    first = mine.execute(statement(sql.POSITIONS), {"count": count}).fetchone()[0]
    events = [_customer_event(first + n, row, now) for n, row in enumerate(customers)]
    first += len(customers)
    events += [_item_event(first + n, row, given, now) for n, (row, given) in enumerate(zip(items, new, strict=True))]
    cursor = mine.cursor()
    if customers:
        cursor.executemany(INSERT_CUSTOMER, customers)
    cursor.executemany(INSERT_FEEDBACK, items)
    cursor.executemany(sql.EVENT, events)


def _ids(mine: Any, table: str, count: int) -> list[int]:
    if IS_SQLITE:
        (last,) = mine.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()
        return list(range(last + 1, last + count + 1))
    query = f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, %s)"
    return [row[0] for row in mine.execute(query, (count,)).fetchall()]


def _customer_event(position: int, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    seen = {"id": row["id"], "name": row["name"], "email": None, "phone": None, "language": None,
            "external_id": row["external_id"]}  # fmt: skip
    return _event(position, "customer.created", "customer", row["id"], {"customer": seen}, now)


def _item_event(position: int, row: dict[str, Any], given: dict[str, Any], now: datetime) -> dict[str, Any]:
    seen = {
        "id": row["id"], "source": "survey", "external_id": None, "channel": None, "touchpoint": None,
        "text": row["text"][:1000], "language": None, "metric": None, "score": None,
        "customer": {"id": row["customer_id"], "name": given["name"]}, "status": "new", "needs_decision": False,
        "received_at": given["received_at"], "created_at": now, "version": 1,
    }  # fmt: skip
    return _event(position, "feedback.received", "feedback", row["id"], {"feedback": seen}, now)


def _event(position: int, kind: str, subject: str, ident: int, about: dict[str, Any], now: datetime) -> dict[str, Any]:
    event_id = "evt_" + secrets.token_hex(16)
    data = {
        "event_id": event_id, "position": position, "sequence": None, "schema_version": 1,
        "subject": {"type": subject, "id": ident}, "actor": _ME, "imported": True, **about,
    }  # fmt: skip
    body = orjson.dumps({"type": kind, "timestamp": now, "data": data}, option=orjson.OPT_UTC_Z).decode()
    return {
        "position": position, "event_id": event_id, "type": kind, "at": bound(now), "subject_type": subject,
        "subject_id": ident, "sequence": None, "actor_type": "user", "actor_id": 1, "action_id": None,
        "feedback_id": ident if subject == "feedback" else None, "audit": False, "imported": True, "body": body,
    }  # fmt: skip
