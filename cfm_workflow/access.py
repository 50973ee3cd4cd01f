"""Who may do what: the caller, and one table of rights over relations. No query lives here.

A relation is how a caller stands to one thing: `assignee`, `assigner`, `lead`, `supervisor`, `pool_member`, `watcher`
of an action (`queries/relations.py` answers that), `recorder` and `handler` of a feedback item or customer, `oneself`.
State changes ask the workflow's own table (`workflow/`) which of the same relations may fire which transition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cfm_workflow.errors import Forbidden

NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, with everything about them that access depends on.

    `scopes` None means every right of the account. `supervises` None means all teams (of a supervisor). `hidden_teams`
    are the restricted teams whose work this caller may not see.
    """

    type: str
    id: int | None
    name: str
    role: str | None = None
    email: str | None = None
    language: str = "en"
    scopes: frozenset[str] | None = None
    member_of: frozenset[int] = NOBODY
    leads: frozenset[int] = NOBODY
    supervises: frozenset[int] | None = NOBODY
    hidden_teams: frozenset[int] = NOBODY
    token_id: int | None = field(default=None, compare=False)
    session_id: int | None = field(default=None, compare=False)

    @property
    def is_administrator(self) -> bool:
        return self.role == "admin"

    @property
    def is_supervisor(self) -> bool:
        return self.role == "supervisor"

    @property
    def is_integration(self) -> bool:
        return self.type == "integration"

    def as_actor(self) -> dict[str, object]:
        """How events name them."""
        return (
            {"type": self.type, "name": self.name}
            if self.id is None
            else {"type": self.type, "id": self.id, "name": self.name}
        )


def system(name: str) -> Caller:
    """The service itself acting: the clock, a group's policy, an import."""
    return Caller(type="system", id=None, name=name)


SCOPES: Final = (
    "feedback:read",
    "feedback:write",
    "actions:read",
    "actions:write",
    "customers:read",
    "customers:write",
    "events:read",
    "webhooks:manage",
    "users:read",
    "users:manage",
    "settings:manage",
)

ANYONE: Final = "anyone"


@dataclass(frozen=True, slots=True)
class Right:
    """`scope` is what a scoped token or an integration needs (None: no scope reaches it); `who` the relations, one of
    which a person needs. Administrators have every right; the supervisor of a thing is a relation like any other."""

    scope: str | None
    who: frozenset[str]
    free: bool = False  # needs no scope: everybody who is signed in, however scoped


def _right(scope: str | None, *who: str, free: bool = False) -> Right:
    return Right(scope, frozenset(who), free)


RELATED: Final = ("assignee", "assigner", "lead", "supervisor", "pool_member", "watcher")
"""Everybody who has to do with an action."""

RIGHTS: Final[dict[str, Right]] = {
    # right               scope              a person needs one of
    "feedback.read":     _right("feedback:read",   ANYONE),
    "feedback.create":   _right("feedback:write",  ANYONE),
    "feedback.change":   _right("feedback:write",  "recorder", "handler", "supervisor"),
    "feedback.watch":    _right("feedback:write",  ANYONE),  # oneself; others:
    "feedback.add_watcher": _right("feedback:write", "recorder", "supervisor"),
    "feedback.close":    _right("feedback:write",  "supervisor"),
    "feedback.import":   _right("feedback:write",  "supervisor"),
    "feedback.erase":    _right("feedback:write"),
    "label.use":        _right("feedback:write",  ANYONE),
    "labels.manage":    _right("settings:manage", "supervisor"),
    "action.read":       _right("actions:read",    ANYONE),
    "action.create":     _right("actions:write",   ANYONE),
    "action.move":       _right("actions:write",   ANYONE),  # and what the workflow says
    "action.bulk":       _right("actions:write",   "supervisor"),
    "action.describe":   _right("actions:write",   "assignee", "assigner", "lead", "supervisor"),
    "action.change":     _right("actions:write",   "assigner", "lead", "supervisor"),
    "action.ask_extension": _right("actions:write", "assignee"),
    "action.link":       _right("actions:write",   "assignee", "assigner", "lead", "supervisor"),
    "action.comment":    _right("actions:write",   *RELATED),
    "action.acknowledge": _right("actions:write",  "assignee", "lead", "supervisor"),
    "action.watch":      _right("actions:write",   ANYONE),  # oneself; others:
    "action.add_watcher": _right("actions:write",  "assigner", "lead", "supervisor"),
    "action.pass_over":  _right("actions:write",   "pool_member"),
    "reminder.read":     _right("feedback:read",   ANYONE),  # one's own; supervisors everybody's
    "reminder.set":      _right("feedback:write",  ANYONE),
    "reminder.change":   _right("feedback:write",  "setter", "receiver", "supervisor"),
    "message.read":      _right("feedback:read",   ANYONE),
    "message.write":     _right("feedback:write",  ANYONE),
    "message.bulk":      _right("feedback:write",  "supervisor"),
    "message.cancel":    _right("feedback:write",  "writer", "supervisor"),
    "share.revoke":      _right("feedback:write",  "writer", "supervisor"),
    "templates.manage":  _right("settings:manage", "supervisor"),
    "customer.exclude":  _right("customers:write", ANYONE),  # from all contact; to allow it again:
    "customer.include":  _right("customers:write", "supervisor"),
    "note.read":         _right("feedback:read",   ANYONE),
    "note.write":        _right("feedback:write",  ANYONE),
    "note.change":       _right("feedback:write",  "author"),
    "note.delete":       _right("feedback:write",  "author", "supervisor"),
    "customer.read":     _right("customers:read",  ANYONE),
    "customer.contact":  _right("customers:read",  "handler", "supervisor"),
    "customer.create":   _right("customers:write", ANYONE),
    "customer.change":   _right("customers:write", "handler", "supervisor"),
    "customer.erase":    _right("customers:write"),
    "people.read":       _right("users:read",      ANYONE),
    "absences.manage":   _right("users:manage",    "oneself", "supervisor"),
    "people.manage":     _right("users:manage"),
    "settings.read":     _right(None,              ANYONE, free=True),
    "settings.manage":   _right("settings:manage"),
    "policies.manage":   _right("settings:manage", "supervisor"),
    "calendars.manage":  _right("settings:manage", "supervisor"),
    "reports.read":      _right("actions:read",    "supervisor"),
    "reports.review":    _right("users:manage",    "supervisor"),
    "mails.read":        _right(None,              "supervisor"),
    "events.read":       _right("events:read"),
    "events.audit":      _right(None),
    "webhook.manage":    _right("webhooks:manage"),
    "self.read":         _right(None,              ANYONE, free=True),
    "self.manage":       _right("users:manage",    "oneself"),
}  # fmt: skip
"""What each kind of caller may do; `tests/test_access.py` walks every route through it."""


def by_role(caller: Caller) -> frozenset[str]:
    """How the caller stands to everything, whatever it is."""
    return frozenset({"supervisor"}) if caller.is_supervisor else frozenset()


def allows(caller: Caller, right: str, relations: Iterable[str] | None = None) -> bool:
    """Whether `caller`, standing to the thing in `relations` (None: `by_role`), has the right."""
    rule = RIGHTS[right]
    if caller.type == "system":
        return True
    if caller.scopes is not None and not rule.free and rule.scope not in caller.scopes:
        return False
    if caller.is_administrator:
        return True
    if caller.is_integration:
        return rule.free or rule.scope is not None
    return ANYONE in rule.who or not rule.who.isdisjoint(by_role(caller) if relations is None else relations)


def require(caller: Caller, right: str, relations: Iterable[str] | None = None) -> None:
    """Raise Forbidden, naming the right, unless `allows`."""
    if not allows(caller, right, relations):
        raise Forbidden(right)
