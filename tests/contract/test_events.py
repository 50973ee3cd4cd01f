"""Claims about events: each type happens, fits the schema it is published with, is short, and tells enough."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from cfm_workflow import clock, limits
from cfm_workflow.models import Check, Event, Webhook
from cfm_workflow.operations.messages import consent
from cfm_workflow.policy.audiences import KINDS
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.security.letter_links import LetterPurpose, LetterSigner
from cfm_workflow.worker.closing import ask_customers, raise_silence
from cfm_workflow.worker.importing import run_imports
from cfm_workflow.worker.messages import Messages
from cfm_workflow.worker.reminders import tell_reminders
from cfm_workflow.worker.upkeep import beat, watch_clock
from cfm_workflow.worker.waiting import resume_due
from cfm_workflow.worker.webhooks import watch_webhooks
from tests.contract.shapes import closed, misfits
from tests.mailing import send_all
from tests.world import World

Fill = Callable[[int], str]
FILLS: dict[str, Fill] = {
    "plain words": lambda longest: "Miles"[:longest],
    "emoji, four bytes each": lambda longest: "😀" * longest,
    "control characters, six bytes each": lambda longest: "\x01" * longest,
}


def everything_happens(world: World, noon: datetime, fill: Fill) -> None:
    """Cause an event of every type once, with texts of `fill`."""
    people_change(world, fill)
    settings_change(world, fill)
    item = feedback_changes(world, fill)
    actions_move(world, noon, item, fill)
    actions_are_described_and_linked(world, item, fill)
    more_time_is_asked_for(world, item, fill)
    reminders_come(world, item, fill)
    people_are_away(world, item, fill)
    personal_reminders_come(world, item, fill)
    messages_are_exchanged(world, noon, fill)
    a_loop_is_closed(world, fill)
    notes_are_written(world, item, fill)
    groups_end(world, fill)
    the_clock_stands_still(world)
    people_disappear(world, fill)


def the_clock_stands_still(world: World) -> None:
    beat(world.service)
    clock.freeze(clock.now() + timedelta(minutes=5))
    watch_clock(world.service)
    beat(world.service)


def people_change(world: World, fill: Fill) -> None:
    ada = world.ada
    user = ada.post("/users", {"email": "eve@example.com", "name": fill(limits.NAME), "role": "agent"})
    ada.expect(200, "PATCH", f"/users/{user['id']}", {"role": "supervisor", "supervises": ["care"]})
    ada.expect(204, "DELETE", f"/users/{user['id']}")
    everybody = [person.email for person in world.people.values()]
    team = ada.post("/teams", {"key": "big", "name": fill(limits.NAME), "members": everybody})
    ada.expect(200, "PATCH", f"/teams/{team['id']}", {"name": "Big", "members": everybody[:2], "lead": everybody[0]})
    ada.expect(204, "DELETE", f"/teams/{team['id']}")
    token = ada.post("/me/tokens", {"name": fill(limits.NAME), "scopes": ["actions:read"]})
    ada.expect(204, "DELETE", f"/me/tokens/{token['id']}")
    ada.post("/me/calendar-feed")
    ada.expect(204, "DELETE", "/me/calendar-feed")
    program = ada.post("/integrations", {"name": fill(limits.NAME), "scopes": ["feedback:read"]})
    ada.expect(204, "DELETE", f"/integrations/{program['id']}")
    for name in ("Olga", "Alice", "Lea"):
        ada.expect(200, "PATCH", f"/users/{world.people[name].id}", {"name": fill(limits.NAME)})
    ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"name": fill(limits.NAME)})


def settings_change(world: World, fill: Fill) -> None:
    label = {"en": fill(limits.NAME), "ko": fill(limits.NAME)}
    hook = world.ada.post("/webhooks", {"url": "https://hooks.example.com/", "event_types": ["user.*"]})
    world.ada.expect(200, "PATCH", f"/webhooks/{hook['id']}", {"description": fill(limits.TITLE), "event_types": ["*"]})
    world.ada.post(f"/webhooks/{hook['id']}/test")
    fails_for_days(world, hook["id"])
    world.ada.post(f"/webhooks/{hook['id']}/enable")
    world.ada.expect(204, "DELETE", f"/webhooks/{hook['id']}")
    outcome = world.ada.post("/outcomes", {"key": "replaced", "label": label})
    world.ada.expect(200, "PATCH", f"/outcomes/{outcome['id']}", {"label": {"en": "Replaced", "ko": "교체됨"}})
    world.ada.expect(204, "DELETE", f"/outcomes/{outcome['id']}")
    cause = world.ada.post("/root-causes", {"key": "tariff", "label": label})
    world.ada.expect(200, "PATCH", f"/root-causes/{cause['id']}", {"active": False})
    world.ada.expect(204, "DELETE", f"/root-causes/{cause['id']}")
    labels_change(world, fill)
    calendars_and_policies_change(world, fill)
    levels = dict.fromkeys(KINDS, "never")
    world.ada.expect(200, "PATCH", "/preferences", {"notices": levels})
    world.ada.expect(200, "PATCH", "/me/preferences", {"notices": levels})
    file = orjson.dumps({"text": fill(limits.TEXT), fill(40): fill(300)})
    world.ada.expect(202, "POST", "/imports", data=file, content_type="application/x-ndjson")
    run_imports(world.service)


def labels_change(world: World, fill: Fill) -> None:
    about = {"description": fill(limits.LABEL_DESCRIPTION)}
    one, other = (world.sam.post("/labels", {"name": name} | about) for name in ("invoices", "payments"))
    world.sam.expect(200, "PATCH", f"/labels/{one['id']}", {"description": fill(limits.LABEL_DESCRIPTION - 1) + "!"})
    world.sam.post(f"/labels/{one['id']}/merge", {"into": other["id"]})
    world.sam.expect(204, "DELETE", f"/labels/{other['id']}")


def calendars_and_policies_change(world: World, fill: Fill) -> None:
    days = [{"date": f"{year}-{month:02}-{day:02}", "name": fill(limits.NAME)}
            for year in range(2026, 2030) for month in range(1, 13) for day in range(1, 5)]  # fmt: skip
    week = {day: [[f"{hour:02}:00", f"{hour:02}:30"] for hour in range(12)] for day in ("mon", "wed", "fri", "sun")}
    calendar = world.sam.post("/calendars", {"name": fill(limits.NAME), "time_zone": "Asia/Seoul", "week": week})
    changes = {"name": "Seoul", "holidays": days, "country": "KR", "working_days": ["2030-01-05"]}
    world.sam.expect(200, "PATCH", f"/calendars/{calendar['id']}", changes)
    world.sam.expect(204, "DELETE", f"/calendars/{calendar['id']}")
    rungs = [{"after": {"business_days": 1 + n}, "to": ["assignee", "assigner", "lead", "supervisors"]}
             for n in range(12)]  # fmt: skip
    ladders = {"accept": rungs, "start": rungs, "finish": rungs}
    policy = world.sam.post("/policies", {"key": "gold", "name": fill(limits.NAME), "ladders": ladders})
    changes = {"name": "Gold", "targets": {"finish": "P2D"}, "ladders": {"finish": rungs[:1]}}
    world.sam.expect(200, "PATCH", f"/policies/{policy['id']}", changes)
    world.sam.expect(204, "DELETE", f"/policies/{policy['id']}")


def fails_for_days(world: World, webhook_id: int) -> None:
    began = clock.now()
    world.service.database.transaction(
        lambda session: session.execute(update(Webhook).where(Webhook.id == webhook_id).values(failing_since=began))
    )
    for days in (1, 3, 5):
        clock.freeze(began + timedelta(days=days))
        watch_webhooks(world.service)
    clock.freeze(began)


def feedback_changes(world: World, fill: Fill) -> dict[str, Any]:
    sent = {
        "source": fill(limits.SOURCE),
        "external_id": fill(limits.EXTERNAL_ID),
        "channel": fill(limits.CHANNEL),
        "touchpoint": fill(limits.TOUCHPOINT),
        "attributes": {fill(40): fill(300)},
        "customer": {"name": fill(limits.NAME), "external_id": fill(limits.EXTERNAL_ID), "phone": fill(limits.PHONE)},
    }
    item = world.feedback(fill(limits.TEXT), **sent)
    changes = {"text": fill(limits.TEXT - 1) + "!", "touchpoint": fill(1999) + "!", "metric": "csat", "score": 4}
    world.ada.expect(200, "PATCH", f"/feedback/{item['id']}", changes)
    customer = item["customer"]["id"]
    world.ada.expect(200, "PATCH", f"/customers/{customer}", {"name": fill(limits.NAME - 1) + "!", "language": "ko"})
    world.alice.expect(200, "PUT", f"/feedback/{item['id']}/labels/vip")
    world.alice.expect(200, "DELETE", f"/feedback/{item['id']}/labels/vip")
    closed_item = world.feedback(fill(limits.TEXT))
    world.sam.post(f"/feedback/{closed_item['id']}/close", {"reason": fill(limits.REASON)})
    world.give("Alice", item=closed_item)  # and so it is open again
    return item


def given(world: World, item: dict[str, Any] | None, fill: Fill, **more: Any) -> dict[str, Any]:
    fields = {
        "title": fill(limits.TITLE),
        "description": fill(limits.DESCRIPTION),
        "goal": fill(limits.GOAL),
        "benefit": fill(limits.GOAL),
        "external_ref": fill(limits.EXTERNAL_ID),
        "attributes": {fill(40): fill(300)},
    }
    names = () if "assignees" in more else ("Alice",)
    made: dict[str, Any] = world.give(*names, item=item, **fields | more)["actions"][0]
    return made


def actions_move(world: World, noon: datetime, item: dict[str, Any], fill: Fill) -> None:
    alice, olga, said = world.alice, world.olga, {"comment": fill(limits.COMMENT)}
    why = said | {"reason": fill(limits.REASON)}
    end = why | {"outcome": "fixed", "root_cause": fill(limits.ROOT_CAUSE), "resolution": fill(limits.RESOLUTION)}
    action = given(world, item, fill)
    alice.fire(action, "accept", **said)
    alice.fire(action, "start", **said)
    alice.fire(action, "wait", until=(noon + timedelta(days=1)).isoformat(), **why)
    clock.freeze(noon + timedelta(days=2))
    resume_due(world.service)
    alice.fire(action, "release", **said)
    olga.fire(action, "reassign", assignee="alice@example.com", **why)
    alice.fire(action, "complete", through=True, **end)
    alice.fire(action, "undo")
    alice.fire(action, "complete", **end)
    olga.fire(action, "reopen", **why)
    olga.fire(action, "cancel", **why)
    alice.fire(given(world, item, fill), "decline", **why)
    callback = given(world, None, fill, workflow="callback")
    alice.fire(callback, "submit", through=True, **end)
    olga.fire(callback, "send_back", **why)
    alice.fire(callback, "submit", **end)
    olga.fire(callback, "approve", **said)


def actions_are_described_and_linked(world: World, item: dict[str, Any], fill: Fill) -> None:
    pool = given(world, item, fill, assignees=[{"team": "care", "mode": "pool"}])
    world.alice.post(f"/actions/{pool['id']}/pass-over")
    changes = {"title": fill(limits.TITLE - 1) + "!", "description": fill(limits.DESCRIPTION - 1) + "!"}
    changes |= {"goal": fill(limits.GOAL - 1) + "!", "benefit": fill(limits.GOAL - 1) + "!", "priority": "urgent"}
    changes |= {"attributes": {"a": fill(300)}, "due_at": "2026-12-24T12:00:00Z", "reason": fill(limits.REASON)}
    world.olga.expect(200, "PATCH", f"/actions/{pool['id']}", changes)
    other = world.feedback(fill(limits.TEXT))
    world.olga.expect(200, "PUT", f"/actions/{pool['id']}/feedback/{other['id']}")
    world.olga.expect(200, "DELETE", f"/actions/{pool['id']}/feedback/{other['id']}")
    world.alice.post(f"/actions/{pool['id']}/comments", {"comment": fill(limits.COMMENT)})
    for thing in (f"actions/{pool['id']}", f"feedback/{item['id']}"):
        for method in ("PUT", "DELETE"):
            world.sam.expect(200, method, f"/{thing}/watchers/{world.lea.id}")
    world.lea.fire(pool, "accept")


def more_time_is_asked_for(world: World, item: dict[str, Any], fill: Fill) -> None:
    for answer in ("grant", "refuse", "withdraw", "end"):
        action = given(world, item, fill, due_at=(clock.now() + timedelta(days=1)).isoformat())
        path = f"/actions/{action['id']}/extension"
        world.alice.post(path, {"due_in": "P2D", "reason": fill(limits.REASON)})
        if answer == "withdraw":
            world.alice.expect(200, "DELETE", path)
        elif answer == "end":
            world.alice.fire(action, "decline", reason=fill(limits.REASON))
        else:
            world.olga.post(f"{path}/{answer}", {"reason": fill(limits.REASON)})


def reminders_come(world: World, item: dict[str, Any], fill: Fill) -> None:
    began = clock.now()
    action = given(world, item, fill, due_at=(began + timedelta(days=1)).isoformat())
    for days in range(1, 5):
        clock.freeze(began + timedelta(days=days))
        tell_reminders(world.service)
    world.alice.post(f"/actions/{action['id']}/acknowledge")
    raised = {"ids": [action["id"]], "escalate": True, "reason": fill(limits.COMMENT)}
    world.ada.expect(207, "POST", "/actions/bulk", raised)


def people_are_away(world: World, item: dict[str, Any], fill: Fill) -> None:
    given(world, item, fill)
    period = {"from": clock.now().isoformat(), "to": (clock.now() + timedelta(days=1)).isoformat()}
    absence = world.alice.post(
        f"/users/{world.alice.id}/absences", period | {"deputy": "lea@example.com", "note": fill(limits.COMMENT)}
    )
    given(world, item, fill)
    world.alice.expect(204, "DELETE", f"/users/{world.alice.id}/absences/{absence['id']}")


def personal_reminders_come(world: World, item: dict[str, Any], fill: Fill) -> None:
    began, action = clock.now(), given(world, item, fill)
    olga, receivers = world.olga, [world.alice.email]
    for n in range(1, limits.REMINDER_RECEIVERS):
        person = {"email": f"{'x' * 60}{n}@example.com", "name": fill(limits.NAME), "role": "agent"}
        receivers.append(world.ada.post("/users", person)["email"])
    about = {"action": action["id"], "for": receivers, "text": fill(limits.REMINDER)}
    made = olga.post("/reminders", about | {"remind_at": (began + timedelta(days=1)).isoformat()})
    changes = {"text": fill(limits.REMINDER - 1) + "!", "every": "P1D"}
    olga.expect(200, "PATCH", f"/reminders/{made['id']}", changes)
    clock.freeze(began + timedelta(days=1))
    tell_reminders(world.service)
    olga.expect(204, "DELETE", f"/reminders/{made['id']}")


def messages_are_exchanged(world: World, noon: datetime, fill: Fill) -> None:
    customer = {"name": fill(limits.NAME), "email": "nobody@example.com"}
    item = world.feedback(fill(limits.TEXT), customer=customer)
    path = f"/feedback/{item['id']}/messages"
    world.bob.post(path, {"channel": "phone", "direction": "in", "body": fill(limits.MESSAGE)})
    world.bob.post(path, {"channel": "phone", "direction": "out", "body": fill(limits.MESSAGE)})
    words = {"subject": fill(limits.SUBJECT - 1) + "!", "body": fill(limits.MESSAGE)}
    [shared] = world.bob.post(path, {"to": ["ceo@example.com"]} | words)["items"]
    world.bob.expect(204, "DELETE", f"/shares/{shared['share']}")
    [queued] = world.bob.post(path, {"to": "customer"} | words)["items"]
    world.ada.expect(200, "PUT", f"/customers/{item['customer']['id']}/do-not-contact", {"reason": fill(limits.REASON)})
    clock.freeze(datetime.fromisoformat(queued["leaves_at"]))
    send_all(world.service, Messages(world.service))
    customer_id = item["customer"]["id"]
    database, now = world.service.database, clock.now()
    for wanted in (False, True):
        database.transaction(lambda session: consent.subscribe(session, customer_id, wanted=wanted, now=now))  # noqa: B023
    template = {"name": fill(limits.NAME), "kind": "reply", "language": "en", "team": "care"}
    made = world.ada.post("/templates", template | {"subject": fill(limits.SUBJECT), "body": fill(limits.MESSAGE)})
    world.ada.expect(200, "PATCH", f"/templates/{made['id']}", {"body": fill(limits.MESSAGE - 1) + "!"})
    world.ada.expect(204, "DELETE", f"/templates/{made['id']}")


def a_loop_is_closed(world: World, fill: Fill) -> None:
    item = world.feedback(fill(limits.TEXT), customer={"name": fill(limits.NAME), "email": "lee@example.com"})
    action = given(world, item, fill, kind="external")
    clock.freeze(clock.now() + timedelta(days=7))
    raise_silence(world.service)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    call = {"channel": "phone", "direction": "out", "body": fill(limits.MESSAGE)}
    world.olga.post(f"/feedback/{item['id']}/messages", call)
    world.sam.post(f"/feedback/{item['id']}/close")
    clock.freeze(clock.now() + timedelta(days=14))
    ask_customers(world.service)
    with world.service.database.reading() as session:
        asked = session.scalars(select(Check.message_id).where(Check.state == "asked")).one()
    expires_at = clock.now() + timedelta(days=1)
    token = LetterSigner(world.service.ring).sign(LetterPurpose.CHECK, asked, expires_at=expires_at)
    form = {"solved": "no", "word": fill(limits.COMMENT)}
    assert world.app.test_client().post(f"/c/{token}", data=form).status_code in (200, 422)


def notes_are_written(world: World, item: dict[str, Any], fill: Fill) -> None:
    everybody = " ".join(f"@[x](user:{person.id})" for person in world.people.values())
    text = fill(limits.NOTE - len(everybody) - 400)
    note = world.olga.post(f"/feedback/{item['id']}/notes", {"body": f"{text} {everybody}"})
    world.olga.expect(200, "PATCH", f"/notes/{note['id']}", {"body": text})
    world.olga.expect(204, "DELETE", f"/notes/{note['id']}")


def groups_end(world: World, fill: Fill) -> None:
    made = world.give("Alice", "Bob", completion="any", title=fill(limits.TITLE))
    world.alice.fire(made["actions"][0], "complete", through=True, outcome="fixed")
    world.olga.fire(made["actions"][0], "reopen", reason=fill(limits.REASON))
    world.olga.fire(made["actions"][0], "cancel", reason=fill(limits.REASON))


def people_disappear(world: World, fill: Fill) -> None:
    item = world.feedback(fill(limits.TEXT), customer={"name": fill(limits.NAME), "email": "kim@example.com"})
    world.ada.expect(204, "DELETE", f"/customers/{item['customer']['id']}")
    world.ada.expect(204, "DELETE", f"/feedback/{world.feedback(fill(limits.TEXT))['id']}")


def schemas(world: World) -> dict[str, dict[str, Any]]:
    kinds = world.ada.get("/event-types")["items"]
    return {kind["type"]: closed(kind["json_schema"]) for kind in kinds}


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_every_event_fits_its_schema_and_is_at_most_16_kb(small_world: World, noon: datetime, fill: Fill) -> None:
    everything_happens(small_world, noon, fill)

    shapes = schemas(small_world)
    with small_world.service.database.reading() as session:
        bodies = list(session.scalars(select(Event.body)))
    for body in bodies:
        event = orjson.loads(body)
        assert misfits(shapes[event["type"]], event) == [], event["type"]
        assert len(body.encode()) <= limits.EVENT_BYTES, event["type"]
    assert {orjson.loads(body)["type"] for body in bodies} == EVENT_TYPES.keys()


def test_every_sample_fits_the_schema_beside_it(small_world: World) -> None:
    for kind in small_world.ada.get("/event-types")["items"]:
        assert misfits(closed(kind["json_schema"]), kind["sample"]) == [], kind["type"]


def test_the_event_of_a_team_of_a_thousand_is_short(small_world: World, noon: datetime) -> None:
    team = small_world.ada.post("/teams", {"key": "crew", "name": "Crew"})
    names = [small_world.person(f"P{n}{'x' * 100}", "agent").email for n in range(100)]
    small_world.ada.expect(200, "PATCH", f"/teams/{team['id']}", {"members": names})

    [event] = small_world.events(types="team.changed")
    assert event["data"]["team"]["members_truncated"] is True
    assert len(orjson.dumps(event)) <= limits.EVENT_BYTES


def test_the_feed_and_the_history_give_the_same_bytes(world: World) -> None:
    action = world.action()
    world.alice.fire(action, "accept", comment="한국어 😀")

    feed = world.ada.ask("GET", "/events", query_string={"action": action["id"]}).text
    history = world.ada.ask("GET", f"/actions/{action['id']}/events").text

    inside = history[history.index("[") : history.rindex("]") + 1]
    assert len(orjson.loads(inside)) == 2
    assert feed.startswith(f'{{"items":{inside}')


def test_every_action_can_be_rebuilt_from_events_alone(small_world: World, noon: datetime) -> None:
    everything_happens(small_world, noon, FILLS["plain words"])
    rebuilt: dict[int, list[dict[str, Any]]] = {}
    for event in small_world.events(types="action.*"):
        rebuilt.setdefault(event["data"]["subject"]["id"], []).append(event["data"])

    everything = {action["id"]: action for action in small_world.ada.get("/actions", limit=200)["items"]}
    assert rebuilt.keys() == everything.keys()
    for ident, facts in rebuilt.items():
        facts.sort(key=lambda data: data["sequence"])
        assert [data["sequence"] for data in facts] == list(range(1, len(facts) + 1))
        assert facts[0]["from"] is None
        assert all(before["to"] == after["from"] for before, after in pairwise(facts))
        last, seen = facts[-1]["action"], everything[ident]
        same = last.keys() - {"assignee", "assigned_by", "team"}  # people's names change without the action
        assert {name: last[name] for name in same} == {name: seen[name] for name in same}
