"""A small world for tests: a service of its own on a fresh database, and people who ask it things over HTTP.

Olga assigns, Alice and Bob work in the team care, Lea leads it, Sam supervises, Ada administers; Mallory must not get
in.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cfm_workflow import access, clock, create_app
from cfm_workflow.operations import people, tokens
from cfm_workflow.service import Service

ROLES = {
    "Ada": "admin",
    "Sam": "supervisor",
    "Olga": "agent",
    "Lea": "agent",
    "Alice": "agent",
    "Bob": "agent",
    "Mallory": "agent",
}


@dataclass(slots=True)
class Person:
    """Somebody with a token, asking the API."""

    name: str
    id: int
    email: str
    token: str
    client: FlaskClient

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        """Any request; a path without leading /api/v1 is below it."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        if body is not None:
            more["json"] = body
        return self.client.open(address, method=method, headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        """The answer of a GET that must succeed."""
        return self.expect(200, "GET", path, query_string=query)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a POST that must succeed."""
        response = self.ask("POST", path, body if body is not None else {}, **more)
        assert response.status_code < 300, response.text
        return response.json

    def expect(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a request that must have this status."""
        response = self.ask(method, path, body, **more)
        assert response.status_code == status, f"{response.status_code}: {response.text}"
        return response.json

    def fire(self, action: Mapping[str, Any] | int, transition: str, **fields: Any) -> Any:
        """Fire a transition that must succeed; the action after it."""
        return self.post(f"/actions/{_id(action)}/transitions", {"transition": transition, **fields})

    def refused(self, status: int, action: Mapping[str, Any] | int, transition: str, **fields: Any) -> Any:
        """Fire a transition that must be refused with this status; the problem."""
        body = {"transition": transition, **fields}
        return self.expect(status, "POST", f"/actions/{_id(action)}/transitions", body)


def _id(thing: Mapping[str, Any] | int) -> int:
    return thing if isinstance(thing, int) else int(thing["id"])


@dataclass(frozen=True, slots=True)
class Known:
    """Name, id, e-mail address and token of everybody, and their team."""

    people: tuple[tuple[str, int, str, str], ...]
    care: dict[str, Any]


@dataclass(slots=True)
class World:
    """The service, its application, and the people by name."""

    service: Service
    app: Flask
    people: dict[str, Person] = field(default_factory=dict)
    care: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, service: Service, known: "Known") -> "World":
        """The world of a database in which everybody is already."""
        world = cls(service, create_app(service), care=copy.deepcopy(known.care))
        for name, ident, email, token in known.people:
            world.people[name] = Person(name, ident, email, token, world.app.test_client())
        return world

    def known(self) -> "Known":
        """What has to be known of everybody to meet them in a copy of this database."""
        people = tuple((who.name, who.id, who.email, who.token) for who in self.people.values())
        return Known(people, self.care)

    def __getattr__(self, name: str) -> Person:
        try:
            return self.people[name.capitalize()]
        except KeyError:
            raise AttributeError(name) from None

    def person(self, name: str, role: str, **fields: Any) -> Person:
        """Make somebody, with a token."""
        email = f"{name.lower()}@example.com"
        values = {"email": email, "name": name, "role": role, "language": "en", "time_zone": "UTC", **fields}
        setup = access.system("test")

        def work(session: Any) -> tuple[int, str]:
            user = people.create_user(session, setup, values, now=clock.now())
            token = tokens.create(session, setup, user["id"], {"name": "test"}, now=clock.now())
            return user["id"], token["token"]

        ident, token = self.service.database.transaction(work)
        self.people[name] = Person(name, ident, values["email"], token, self.app.test_client())
        return self.people[name]

    def feedback(self, text: str = "My miles are missing.", **fields: Any) -> dict[str, Any]:
        """A feedback item that Olga records."""
        return self.people["Olga"].post("/feedback", {"text": text, **fields})

    def give(self, *names: str, by: str = "Olga", item: Mapping[str, Any] | None = None, **fields: Any) -> Any:
        """Let somebody give work on an item to people by name; the group and its actions."""
        on = item or self.feedback()
        who = [{"user": self.people[name].email} for name in names]
        body = {"title": "Restore the miles", "assignees": who, **fields}
        return self.people[by].post(f"/feedback/{on['id']}/actions", body)

    def action(self, name: str = "Alice", **fields: Any) -> Any:
        """One new action for somebody."""
        return self.give(name, **fields)["actions"][0]

    def pool_action(self, **fields: Any) -> Any:
        """One new action offered to the team care."""
        return self.give(assignees=[{"team": "care", "mode": "pool"}], **fields)["actions"][0]

    def history(self, action: Mapping[str, Any]) -> list[str]:
        """The types of an action's events, oldest first."""
        items = self.people["Ada"].get(f"/actions/{action['id']}/events", limit=200)["items"]
        return [event["type"] for event in items]

    def events(self, **query: Any) -> list[dict[str, Any]]:
        """All events of the feed that match, read page by page to the end."""
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.people["Ada"].get("/events", after=after, limit=1000, **query)
            found += page["items"]
            after = page["last_position"]
            if not page["has_more"]:
                return found


def populate(service: Service) -> World:
    """A world with everybody in it."""
    world = World(service, create_app(service))
    for name, role in ROLES.items():
        world.person(name, role)
    members = [world.people[name].email for name in ("Lea", "Alice", "Bob")]
    body = {"key": "care", "name": "Customer care", "lead": world.people["Lea"].email, "members": members}
    world.care = world.people["Ada"].post("/teams", body)
    return world
