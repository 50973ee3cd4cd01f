"""People who are away. No tests here."""

from datetime import datetime, timedelta
from typing import Any

from cfm_workflow import clock
from tests.world import Person, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def plan(world: World, name: str, start: datetime, end: datetime, by: str | None = None, **fields: Any) -> Any:
    """An absence of somebody, planned by themselves unless said otherwise."""
    person = world.people[name]
    body = {"from": start.isoformat(), "to": end.isoformat(), **fields}
    return world.people[by or name].expect(201, "POST", f"/users/{person.id}/absences", body)


def be_away(world: World, name: str, deputy: str | None = None, *, days: int = 7) -> Any:
    """An absence that begins now."""
    fields = {} if deputy is None else {"deputy": world.people[deputy].email}
    return plan(world, name, clock.now(), clock.now() + days * DAY, **fields)


def path(person: Person, absence: Any = None) -> str:
    return f"/users/{person.id}/absences" + (f"/{absence['id']}" if absence else "")


def now_has(world: World, action: Any) -> tuple[str | None, str | None]:
    """Who has an action, and in whose place."""
    seen = world.ada.get(f"/actions/{action['id']}")
    who, absent = seen["assignee"], seen["on_behalf_of"]
    return who and who["name"], absent and absent["name"]


def who_got(made: Any) -> list[tuple[str | None, str | None]]:
    return [
        (each["assignee"] and each["assignee"]["name"], each["on_behalf_of"] and each["on_behalf_of"]["name"])
        for each in made["actions"]
    ]
