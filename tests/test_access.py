"""The whole matrix of access: every operation for every kind of caller, against a table written by hand from the rules.

The table here is the expectation; nothing in it is computed from `cfm_workflow.access`. A page has one of the
same rights and calls the same operations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cfm_workflow.api.calendars import ICALENDAR
from cfm_workflow.api.routing import OPERATIONS, Operation
from cfm_workflow.db import Database, T
from cfm_workflow.security.tokens import new_token
from cfm_workflow.service import open_service
from cfm_workflow.web.pages import PAGES
from tests.conftest import new_database, service_settings
from tests.world import World, populate

BY_NAME = {operation.name: operation for operation in OPERATIONS}

EVERYBODY = frozenset(
    {"stranger", "assignee", "assigner", "recorder", "lead", "pool_member", "supervisor", "team_supervisor"}
    | {"other_supervisor", "administrator"}
)
SUPERVISORS = frozenset({"supervisor", "team_supervisor", "other_supervisor", "administrator"})
ADMINISTRATORS = frozenset({"administrator"})
IN_CHARGE = frozenset({"assigner", "lead", "supervisor", "team_supervisor", "administrator"})
AT_WORK = IN_CHARGE | {"assignee"}
HANDLERS = SUPERVISORS | {"assignee", "pool_member"}  # they, or their team, have work on the item or for the customer
ITSELF = frozenset({"assignee", "administrator"})  # the user in these paths is the assignee
THEIR_SUPERVISORS = SUPERVISORS - {"other_supervisor"}
REMINDED = SUPERVISORS | {"assignee", "assigner"}  # the assigner set the reminder for the assignee
WRITER = frozenset({"assigner", "administrator"})  # the assigner wrote the note
WATCHING = frozenset({"stranger"})  # has nothing else to do with the action

FREE = "every scope"  # whoever is signed in, however narrow the token
NONE = "no scope"

# operation                    scope              people who may
EXPECTED: dict[str, tuple[str, frozenset[str]]] = {
    "listFeedback":             ("feedback:read",   EVERYBODY),
    "createFeedback":           ("feedback:write",  EVERYBODY),
    "getFeedback":              ("feedback:read",   EVERYBODY),
    "changeFeedback":           ("feedback:write",  HANDLERS | {"recorder"}),
    "eraseFeedback":            ("feedback:write",  ADMINISTRATORS),
    "closeFeedback":            ("feedback:write",  SUPERVISORS),
    "tellSolved":               ("feedback:write",  EVERYBODY),
    "listChecks":               ("feedback:read",   EVERYBODY),
    "getTimeline":              ("feedback:read",   EVERYBODY),
    "listWatchersOfFeedback":   ("feedback:read",   EVERYBODY),
    "labelFeedback":            ("feedback:write",  EVERYBODY),
    "unlabelFeedback":          ("feedback:write",  EVERYBODY),
    "labelFeedbackItems":       ("feedback:write",  EVERYBODY),
    "watchFeedback":            ("feedback:write",  SUPERVISORS | {"recorder", "assignee"}),
    "unwatchFeedback":          ("feedback:write",  SUPERVISORS | {"recorder", "assignee"}),
    "listActionsOfFeedback":    ("actions:read",    EVERYBODY),
    "giveActions":              ("actions:write",   EVERYBODY),
    "listActions":              ("actions:read",    EVERYBODY),
    "changeActions":            ("actions:write",   SUPERVISORS),
    "getAction":                ("actions:read",    EVERYBODY),
    "changeAction":             ("actions:write",   IN_CHARGE),
    "getTransitions":           ("actions:read",    EVERYBODY),
    "fireTransition":           ("actions:write",   frozenset({"assignee", "pool_member", "administrator"})),
    "passOver":                 ("actions:write",   frozenset({"pool_member", "administrator"})),
    "getHistory":               ("actions:read",    EVERYBODY),
    "linkFeedback":             ("actions:write",   AT_WORK),
    "unlinkFeedback":           ("actions:write",   AT_WORK),
    "getDue":                   ("actions:read",    EVERYBODY),
    "acknowledgeAction":        ("actions:write",   IN_CHARGE - {"assigner"} | {"assignee"}),
    "askForExtension":          ("actions:write",   ITSELF),
    "withdrawExtension":        ("actions:write",   ITSELF),
    "grantExtension":           ("actions:write",   IN_CHARGE),
    "refuseExtension":          ("actions:write",   IN_CHARGE),
    "commentOnAction":          ("actions:write",   AT_WORK | WATCHING | {"pool_member"}),
    "listWatchersOfAction":     ("actions:read",    EVERYBODY),
    "watchAction":              ("actions:write",   AT_WORK),
    "unwatchAction":            ("actions:write",   AT_WORK),
    "getActionGroup":           ("actions:read",    EVERYBODY),
    "listMyActions":            ("actions:read",    EVERYBODY),
    "listReminders":            ("feedback:read",   EVERYBODY),
    "setReminder":              ("feedback:write",  EVERYBODY),
    "getReminder":              ("feedback:read",   REMINDED),
    "changeReminder":           ("feedback:write",  REMINDED),
    "cancelReminder":           ("feedback:write",  REMINDED),
    "listMessages":             ("feedback:read",   EVERYBODY),
    "createMessage":            ("feedback:write",  EVERYBODY),
    "getMessage":               ("feedback:read",   EVERYBODY),
    "cancelMessage":            ("feedback:write",  SUPERVISORS | {"assigner"}),  # who wrote it
    "createMessages":           ("feedback:write",  SUPERVISORS),
    "listShares":               ("feedback:read",   EVERYBODY),
    "revokeShare":              ("feedback:write",  SUPERVISORS | {"assigner"}),
    "listTemplates":            (FREE,              EVERYBODY),
    "createTemplate":           ("settings:manage", SUPERVISORS),
    "previewTemplate":          ("feedback:write",  EVERYBODY),
    "getTemplate":              (FREE,              EVERYBODY),
    "changeTemplate":           ("settings:manage", SUPERVISORS),
    "deleteTemplate":           ("settings:manage", SUPERVISORS),
    "previewStoredTemplate":    ("feedback:write",  EVERYBODY),
    "listContacts":             ("feedback:read",   EVERYBODY),
    "excludeCustomer":          ("customers:write", EVERYBODY),
    "includeCustomer":          ("customers:write", SUPERVISORS),
    "listNotes":                ("feedback:read",   EVERYBODY),
    "addNote":                  ("feedback:write",  EVERYBODY),
    "getNote":                  ("feedback:read",   EVERYBODY),
    "changeNote":               ("feedback:write",  WRITER),
    "deleteNote":               ("feedback:write",  SUPERVISORS | WRITER),
    "listNoteVersions":         ("feedback:read",   EVERYBODY),
    "listMyMentions":           ("feedback:read",   EVERYBODY),
    "listMentionable":          ("users:read",      EVERYBODY),
    "readWordsOfTime":          (FREE,              EVERYBODY),
    "listCustomers":            ("customers:read",  EVERYBODY),
    "createCustomer":           ("customers:write", EVERYBODY),
    "getCustomer":              ("customers:read",  EVERYBODY),
    "changeCustomer":           ("customers:write", HANDLERS),
    "eraseCustomer":            ("customers:write", ADMINISTRATORS),
    "listEvents":               ("events:read",     ADMINISTRATORS),
    "streamEvents":             ("events:read",     ADMINISTRATORS),
    "listEventTypes":           (FREE,              EVERYBODY),
    "createImport":             ("feedback:write",  SUPERVISORS),
    "listImports":              ("feedback:write",  SUPERVISORS),
    "getImport":                ("feedback:write",  SUPERVISORS),
    "listImportErrors":         ("feedback:write",  SUPERVISORS),
    **{
        f"get{name}":             ("actions:read",    SUPERVISORS)
        for name in ("Overview", "Overdue", "Workload", "Process", "Metrics", "Weekly")
    },
    **{
        f"export{name}As{kind}":  ("actions:read",    SUPERVISORS)
        for name in ("Overview", "Overdue", "Workload", "Process", "Metrics", "Weekly")
        for kind in ("Csv", "Xlsx")
    },
    "listStays":                ("actions:read",    SUPERVISORS),
    "setReviewed":              ("users:manage",    SUPERVISORS),
    "exportActionsAsCsv":       ("actions:read",    EVERYBODY),
    "exportActionsAsXlsx":      ("actions:read",    EVERYBODY),
    "exportFeedbackAsCsv":      ("feedback:read",   EVERYBODY),
    "exportFeedbackAsXlsx":     ("feedback:read",   EVERYBODY),
    "listMails":                (NONE,              SUPERVISORS),
    "getMe":                    (FREE,              EVERYBODY),
    "changeMe":                 ("users:manage",    EVERYBODY),
    "getMyPreferences":         (FREE,              EVERYBODY),
    "changeMyPreferences":      ("users:manage",    EVERYBODY),
    "listMyTokens":             ("users:manage",    EVERYBODY),
    "createMyToken":            ("users:manage",    EVERYBODY),
    "deleteMyToken":            ("users:manage",    EVERYBODY),
    "getMyCalendarFeed":        (FREE,              EVERYBODY),
    "createMyCalendarFeed":     (NONE,              EVERYBODY),  # more than one: it reads what its owner may read
    "deleteMyCalendarFeed":     ("users:manage",    EVERYBODY),
    "getLimits":                (FREE,              EVERYBODY),
    "listUsers":                ("users:read",      EVERYBODY),
    "createUser":               ("users:manage",    ADMINISTRATORS),
    "getUser":                  ("users:read",      EVERYBODY),
    "changeUser":               ("users:manage",    ADMINISTRATORS),
    "deleteUser":               ("users:manage",    ADMINISTRATORS),
    "listTokensOfUser":         ("users:manage",    ITSELF),
    "createTokenOfUser":        ("users:manage",    ITSELF),
    "deleteTokenOfUser":        ("users:manage",    ITSELF),
    "listAbsences":             ("users:read",      EVERYBODY),
    "createAbsence":            ("users:manage",    ITSELF | THEIR_SUPERVISORS),
    "changeAbsence":            ("users:manage",    ITSELF | THEIR_SUPERVISORS),
    "deleteAbsence":            ("users:manage",    ITSELF | THEIR_SUPERVISORS),
    "listTeams":                ("users:read",      EVERYBODY),
    "createTeam":               ("users:manage",    ADMINISTRATORS),
    "getTeam":                  ("users:read",      EVERYBODY),
    "changeTeam":               ("users:manage",    ADMINISTRATORS),
    "deleteTeam":               ("users:manage",    ADMINISTRATORS),
    "listIntegrations":         ("users:manage",    ADMINISTRATORS),
    "createIntegration":        ("users:manage",    ADMINISTRATORS),
    "getIntegration":           ("users:manage",    ADMINISTRATORS),
    "deleteIntegration":        ("users:manage",    ADMINISTRATORS),
    "listTokensOfIntegration":  ("users:manage",    ADMINISTRATORS),
    "createTokenOfIntegration": ("users:manage",    ADMINISTRATORS),
    "deleteTokenOfIntegration": ("users:manage",    ADMINISTRATORS),
    "listOutcomes":             (FREE,              EVERYBODY),
    "createOutcome":            ("settings:manage", ADMINISTRATORS),
    "getOutcome":               (FREE,              EVERYBODY),
    "changeOutcome":            ("settings:manage", ADMINISTRATORS),
    "listRootCauses":           (FREE,              EVERYBODY),
    "createRootCause":          ("settings:manage", ADMINISTRATORS),
    "getRootCause":             (FREE,              EVERYBODY),
    "changeRootCause":          ("settings:manage", ADMINISTRATORS),
    "deleteRootCause":          ("settings:manage", ADMINISTRATORS),
    "deleteOutcome":            ("settings:manage", ADMINISTRATORS),
    "listCalendars":            (FREE,              EVERYBODY),
    "createCalendar":           ("settings:manage", SUPERVISORS),
    "getCalendar":              (FREE,              EVERYBODY),
    "changeCalendar":           ("settings:manage", SUPERVISORS),
    "deleteCalendar":           ("settings:manage", SUPERVISORS),
    "addHolidays":              ("settings:manage", SUPERVISORS),
    "listPolicies":             (FREE,              EVERYBODY),
    "listLabels":               (FREE,              EVERYBODY),
    "createLabel":              ("settings:manage", SUPERVISORS),
    "getLabel":                 (FREE,              EVERYBODY),
    "changeLabel":              ("settings:manage", SUPERVISORS),
    "deleteLabel":              ("settings:manage", SUPERVISORS),
    "mergeLabel":               ("settings:manage", SUPERVISORS),
    "countLabel":               ("feedback:read",   EVERYBODY),
    "createPolicy":             ("settings:manage", SUPERVISORS),
    "getPolicy":                (FREE,              EVERYBODY),
    "changePolicy":             ("settings:manage", SUPERVISORS),
    "deletePolicy":             ("settings:manage", SUPERVISORS),
    "listWebhooks":             ("webhooks:manage", ADMINISTRATORS),
    "createWebhook":            ("webhooks:manage", ADMINISTRATORS),
    "getWebhook":               ("webhooks:manage", ADMINISTRATORS),
    "changeWebhook":            ("webhooks:manage", ADMINISTRATORS),
    "deleteWebhook":            ("webhooks:manage", ADMINISTRATORS),
    "rotateWebhookSecret":      ("webhooks:manage", ADMINISTRATORS),
    "testWebhook":              ("webhooks:manage", ADMINISTRATORS),
    "enableWebhook":            ("webhooks:manage", ADMINISTRATORS),
    "replayToWebhook":          ("webhooks:manage", ADMINISTRATORS),
    "listDeliveries":           ("webhooks:manage", ADMINISTRATORS),
    "getDelivery":              ("webhooks:manage", ADMINISTRATORS),
    "redeliver":                ("webhooks:manage", ADMINISTRATORS),
    "getDefaultPreferences":    ("settings:manage", ADMINISTRATORS),
    "changeDefaultPreferences": ("settings:manage", ADMINISTRATORS),
    "listWorkflows":            (FREE,              EVERYBODY),
    "getWorkflow":              (FREE,              EVERYBODY),
}  # fmt: skip

PUBLIC = {
    "openapi": "getOpenapi",
    "pages": {"healthz", "readyz", "metrics", "web.docs", "web.static", "links.page", "links.act", "feeds.feed"}
    | {"letters.share", "letters.ask", "letters.unsubscribe", "answers.page", "answers.act"},
}
"""What needs no sign-in: the description of the API, the docs page with its files, the health pages, and the pages that
are authorised by the signed or secret token in their address."""

PEOPLE_ONLY = frozenset(
    {"changeMe", "getMyPreferences", "changeMyPreferences", "getMyCalendarFeed", "deleteMyCalendarFeed"}
)
"""An integration has no name, language or time zone of its own to change, gets no mail and has no calendar: 404."""
OF_THEIR_OWN = frozenset(
    {"changeWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook", "enableWebhook", "replayToWebhook"}
    | {"redeliver"}
)
"""What an integration has not made itself is not there for it: 404 before any right is asked for."""
PERSONAL = frozenset({"getReminder", "changeReminder", "cancelReminder"})
"""What was set neither by somebody nor for them is not there for them: 404."""
BY_THE_WORKFLOW = frozenset({"fireTransition"})
"""Beside the scope the workflow must name the caller; it names nobody who has nothing to do with the action."""

SCOPES = (
    "feedback:read", "feedback:write", "actions:read", "actions:write", "customers:read", "customers:write",
    "events:read", "webhooks:manage", "users:read", "users:manage", "settings:manage",
)  # fmt: skip

BODIES: dict[str, Any] = {
    "fireTransition": {"transition": "accept"},
    "createUser": {"email": "new@example.com", "name": "New", "role": "agent"},
    "createTeam": {"key": "new", "name": "New"},
    "changeUser": {"name": "Alice B."},
    "createCustomer": {"name": "Somebody", "email": "somebody@example.com"},
    "createMyToken": {"scopes": ["users:manage"]},
    "createTokenOfUser": {"scopes": ["users:manage"]},
    "createTokenOfIntegration": {"scopes": ["users:manage"]},
    "createIntegration": {"name": "CRM", "scopes": ["users:manage"]},
    "addNote": {"body": "Call back"},
    "setReminder": {
        "feedback": 1,
        "remind_at": "2099-12-01T17:00:00Z",
        "text": "Call back",
        "for": ["ada@example.com"],
    },
}
"""Where the example of the operation collides with what is there, or gives away more than a narrow token has."""


class Rehearsal(Database):
    """A database in which everything happens and nothing stays, so that each caller finds the same world."""

    def _once(self, work: Callable[[Session], T]) -> T:
        self._lock.acquire()
        try:
            with Session(self.writer, expire_on_commit=False) as session:
                done = work(session)
                session.flush()
                session.rollback()
                return done
        finally:
            self._lock.release()


@dataclass(slots=True)
class House:
    """A world that never changes, and what the paths of the operations name in it."""

    world: World
    things: dict[str, Any] = field(default_factory=dict)
    offered: dict[str, Any] = field(default_factory=dict)
    of_program: dict[str, Any] = field(default_factory=dict)  # an integration keeps its own endpoints only
    callers: dict[str, str] = field(default_factory=dict)  # name -> token
    spare: dict[str, int] = field(default_factory=dict)  # name -> the id of a token of theirs to delete
    asked: int = 0

    def ask(self, operation: Operation, name: str, token: str | None) -> int:
        """The status that this caller gets, standing to the things in the path as their name says."""
        things = self.things | (self.offered if name == "pool_member" else {})
        if name == "integration webhooks:manage":
            things = things | self.of_program
        if operation.name == "deleteMyToken":
            things = things | {"token_id": self.spare.get(name, 1)}
        elif operation.name == "deleteTokenOfIntegration":
            things = things | {"token_id": things["integration_token_id"]}
        elif operation.name in ("deleteOutcome", "deleteRootCause", "deleteCalendar", "deletePolicy"):
            things = things | {
                name: things[f"spare_{name}"] for name in ("outcome_id", "cause_id", "calendar_id", "policy_id")
            }
        elif operation.name == "mergeLabel":
            things = things | {"label_id": things["spare_label_id"]}
        elif operation.name == "unlinkFeedback":
            things = things | {"feedback_id": things["linked_id"]}
        elif operation.name == "deleteTeam":
            things = things | {"team_id": things["spare_team_id"]}
        self.asked += 1
        # An address of its own for each: failed tokens of one address are slowed down.
        origin = f"10.0.{self.asked // 250}.{self.asked % 250}"
        response = self.world.app.test_client().open(
            "/api/v1" + filled(operation.path, things),
            method=operation.method,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            environ_overrides={"REMOTE_ADDR": origin},
            **message_of(operation, things),
        )
        response.close()  # an open stream would keep its place
        return response.status_code


def filled(path: str, things: dict[str, Any]) -> str:
    for name, value in things.items():
        for kind in ("id:", "path:", ""):
            path = path.replace(f"<{kind}{name}>", str(value))
    assert "<" not in path, f"the house has nothing for {path}"
    return path


def message_of(operation: Operation, things: dict[str, Any]) -> dict[str, Any]:
    if operation.name == "addHolidays":
        return {"data": operation.example[ICALENDAR], "content_type": ICALENDAR}
    if operation.name == "readWordsOfTime":
        return {"query_string": {"text": "tomorrow"}}
    if operation.receive is not None:
        return {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
    if operation.name == "changeActions":
        return {"json": {"ids": [things["action_id"]], "transition": "accept"}}
    if operation.body is None:
        return {}
    return {"json": BODIES.get(operation.name, operation.example)}


@pytest.fixture(scope="module")
def house(_templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    url = new_database("sqlite", _templates, folder, tmp_path_factory)
    service = open_service(service_settings(url, folder))
    built = _build(populate(service))
    service.database.dispose()
    service.database = Rehearsal(url)
    yield built
    service.close()


def _build(world: World) -> House:
    ada = world.ada
    it = ada.post("/teams", {"key": "it", "name": "IT", "members": ["ada@example.com"]})
    rita = world.person("Rita", "agent")
    world.person("Tom", "supervisor", supervises=["care"])
    world.person("Sid", "supervisor", supervises=["it"])
    customer = {"name": "Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}
    item = rita.post("/feedback", {"text": "My miles are missing.", "customer": customer})
    other = rita.post("/feedback", {"text": "Mine too.", "customer": {"name": "Juno"}})
    linked = rita.post("/feedback", {"text": "And mine."})
    done = world.give("Alice", item=item)
    action = done["actions"][0]
    world.olga.expect(200, "PUT", f"/actions/{action['id']}/feedback/{linked['id']}")
    offered = world.pool_action(item=other)
    for thing in (f"feedback/{item['id']}", f"feedback/{other['id']}", f"actions/{offered['id']}"):
        ada.expect(200, "PUT", f"/{thing}/watchers/{world.alice.id}")
    ada.expect(200, "PUT", f"/actions/{action['id']}/watchers/{world.alice.id}")
    ada.expect(200, "PUT", f"/actions/{action['id']}/watchers/{world.mallory.id}")
    csv = {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
    job = world.sam.expect(202, "POST", "/imports", **csv)
    integration = ada.post("/integrations", {"name": "CRM", "scopes": ["users:manage"]})
    outcome = ada.post("/outcomes", {"key": "spare", "label": {"en": "Spare", "ko": "예비"}})
    cause, spare_cause = (
        ada.post("/root-causes", {"key": key, "label": {"en": "Spare", "ko": "예비"}}) for key in ("kept", "spare")
    )
    label, spare_label = (ada.post("/labels", {"name": name}) for name in ("vip", "spare"))
    for each in (item, other):
        ada.expect(200, "PUT", f"/feedback/{each['id']}/labels/vip")
    week = {"mon": [["09:00", "18:00"]]}
    calendar = ada.post("/calendars", {"name": "Spare", "time_zone": "UTC", "week": week})
    policy = ada.post("/policies", {"key": "spare", "name": "Spare"})
    period = {"from": "2100-01-01T00:00:00Z", "to": "2100-01-02T00:00:00Z"}
    absence = ada.post(f"/users/{world.alice.id}/absences", period)
    reminder = {"action": action["id"], "remind_at": "2099-12-01T17:00:00Z", "text": "Call back"}
    reminded = world.olga.post("/reminders", reminder | {"for": [world.alice.email]})
    note = world.olga.post(f"/feedback/{item['id']}/notes", {"body": "Call back"})
    [integration_token] = ada.get(f"/integrations/{integration['id']}/tokens")["items"]
    [shared] = world.olga.post(f"/feedback/{item['id']}/messages", {"to": ["ceo@example.com"], "body": "Look."})[
        "items"
    ]
    ada.expect(200, "PUT", f"/customers/{item['customer']['id']}/do-not-contact", {"reason": "Asked for it."})
    house = House(world)
    house.things = {
        "feedback_id": item["id"],
        "linked_id": linked["id"],
        "action_id": action["id"],
        "group_id": done["group"]["id"],
        "customer_id": item["customer"]["id"],
        "user_id": world.alice.id,
        "absence_id": absence["id"],
        "team_id": it["id"],
        "spare_team_id": it["id"],
        "integration_id": integration["id"],
        "integration_token_id": integration_token["id"],
        "label_id": label["id"],
        "spare_label_id": spare_label["id"],
        "name": "vip",
        "outcome_id": 1,
        "spare_outcome_id": outcome["id"],
        "cause_id": cause["id"],
        "spare_cause_id": spare_cause["id"],
        "calendar_id": 1,
        "spare_calendar_id": calendar["id"],
        "policy_id": 1,
        "spare_policy_id": policy["id"],
        "import_id": job["id"],
        "reminder_id": reminded["id"],
        "message_id": shared["id"],
        "share_id": shared["share"],
        "template_id": 1,
        "note_id": note["id"],
        "token_id": world.alice.post("/me/tokens", {"name": "spare"})["id"],
        "key": "standard",
        **_endpoint(house, ada.token),
    }
    house.offered = {
        "feedback_id": other["id"],
        "action_id": offered["id"],
        "group_id": offered["group_id"],
        "customer_id": other["customer"]["id"],
    }
    roles = {
        "stranger": world.mallory, "assignee": world.alice, "assigner": world.olga, "recorder": rita,
        "lead": world.lea, "pool_member": world.bob, "supervisor": world.sam, "team_supervisor": world.tom,
        "other_supervisor": world.sid, "administrator": ada,
    }  # fmt: skip
    for name, person in roles.items():
        person.post("/me/calendar-feed")
        house.callers[name] = person.token
        house.spare[name] = person.post("/me/tokens", {"name": "spare"})["id"]
    for scope in SCOPES:
        program = ada.post("/integrations", {"name": f"only {scope}", "scopes": [scope]})
        house.callers[f"integration {scope}"] = program["token"]
        spare = ada.post(f"/integrations/{program['id']}/tokens", {"name": "spare"})
        house.spare[f"integration {scope}"] = spare["id"]
        if scope == "webhooks:manage":
            house.of_program = _endpoint(house, program["token"])
        narrow = ada.post("/me/tokens", {"name": scope, "scopes": [scope]})
        house.callers[f"administrator's token {scope}"] = narrow["token"]
        house.spare[f"administrator's token {scope}"] = house.spare["administrator"]
    _add_those_without_rights(house)
    return house


def _endpoint(house: House, token: str) -> dict[str, int]:
    """An endpoint of whoever has this token, and a delivery to it."""
    as_them = {"headers": {"Authorization": f"Bearer {token}"}}
    body = {"url": "https://hooks.example.com/", "event_types": ["*"]}
    made = house.world.ada.expect(201, "POST", "/webhooks", body, **as_them)
    delivery = house.world.ada.expect(202, "POST", f"/webhooks/{made['id']}/test", **as_them)
    return {"webhook_id": made["id"], "delivery_id": delivery["id"]}


def _add_those_without_rights(house: House) -> None:
    gone = house.world.person("Gone", "admin")
    house.world.ada.expect(200, "PATCH", f"/users/{gone.id}", {"active": False})
    house.callers |= {
        "broken token": "cfm_" + "x" * 38,
        "unknown token": new_token(),
        "switched off": gone.token,
    }


NO_RIGHTS = ("nobody", "broken token", "unknown token", "switched off")


def _expected(operation: str, caller: str) -> int | None:
    """The refusal this caller must get; None for those who may."""
    if caller in NO_RIGHTS:
        return 401
    scope, people = EXPECTED[operation]
    if caller in EVERYBODY and caller not in people:
        return 404 if operation in PERSONAL else 403
    if caller in EVERYBODY:
        return None
    kind, _, own = caller.rpartition(" ")
    if scope not in (own, FREE):
        return 404 if kind == "integration" and operation in OF_THEIR_OWN else 403
    if kind == "integration" and operation in PEOPLE_ONLY:
        return 404
    return 403 if kind == "integration" and operation in BY_THE_WORKFLOW else None


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_operation_is_open_to_those_the_table_names_and_to_nobody_else(house: House, name: str) -> None:
    wrong = []
    for caller, token in [("nobody", None), *house.callers.items()]:
        status, expected = house.ask(BY_NAME[name], caller, token), _expected(name, caller)
        allowed = status < 300 or (status == 409 and expected is None)
        if (expected is None and not allowed) or (expected is not None and status != expected):
            wrong.append(f"{caller}: {status} instead of {expected or 'a good answer'}")
    assert not wrong, "; ".join(wrong)


def test_every_operation_is_in_the_table_and_says_its_right() -> None:
    public = {operation.name for operation in OPERATIONS if operation.right is None}
    assert public == {PUBLIC["openapi"]}
    assert {operation.name for operation in OPERATIONS} - public == set(EXPECTED)


def test_every_address_of_the_service_is_an_operation_or_named_as_public(house: House) -> None:
    endpoints = {rule.endpoint for rule in house.world.app.url_map.iter_rules()}
    operations = {f"api.{name}" for name in BY_NAME}
    pages = {f"pages.{declared.name}" for declared in PAGES}  # see tests/web/test_door.py
    assert sorted(endpoints - operations - pages) == sorted(PUBLIC["pages"])


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/docs", "/healthz", "/readyz", "/metrics"])
def test_the_public_pages_need_no_token(small_world: World, path: str) -> None:
    assert small_world.app.test_client().get(path).status_code == 200


def test_metrics_are_not_for_strangers_from_elsewhere(small_world: World) -> None:
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    client = small_world.app.test_client()
    assert client.get("/metrics", environ_overrides=elsewhere).status_code == 403
    allowed = {"Authorization": f"Bearer {small_world.ada.token}"}
    assert client.get("/metrics", environ_overrides=elsewhere, headers=allowed).status_code == 200
    assert client.get("/readyz", environ_overrides=elsewhere).json == {"status": "ok"}


def test_a_refusal_names_the_missing_right(house: House) -> None:
    problem = house.world.mallory.expect(403, "POST", "/outcomes", BY_NAME["createOutcome"].example)
    assert problem["missing_right"] == "settings.manage"
