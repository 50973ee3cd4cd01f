"""A browser without a browser: the pages over HTTP with a session, forms filled in as they stand. No tests here."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cfm_workflow import clock
from cfm_workflow.operations import sessions
from tests.world import Person, World


@dataclass
class Form:
    """A form of a page: where it goes, and its fields as they stand."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Markup(HTMLParser):
    """The forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._area: str | None = None
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form(given.get("action") or given.get("hx-post") or ""))
        elif not self.forms or not (name := given.get("name")):
            if tag == "option" and self._select and ("selected" in given or self._select not in self.forms[-1].fields):
                self.forms[-1].fields[self._select] = given.get("value") or ""
        elif tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.forms[-1].fields[name] = given.get("value") or ""
        elif tag == "textarea":
            self._area = name
        elif tag == "select":
            self._select = name

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None


class Browser:
    """Somebody's browser: keeps cookies, follows nothing by itself."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str, status: int = 200, **more: Any) -> TestResponse:
        """The answer of a page that must have this status."""
        answer = self.client.get(path, **more)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:2000]}"
        return answer

    def part(self, path: str, status: int = 200) -> TestResponse:
        """The same as htmx asks for it: a fragment."""
        return self.open(path, status, headers=HTMX)

    def form(self, path: str, action: str) -> Form:
        """The form of a page that goes to `action`."""
        return next(form for form in Markup(self.open(path).text).forms if form.action == action)

    def send(self, form: Form, status: int = 303, headers: Any = None, **typed: Any) -> TestResponse:
        """Fill in a form and send it; the answer must have this status."""
        answer = self.client.post(form.action, data={**form.fields, **typed}, headers=headers)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text[:2000]}"
        return answer

    def fill(self, path: str, action: str | None = None, status: int = 303, **typed: Any) -> TestResponse:
        """Open a page, fill in its form that goes to `action` (the page's own path if None), and send it."""
        return self.send(self.form(path, action or path), status, **typed)


HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def stranger(world: World) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(world.app.test_client())


def cookie(world: World, person: Person) -> str:
    """What the cookie of a browser holds in which this person is signed in."""
    return world.service.database.transaction(
        lambda session: sessions.begin(session, person.id, address="127.0.0.1", agent="tests", now=clock.now())
    )


def signed_in(world: World, person: Person) -> Browser:
    """A browser in which this person is signed in."""
    ident = cookie(world, person)
    client = world.app.test_client()
    client.set_cookie("cfm_session", ident)
    return Browser(client)
