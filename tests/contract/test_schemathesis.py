"""The document and the real application agree: schemathesis asks what the document allows, and what it does not.

Every operation is a test of its own on a fresh world, so they spread over processes and repeat themselves exactly.
Without --long each is asked a few things at random, right and wrong ones, and only those of `COVERED` everything that
their schemas can mean at an edge: a hundred messages and more, which takes ten times as long.
All checks are on. Where one of them is told more than its defaults, the reason stands beside it:

* positive_data_acceptance: a message that fits the schema may still be refused (422) over a field named in `IN_WORDS`,
  whose rule JSON Schema cannot say: it depends on what is stored, on another field, or on a number of bytes. And 412,
  as a stale `If-Match` says something about the stored version, like 409.
* negative_data_rejection: 412 as well; an entity tag we never gave out is well formed to HTTP and matches nothing. And
  an answer that is given again under its Idempotency-Key says nothing of the `If-Match` that came with it this time.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, use_after_free

from cfm_workflow import create_app
from cfm_workflow.api.routing import OPERATIONS
from cfm_workflow.service import open_service
from tests.conftest import new_database, service_settings
from tests.contract.shapes import closed
from tests.world import ROLES, Person, World

IN_WORDS: dict[str, set[str]] = {
    # operation          fields of which a rule cannot be said in JSON Schema
    "listActions":       {"assignee", "assigner", "team", "label", "outcome", "sort"},
    "exportActionsAsCsv": {"assignee", "assigner", "team", "label", "outcome", "sort"},
    "exportActionsAsXlsx": {"assignee", "assigner", "team", "label", "outcome", "sort"},
    **{
        f"{verb}{name}{kind}":  {"team", "from", "to", "week"}
        for name in ("Overview", "Overdue", "Workload", "Process", "Metrics", "Weekly")
        for verb, kind in (("get", ""), ("export", "AsCsv"), ("export", "AsXlsx"))
    },
    "listMyActions":     {"left_behind"},
    "giveActions":       {"assignees", "workflow", "completion", "due_in", "due_on", "policy", "attributes"},
    "changeAction":      {"reason", "attributes", "due_on"},
    "changeActions":     {"transition", "changes", "escalate", "reason", "comment", "outcome", "assignee", "until",
                          "until_answer", "root_cause", "resolution"},
    "fireTransition":    {"transition", "outcome", "assignee", "until", "until_answer", "reason", "root_cause",
                          "resolution"},
    "listFeedback":      {"label", "label_all", "label_none"},
    "exportFeedbackAsCsv": {"label", "label_all", "label_none"},
    "exportFeedbackAsXlsx": {"label", "label_all", "label_none"},
    "askForExtension":   {"due_at", "due_in", "due_on"},
    "grantExtension":    {"due_at", "due_in", "due_on"},
    "labelFeedback":     {"name"},
    "labelFeedbackItems": {"ids", "label", "unlabel"},
    "createLabel":       {"name"},
    "changeLabel":       {"name"},
    "listLabels":        {"q"},
    "mergeLabel":        {"into"},
    "countLabel":        {"from", "to"},
    "closeFeedback":     {"reason"},
    "createFeedback":    {"score", "customer", "attributes"},
    "changeFeedback":    {"score", "customer", "attributes"},
    "createCustomer":    {"name", "source"},
    "createUser":        {"teams", "supervises"},
    "changeUser":        {"supervises"},
    "createTeam":        {"lead", "members", "calendar"},
    "changeTeam":        {"lead", "members", "calendar"},
    "createAbsence":     {"from", "to", "deputy"},
    "changeAbsence":     {"from", "to", "deputy"},
    "createMyToken":     {"expires_at"},
    "createTokenOfUser": {"expires_at"},
    "createTokenOfIntegration": {"expires_at", "scopes"},
    "createCalendar":    {"time_zone", "country", "region", "week", "holidays", "working_days"},
    "changeCalendar":    {"time_zone", "country", "region", "week", "holidays", "working_days"},
    "changeMyPreferences": {"working_hours"},
    "addHolidays":       {"file"},
    "createPolicy":      {"teams", "calendar", "targets", "ladders"},
    "changePolicy":      {"teams", "calendar", "targets", "ladders"},
    "setReminder":       {"feedback", "action", "remind_at", "for"},
    "changeReminder":    {"remind_at"},
    "createMessage":     {"to", "template", "channel", "direction", "made_at", "kind", "last_message", "anyway", "body"}
                         | {"language", "include_contact", "days"},
    "createMessages":    {"feedback", "template", "body"},
    "createTemplate":    {"team", "subject", "body"},
    "changeTemplate":    {"team", "subject", "body"},
    "previewTemplate":   {"feedback", "subject", "body"},
    "previewStoredTemplate": {"feedback"},
    "addNote":           {"body", "remind_at", "remind_in_words"},
    "changeNote":        {"body"},
    "readWordsOfTime":   {"text"},
    "createWebhook":     {"url", "event_types", "teams", "workflows", "headers", "secret"},
    "changeWebhook":     {"url", "event_types", "teams", "workflows", "headers"},
    "rotateWebhookSecret": {"secret"},
    "replayToWebhook":   {"after", "until", "dead"},
    "createImport":      {"encoding", "date_format", "map"},
}  # fmt: skip

COVERED = {
    "listActions", "changeActions", "fireTransition", "giveActions", "createCalendar", "createFeedback", "listEvents",
    "changeMyPreferences", "createUser", "createPolicy", "createWebhook", "setReminder",
}  # fmt: skip
"""Between them they have every kind of field there is."""
CHECKS = {
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 415, 422]},
    "positive_data_acceptance": {"expected-statuses": ["2xx", 401, 403, 404, 409, 412]},
}
ENDLESS = [operation.name for operation in OPERATIONS if operation.streams]
"""It reads an answer to its end, and these have none; `tests/api/test_stream.py` asks them."""
ERASED_NOT_GONE = ("/feedback/", "/customers/", "/reminders/", "/labels/", "/messages/", "/shares/", "/notes/")
"""DELETE erases what is personal there, cancels, or retires; that something was there stays, and is shown."""
ANYWHERE = {"cursor", "Idempotency-Key"}  # a cursor goes with its list; a key with one request only
MANY = 8
TRANSITIONS = ("accept", "start", "wait", "resume", "complete", "decline", "release", "reassign", "cancel", "reopen")

schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Asia/Seoul", "America/St_Johns"]))
schemathesis.openapi.format(
    "date-time",
    st.integers(0, 7_258_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()),
)


@schemathesis.serializer("text/csv", "application/x-ndjson", "text/calendar")
def as_it_is(context: Any, value: Any) -> bytes:
    """A file is sent as it is."""
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Answers may grow within v1, so the contract leaves them open; here a field that it does not name is a failure."""
    schemas = raw_schema["components"]["schemas"]
    schemas |= {name: closed(shape) for name, shape in schemas.items()}
    raw_schema["servers"] = [{"url": "/api/v1"}]  # it does not take "." as the place of the document


@dataclass(frozen=True)
class Crowd:
    """The application on a world with MANY of everything, and the token of an administrator."""

    app: Flask
    token: str


@pytest.fixture(scope="module")
def home(_templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The database of a crowd with its keys, made once and copied for every test; and the token."""
    folder = tmp_path_factory.mktemp("crowd")
    url = new_database("sqlite", _templates, folder, tmp_path_factory)
    service = open_service(service_settings(url, folder))
    world = World(service, create_app(service))
    root = world.person("Root", "admin")
    for name in ("Ada", "Sam", "Olga", "Lea", "Alice", "Bob", "Mallory"):
        world.person(name, ROLES[name])
    fill(world, root)
    service.close()
    return folder, root.token


@pytest.fixture
def crowd(home: tuple[Path, str], tmp_path: Path) -> Iterator[Crowd]:
    folder, token = home
    own = shutil.copytree(folder, tmp_path / "own")
    service = open_service(service_settings(f"sqlite:///{own / 'cfm.sqlite'}", own))
    app = create_app(service)
    app.wsgi_app = from_everywhere(app.wsgi_app)  # type: ignore[method-assign]
    yield Crowd(app, token)
    service.close()


def from_everywhere(app: Callable[..., Any]) -> Callable[..., Any]:
    """Each request from an address of its own: whoever fails to sign in hundreds of times from one is sent away."""
    numbers = count(1)

    def ask(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"REMOTE_ADDR": f"fd00::{next(numbers):x}"}, start_response)

    return ask


def fill(world: World, root: Person) -> None:
    """MANY of everything, so that small ids name something."""
    for n in range(MANY):
        item = world.feedback(f"Item {n}", source="web", external_id=str(n), customer={"name": f"Kim {n}"})
        made = world.give("Ada", "Root", item=item, by="Root", completion="any" if n % 2 else "all")
        root.post("/teams", {"key": f"team{n}", "name": f"Team {n}", "members": ["bob@example.com"]})
        root.post("/reminders", {"feedback": item["id"], "remind_at": "2099-12-01T17:00:00Z", "text": f"Reminder {n}"})
        root.post(f"/feedback/{item['id']}/messages", {"to": [f"ceo{n}@example.com"], "body": f"Message {n}"})
        if n % 3 == 0:
            root.fire(made["actions"][1], "start")
        period = {"from": f"210{n}-01-01T00:00:00Z", "to": f"210{n}-02-01T00:00:00Z"}
        root.post(f"/users/{2 + n % 7}/absences", period)
    for n in range(MANY + 1):
        hook = root.post("/webhooks", {"url": f"https://hooks.example.com/{n}", "event_types": ["*"]})
        root.post(f"/webhooks/{hook['id']}/test")
    for n in range(3):
        root.post("/integrations", {"name": f"Program {n}", "scopes": ["feedback:read", "actions:read"]})
        query = {"source": f"file{n}"}
        root.ask("POST", "/imports", query_string=query, data="text\nHello\n", content_type="text/csv")


def aim(case: Any) -> None:
    """Let the ids and transitions of what the schema allows point at something that exists."""
    if not case.meta.generation.mode.is_positive:
        return
    for name, value in (case.path_parameters or {}).items():
        if name == "integration_id":
            case.path_parameters[name] = MANY + 1 + int(value) % 3
        elif name not in ("key", "name"):
            case.path_parameters[name] = 2 + int(value) % (MANY - 1)
    if isinstance(case.body, dict) and isinstance(case.body.get("transition"), str):
        case.body["transition"] = TRANSITIONS[len(case.body["transition"]) % len(TRANSITIONS)]


def refused_in_words(case: Any, response: Any) -> bool:
    """Whether a 422 is about fields whose rule the document tells in words only."""
    if response.status_code != 422:
        return False
    named = {place.split(".")[0] for place in response.json()["errors"]}
    return named <= ANYWHERE | IN_WORDS.get(case.operation.definition.raw["operationId"], set())


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS if operation.name not in ENDLESS])
def test_an_operation_keeps_its_word(name: str, crowd: Crowd, pytestconfig: pytest.Config) -> None:
    many = pytestconfig.getoption("--long")
    phases = {"coverage": {"enabled": many or name in COVERED}}
    config = SchemathesisConfig.from_dict({"seed": 1, "checks": CHECKS, "phases": phases})
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", crowd.app, config=config)
    headers = {"Authorization": f"Bearer {crowd.token}"}

    @settings(max_examples=500 if many else 10, suppress_health_check=list(HealthCheck))
    def keeps_its_word(case: Any) -> None:
        aim(case)
        response = case.call(headers=headers)
        unsaid: list[Any] = [positive_data_acceptance] if refused_in_words(case, response) else []
        unsaid += [negative_data_rejection] if "idempotency-replayed" in response.headers else []
        case.validate_response(response, excluded_checks=unsaid, headers=headers)

    # What `@schema.parametrize()` does while tests are collected, where it takes seconds in every process; the lazy
    # `schemathesis.pytest.from_fixture` does not run under pytest 9.2.
    ask = build_operation_test(
        config=schema.config,
        operation=schema.find_operation_by_id(name),
        test_func=keeps_its_word,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    ask()


def test_what_was_made_is_there_and_what_was_deleted_is_gone(crowd: Crowd, pytestconfig: pytest.Config) -> None:
    """Chains of requests, each with what an earlier answer gave: use_after_free and ensure_resource_availability."""
    config = SchemathesisConfig.from_dict({"seed": 1, "checks": CHECKS})
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", crowd.app, config=config)
    schema = schema.exclude(operation_id=ENDLESS)
    token = {"Authorization": f"Bearer {crowd.token}"}

    class Chain(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": token}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            unsaid: list[Any] = [positive_data_acceptance] if refused_in_words(case, response) else []
            unsaid += [use_after_free] if case.path.startswith(ERASED_NOT_GONE) else []
            case.validate_response(response, excluded_checks=unsaid, headers=token, recorder=self.recorder)

    many = pytestconfig.getoption("--long")
    Chain.run(
        settings=settings(
            max_examples=200 if many else 5,
            stateful_step_count=20 if many else 6,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        )
    )
