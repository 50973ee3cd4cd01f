"""The floor: the same few answers as the service's, from a bare Flask application with its SQL by hand.

What it leaves out is what a framework would add; what the data need (the lock, the version, the event with its frozen
body, one transaction) is all there.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Response, request

from benchmarks.floor import statements as sql
from benchmarks.floor.store import IS_SQLITE, bound, placeholders, reading, rows, writing
from benchmarks.floor.times import at_share, next_business_day

PRIORITIES = {1: "low", 2: "normal", 3: "high", 4: "urgent"}
PRIORITY_NUMBERS = {name: number for number, name in PRIORITIES.items()}
MOVES = {  # transition -> from, to, category, event
    "accept": (("assigned",), "accepted", "active", "action.accepted"),
    "start": (("accepted",), "in_progress", "active", "action.started"),
    "release": (("accepted", "in_progress", "waiting"), "assigned", "open", "action.released"),
}

ACCEPT, FINISH = 1, 4  # bits of `planned`

app = Flask(__name__)


class Refused(Exception):
    """An answer that is not 200, with its status."""

    def __init__(self, status: int) -> None:
        self.status = status


@app.errorhandler(Refused)
def refused(error: Refused) -> Response:
    body = orjson.dumps({"status": error.status})
    return Response(body, status=error.status, content_type="application/problem+json")


@app.get("/healthz")
def healthz() -> Response:
    return answer({"status": "ok"})


@app.get("/api/v1/me/actions")
def my_queue() -> Response:
    now = datetime.now(UTC)
    with reading() as connection:
        me = caller(connection, now)
        found = rows(connection.execute(sql.MINE, {"me": me["id"]}))
    return page([view(row, now) for row in found[:50]], len(found) > 50)


@app.get("/api/v1/actions")
def overdue() -> Response:
    now = datetime.now(UTC)
    with reading() as connection:
        caller(connection, now)
        found = rows(connection.execute(sql.OVERDUE, {"now": bound(now)}))
        total = connection.execute(sql.OVERDUE_COUNT, {"now": bound(now)}).fetchone()[0]
    seen = [view(row, now) for row in found[:50]]
    return page(seen, len(found) > 50, total=min(total, 10_000), total_is_capped=total > 10_000)


@app.post("/api/v1/actions/<int:action_id>/transitions")
def move(action_id: int) -> Response:
    now = datetime.now(UTC)
    body = orjson.loads(request.get_data())
    with reading() as connection:
        me = caller(connection, now)
    with writing() as connection:
        found = rows(connection.execute(sql.LOCKED, {"id": action_id}))
        if not found:
            raise Refused(404)
        row = found[0]
        if body["transition"] not in MOVES:
            raise Refused(422)
        sources, state, category, event = MOVES[body["transition"]]
        if row["assignee_id"] != me["id"]:
            raise Refused(403)
        if row["state"] not in sources:
            raise Refused(409)
        before, version = row["state"], row["version"]
        row |= {"state": state, "category": category, "state_since": now, "version": version + 1}
        row["sequence"] += 1
        row["accepted_at"] = (row["accepted_at"] or now) if state != "assigned" else None
        row["started_at"] = (row["started_at"] or now) if state == "in_progress" else None
        keep_reminders(connection, row, now)
        values = {name: stored(row[name]) for name in sql.MOVED}
        changed = connection.execute(sql.MOVE, values | {"now": bound(now), "version": version})
        if changed.rowcount != 1:
            raise Refused(409)
        seen = view(row, now)
        about = {"from": before, "to": state, "transition": body["transition"], "comment": body.get("comment"),
                 "reason": None, "action": seen, "feedback": brief(row)}  # fmt: skip
        first = connection.execute(sql.POSITIONS, {"count": 1}).fetchone()[0]
        connection.execute(sql.EVENT, event_row(first, event, row, me, about, now))
        tell(connection, first, event, row, me, now)
    return answer(seen, ETag=f'"{seen["version"]}"')


@app.post("/api/v1/feedback/<int:feedback_id>/actions")
def fan_out(feedback_id: int) -> Response:
    now = datetime.now(UTC)
    body = orjson.loads(request.get_data())
    emails = [entry["user"].lower() for entry in body["assignees"]]
    with reading() as connection:
        me = caller(connection, now)
    with writing() as connection:
        found = rows(connection.execute(sql.ITEM, {"id": feedback_id}))
        if not found:
            raise Refused(404)
        item = found[0]
        people = {row["email"]: row for row in rows(connection.execute(sql.USERS.format(placeholders(emails)), emails))}
        if any(email not in people or not people[email]["active"] for email in emails):
            raise Refused(422)
        workflow_id = connection.execute(sql.WORKFLOW).fetchone()[0]
        policy_id = connection.execute(sql.POLICY).fetchone()[0]
        given = {"item": feedback_id, "now": bound(now), "me": me["id"]}
        group_id = connection.execute(sql.GROUP, given).fetchone()[0]
        made = [new_action(n, people[email], me, item, group_id, body, now)
                for n, email in zip(new_ids(connection, len(emails)), emails, strict=True)]  # fmt: skip
        cursor = connection.cursor()
        stored_rows = [{name: stored(row.get(name)) for name in sql.NEW_COLUMNS} for row in made]
        given = {"workflow_id": workflow_id, "policy_version_id": policy_id, "attributes": "{}"}
        cursor.executemany(sql.NEW_ACTION, [row | given for row in stored_rows])
        cursor.executemany(sql.LINK, [{"action_id": row["id"], "feedback_id": feedback_id} for row in made])
        settle(connection, item)
        first = connection.execute(sql.POSITIONS, {"count": len(made)}).fetchone()[0]
        seen = [view(row, now) for row in made]
        events = []
        for position, (row, action) in enumerate(zip(made, seen, strict=True), first):
            about = {"from": None, "to": "assigned", "transition": None, "comment": None, "action": action,
                     "feedback": brief(item)}  # fmt: skip
            events.append(event_row(position, "action.assigned", row, me, about, now))
        cursor.executemany(sql.EVENT, events)
        tell_assigned(cursor, first, made, me, now)
        cursor.executemany(sql.REMINDER, [each for row in made for each in first_reminders(row, now)])
    group = {"id": group_id, "feedback_id": feedback_id, "completion": "all", "state": "open", "state_since": now,
             "total": len(made), "done": 0, "unfinished": len(made), "created_at": now}  # fmt: skip
    return answer({"group": group, "actions": seen}, 201)


# -- parts of them ----------------------------------------------------------------------------------------------------


def caller(connection: Any, now: datetime) -> dict[str, Any]:
    """Who is behind the bearer token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = rows(connection.execute(sql.CALLER, {"hash": hashlib.sha256(token.encode()).hexdigest()}))
    if not found or not found[0]["active"] or (found[0]["expires_at"] or now) < now:
        raise Refused(401)
    return found[0]


def view(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """An action as the answer shows it."""
    team, waiting, ids = row["team_id"], row["category"] == "waiting", row["feedback_ids"]
    due = row["due_at"]
    return {
        "id": row["id"], "feedback_id": row["feedback_id"], "feedback_ids": sorted(map(int, ids.split(","))),
        "group_id": row["group_id"], "workflow": row["workflow"], "state": row["state"], "category": row["category"],
        "title": row["title"], "description": row["description"], "kind": row["kind"],
        "priority": PRIORITIES[row["priority"]], "goal": row["goal"], "benefit": row["benefit"],
        "assignee": None if row["assignee_id"] is None else
            {"id": row["assignee_id"], "name": row["assignee_name"], "email": row["assignee_email"]},
        "on_behalf_of": None,
        "assigned_by": {"id": row["assigner_id"], "name": row["assigner_name"], "email": row["assigner_email"]},
        "team": None if team is None else {"id": team, "key": row["team_key"], "name": row["team_name"]},
        "pool": bool(row["pool"]), "due_at": due, "first_due_at": row["first_due_at"],
        "extension_request": row["extension_request"],
        "overdue": row["finished_at"] is None and due is not None and is_before(due, now),
        "waiting_until": row["waiting_until"] if waiting else None,
        "waiting_for_answer": waiting and bool(row["waiting_for_answer"]), "outcome": row["outcome"],
        "root_cause": row["root_cause"], "resolution": row["resolution"], "external_ref": row["external_ref"],
        "attributes": row["attributes"], "reopened_count": row["reopened_count"], "version": row["version"],
        "created_at": row["created_at"], "state_since": row["state_since"], "accepted_at": row["accepted_at"],
        "started_at": row["started_at"], "finished_at": row["finished_at"], "accept_by": row["accept_by"],
        "start_by": row["start_by"], "accept_met": row["accept_met"], "start_met": row["start_met"],
        "finish_met": row["finish_met"], "quiet_until": row["quiet_until"],
    }  # fmt: skip


def is_before(due: Any, now: datetime) -> bool:
    return due < (now.isoformat() if isinstance(due, str) else now)


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """The item as it stands in an event."""
    customer = row["customer_id"]
    return {
        "id": row["item_id"], "source": row["item_source"], "external_id": row["item_external_id"],
        "channel": row["item_channel"], "touchpoint": row["item_touchpoint"], "text": row["item_text"][:1000],
        "language": row["item_language"], "metric": row["item_metric"], "score": row["item_score"],
        "customer": None if customer is None else {"id": customer, "name": row["customer_name"]},
        "status": row["item_status"], "needs_decision": bool(row["item_needs_decision"]),
        "received_at": row["item_received_at"], "created_at": row["item_created_at"], "version": row["item_version"],
    }  # fmt: skip


def event_row(
    position: int, event: str, row: dict[str, Any], me: dict[str, Any], about: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """A row of the ledger with its body as text."""
    event_id = "evt_" + secrets.token_hex(16)
    envelope = {
        "event_id": event_id, "position": position, "sequence": row["sequence"], "schema_version": 1,
        "subject": {"type": "action", "id": row["id"]},
        "actor": {"type": me["kind"], "id": me["id"], "name": me["name"]}, "imported": False,
    }  # fmt: skip
    body = orjson.dumps({"type": event, "timestamp": now, "data": envelope | about}, option=orjson.OPT_UTC_Z).decode()
    return {
        "position": position, "event_id": event_id, "type": event, "at": bound(now), "subject_type": "action",
        "subject_id": row["id"], "sequence": row["sequence"], "actor_type": me["kind"], "actor_id": me["id"],
        "action_id": row["id"], "feedback_id": row["feedback_id"], "audit": False, "imported": False, "body": body,
    }  # fmt: skip


def tell(connection: Any, position: int, event: str, row: dict[str, Any], me: dict[str, Any], now: datetime) -> None:
    """A notice for each person whom a step concerns, for the digest."""
    asked = {"action": row["id"], "item": row["feedback_id"], "group": row["group_id"]}
    concerned = {ident: relation for relation, ident in reversed(connection.execute(sql.CONCERNED, asked).fetchall())}
    concerned.pop(me["id"], None)
    notices = [notice(position, ident, event, relation, row, None, now) for ident, relation in concerned.items()]
    if notices:
        connection.cursor().executemany(sql.NOTICE, notices)


def tell_assigned(cursor: Any, first: int, made: list[dict[str, Any]], me: dict[str, Any], now: datetime) -> None:
    """A notice and a mail for each person who was given work, and a notice for whoever watches the item."""
    cursor.execute(sql.WATCHING, {"item": made[0]["feedback_id"]})
    watching = [ident for (ident,) in cursor.fetchall() if ident != me["id"]]
    given = [(position, row) for position, row in enumerate(made, first) if row["assignee_id"] != me["id"]]
    event = "action.assigned"
    notices = [notice(position, row["assignee_id"], event, "assignee", row, first, now) for position, row in given]
    notices += [
        notice(position, ident, event, "watcher", row, None, now) for position, row in given for ident in watching
    ]
    mail = {
        "position": first, "state": "pending", "next_at": bound(now), "tries": 0, "tries_before": 0,
        "created_at": bound(now),
    }  # fmt: skip
    cursor.executemany(sql.NOTICE, notices)
    cursor.executemany(sql.MAIL, [mail | {"account_id": row["assignee_id"]} for _, row in given])


def notice(
    position: int, ident: int, event: str, relation: str, row: dict[str, Any], batch: int | None, now: datetime
) -> dict[str, Any]:
    return {
        "position": position, "account_id": ident, "kind": event, "relation": relation, "action_id": row["id"],
        "batch": batch, "at": bound(now),
    }  # fmt: skip


def keep_reminders(connection: Any, row: dict[str, Any], now: datetime) -> None:
    """Who accepts is not reminded of it any more; who gives it back lets the time for that begin anew."""
    if row["state"] == "assigned":
        row |= {"promised_at": now, "accept_by": next_business_day(now), "accept_met": None}
        row |= {"occurrence": row["occurrence"] + 1, "planned": row["planned"] | ACCEPT}
        connection.execute(sql.REMINDER, reminder(row, "accept", row["accept_by"], now))
    elif row["planned"] & ACCEPT:
        connection.execute(sql.ACCEPTED, {"id": row["id"], "now": bound(now)})
        row["planned"] &= ~ACCEPT
        if row["accept_met"] is None:
            row["accept_met"] = not is_before(row["accept_by"], now)


def first_reminders(row: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    soon = at_share(now, row["due_at"], 75)
    return [reminder(row, "accept", row["accept_by"], now), reminder(row, "finish", soon, now)]


def reminder(row: dict[str, Any], target: str, at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "action_id": row["id"], "target": target, "rung": 0, "occurrence": row["occurrence"], "at": bound(at),
        "state": "planned", "created_at": bound(now),
    }  # fmt: skip


def new_ids(connection: Any, count: int) -> list[int]:
    found = [row[0] for row in connection.execute(sql.ACTION_IDS, {"count": count}).fetchall()]
    return list(range(found[0], found[0] + count)) if IS_SQLITE else found


def new_action(
    ident: int,
    person: dict[str, Any],
    me: dict[str, Any],
    item: dict[str, Any],
    group_id: int,
    body: Any,
    now: datetime,
) -> dict[str, Any]:
    due_at = datetime.fromisoformat(body["due_at"])
    return {
        "id": ident, "feedback_id": item["item_id"], "group_id": group_id, "workflow": "standard",
        "state": "assigned", "category": "open", "title": body["title"], "description": body.get("description"),
        "kind": body.get("kind", "internal"), "priority": PRIORITY_NUMBERS[body.get("priority", "normal")],
        "goal": None, "benefit": None, "assignee_id": person["id"], "assignee_name": person["name"],
        "assignee_email": person["email"], "assigner_id": me["id"], "assigner_name": me["name"],
        "assigner_email": me["email"], "team_id": None, "pool": False, "due_at": due_at, "first_due_at": due_at,
        "waiting_until": None, "waiting_for_answer": False, "outcome": None, "root_cause": None, "resolution": None,
        "external_ref": None, "attributes": {}, "reopened_count": 0, "sequence": 1, "version": 1, "created_at": now,
        "state_since": now, "accepted_at": None, "started_at": None, "finished_at": None, "promised_at": now,
        "accept_by": next_business_day(now), "start_by": None, "accept_met": None, "start_met": None,
        "finish_met": None, "quiet_until": None, "extension_request": None, "occurrence": 0, "planned": ACCEPT | FINISH,
        "feedback_ids": str(item["item_id"]),
    }  # fmt: skip


def settle(connection: Any, item: dict[str, Any]) -> None:
    """The status of the item follows from its actions."""
    total, done, unfinished = connection.execute(sql.PROGRESS, {"id": item["item_id"]}).fetchone()
    status = "new" if not total else "open" if unfinished or not done else "resolved"
    if status != item["item_status"]:
        connection.execute(sql.SET_STATUS, {"status": status, "id": item["item_id"]})


def stored(value: Any) -> Any:
    """A value as the database takes it; what was read as text is text already."""
    if isinstance(value, datetime):
        return bound(value)
    if IS_SQLITE and isinstance(value, str) and len(value) >= 20 and value[10] == "T" and value[-1] == "Z":
        return bound(datetime.fromisoformat(value))
    return value


def page(items: list[Any], more: bool, **total: Any) -> Response:
    return answer({"items": items, "next_cursor": str(items[-1]["id"]) if more else None} | total)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    dumped = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(dumped, status=status, content_type="application/json", headers=headers)
