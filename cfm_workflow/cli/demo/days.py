"""The days of the demo, lived through in order: what comes in, who is given it, and what each then does when.

What is still to happen when the last day ends stays open: so there is work in every state, some of it late.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.cli.demo.cast import Cast
from cfm_workflow.cli.opening import CALLER
from cfm_workflow.errors import RefusedTransition
from cfm_workflow.forms.actions import FanOutIn
from cfm_workflow.forms.loading import load
from cfm_workflow.models import Reminder
from cfm_workflow.operations import closing, feedback, reminders
from cfm_workflow.operations.actions.change import change
from cfm_workflow.operations.actions.fan_out import fan_out
from cfm_workflow.operations.actions.move import move
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.labelling import label_item
from cfm_workflow.operations.messages import contacts
from cfm_workflow.service import Service
from cfm_workflow.setting_values import TellCustomer

OPENS, CLOSES = 9, 18
"""Hours between which people work."""
BUSINESS_DAYS: Final = {"urgent": 1, "high": 2, "normal": 4, "low": 8}
SETTLE_EVERY: Final = timedelta(hours=1)
KOREAN: Final = 0.45
"""How much of the feedback is in Korean."""

Step = Callable[[Session, datetime], None]


@dataclass
class Piece:
    """An action on its way: who has it now."""

    id: int
    assignee: int
    assigner: int
    work: Mapping[str, Any]
    language: str


@dataclass
class Days:
    """One run of the story; `live` goes through it."""

    service: Service
    story: Mapping[str, Any]
    cast: Cast
    chance: random.Random
    begins: datetime
    ends: datetime
    received: int = 0
    given: int = 0
    steps: int = 0
    _settled: datetime = field(init=False)
    _order: Any = field(default_factory=itertools.count)
    _ahead: list[tuple[datetime, int, Step]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settled = self.begins

    def live(self, items: int, report: Callable[[int], Any]) -> None:
        """Everything from the first message to now; `report` is told how many items have come in."""
        for at in sorted(self._moment() for _ in range(items)):
            self._plan(at, self._receive)
        while self._ahead:
            at, _, step = heapq.heappop(self._ahead)
            self._remind(at)
            self._settle(at)
            self.service.database.transaction(lambda session, step=step, at=at: step(session, at))  # type: ignore[misc]
            report(self.received)
        self._remind(self.ends)
        self._settle(self.ends)

    # -- when ----------------------------------------------------------------------------------------------------------

    @property
    def _zone(self) -> ZoneInfo:
        return self.service.settings.time_zone

    def _moment(self) -> datetime:
        """Some instant of the story; more of them on work days and by day."""
        while True:
            at = self.begins + (self.ends - self.begins) * self.chance.random()
            wall = at.astimezone(self._zone)
            weight = (0.35 if wall.weekday() > 4 else 1.0) * (1.0 if 8 <= wall.hour < 23 else 0.1)
            if self.chance.random() < weight:
                return at

    def _at_work(self, at: datetime) -> datetime:
        """This instant, or the beginning of the next working day with some minutes for coffee."""
        wall = at.astimezone(self._zone)
        while wall.weekday() > 4 or not OPENS <= wall.hour < CLOSES:
            if wall.weekday() > 4 or wall.hour >= CLOSES:
                wall += timedelta(days=1)
            wall = wall.replace(hour=OPENS, minute=self.chance.randrange(5, 50))
        return wall.astimezone(at.tzinfo)

    def _after(self, at: datetime, hours: float) -> datetime:
        """So many hours on, give or take, within working hours."""
        return self._at_work(at + timedelta(hours=hours * self.chance.lognormvariate(0, 0.7)))

    def _plan(self, at: datetime, step: Step) -> None:
        """What lies beyond the last day does not happen."""
        if at < self.ends:
            heapq.heappush(self._ahead, (at, next(self._order), step))

    def _remind(self, until: datetime) -> None:
        """Let the clock tell what falls due up to `until`, each at its own time."""
        while True:
            with self.service.database.reading() as session:
                due = session.scalar(select(func.min(Reminder.at)).where(Reminder.state == "planned"))
            if due is None or due > until:
                return
            self.service.database.transaction(lambda session, due=due: reminders.fire_due(session, now=due))  # type: ignore[misc]

    def _settle(self, until: datetime) -> None:
        """Let items close whose customers know; nobody is written to."""
        if until - self._settled < SETTLE_EVERY:
            return
        self._settled = until
        settle = closing.settle_due
        wish = TellCustomer.NEVER
        self.service.database.transaction(lambda session: settle(session, wish=wish, check_after=None, now=until))

    # -- what comes in -------------------------------------------------------------------------------------------------

    def _receive(self, session: Session, at: datetime) -> None:
        key, topic = self.chance.choice(list(self.story["topics"].items()))
        language = "ko" if self.chance.random() < KOREAN else "en"
        text = self.chance.choice(topic["texts"][language])
        day = at - timedelta(days=self.chance.randrange(2, 12))
        row = {
            "source": "demo",
            "channel": self.chance.choice(self.story["channels"]),
            "touchpoint": self.story["pages"].get(key),
            "text": text.format(order=f"A-{self.chance.randrange(10_000, 99_999)}", day=f"{day:%Y-%m-%d}"),
            "language": language,
            "metric": topic["metric"],
            "score": self.chance.choice(topic["scores"]),
            "customer": self._customer(language),
            "attributes": {},
            "received_at": at,
        }
        ident = feedback.receive(session, CALLER, [row], imported=False, now=at)[0].id
        self.received += 1
        self._plan(self._after(at, 1), lambda session, at: self._label(session, at, ident, topic["label"]))
        roll = self.chance.random()
        if roll < 0.82:
            self._plan(self._after(at, 3), lambda session, at: self._give(session, at, ident, key, language))
        elif roll < 0.9:
            self._plan(self._after(at, 20), lambda session, at: self._close(session, at, ident, language))

    def _customer(self, language: str) -> dict[str, Any]:
        names = self.story["customers"][language]
        n = self.chance.randrange(len(names))
        return {"name": names[n], "email": f"{language}{n + 1}@customers.example.com", "language": language}

    def _label(self, session: Session, at: datetime, ident: int, label: str) -> None:
        reader = self.cast.as_caller(session, self.chance.choice(self.cast.members["care"]))
        label_item(session, reader, ident, label, may_make=True, now=at)

    def _close(self, session: Session, at: datetime, ident: int, language: str) -> None:
        caller = self.cast.as_caller(session, self.cast.people["sam"])
        reason = self._reason("outcome", language)
        closing.close(session, caller, ident, reason, check_after=None, now=at)

    # -- who is given it -----------------------------------------------------------------------------------------------

    def _give(self, session: Session, at: datetime, ident: int, key: str, language: str) -> None:
        giver = self.chance.choice([self.cast.people[who] for who in ("minji", "olga", "sam", "hyejin")])
        for work in self.story["topics"][key]["work"]:
            members = [who for who in self.cast.members[work["team"]] if who != giver]
            people = self.chance.sample(members, k=2 if len(members) > 2 and self.chance.random() < 0.1 else 1)
            spoken = self.service.settings.language.value
            said = {
                "title": work["title"][spoken],
                "kind": work["kind"],
                "priority": work["priority"],
                "assignees": [{"user": who} for who in people],
                "due_in": {"business_days": BUSINESS_DAYS[work["priority"]]},
            }
            made = fan_out(session, self.cast.as_caller(session, giver), ident, load(FanOutIn(), said), now=at)
            for action in made["actions"]:
                self._expect(at, Piece(action["id"], action["assignee"]["id"], giver, work, spoken))
            self.given += len(made["actions"])

    def _expect(self, at: datetime, piece: Piece) -> None:
        """What the assignee will make of it: mostly soon, now and then late, and sometimes not at all."""
        roll = self.chance.random()
        if roll < 0.04:
            self._plan(self._after(at, 5), self._step(piece, "decline", self._then_reassign))
        elif roll < 0.07:
            self._plan(self._after(at, 9), self._step(piece, "cancel"))
        elif roll < 0.97:
            slow = 12 if roll > 0.85 else 1
            self._plan(self._after(at, 2.5 * slow), self._step(piece, "accept", self._then_start))

    def _then_start(self, at: datetime, piece: Piece) -> None:
        roll = self.chance.random()
        if roll < 0.06:
            self._plan(self._after(at, 4), self._step(piece, "reassign", self._expect))
        elif roll < 0.97:
            self._plan(self._after(at, 3), self._step(piece, "start", self._then_work))

    def _then_work(self, at: datetime, piece: Piece) -> None:
        roll = self.chance.random()
        hours = 40 if piece.work["kind"] == "internal" else 14
        if roll < 0.14:
            self._plan(self._after(at, 4), self._step(piece, "wait", self._then_resume))
        elif roll < 0.22:
            self._plan(self._after(at, 20), lambda session, at: self._extend(session, at, piece))
            self._plan(self._after(at, hours * 1.6), self._step(piece, "complete", self._then_reopen))
        elif roll < 0.95:
            self._plan(self._after(at, hours), self._step(piece, "complete", self._then_reopen))

    def _then_resume(self, at: datetime, piece: Piece) -> None:
        self._plan(self._after(at, 40), self._step(piece, "resume", self._then_work))

    def _then_reassign(self, at: datetime, piece: Piece) -> None:
        if self.chance.random() < 0.7:
            self._plan(self._after(at, 6), self._step(piece, "reopen", self._expect))

    def _then_reopen(self, at: datetime, piece: Piece) -> None:
        if self.chance.random() < 0.05:
            self._plan(self._after(at, 50), self._step(piece, "reopen", self._expect))

    # -- what they do --------------------------------------------------------------------------------------------------

    def _step(self, piece: Piece, transition: str, then: Callable[[datetime, Piece], None] | None = None) -> Step:
        def take(session: Session, at: datetime) -> None:
            by_giver = transition in ("cancel", "reopen")
            caller = self.cast.as_caller(session, piece.assigner if by_giver else piece.assignee)
            order = Order(transition, fields=self._fields(piece, transition, at))
            try:
                shown = move(session, caller, piece.id, order, now=at)
            except RefusedTransition:  # a sibling or a lead was faster
                return
            self.steps += 1
            if transition == "complete" and piece.work["kind"] == "external":
                self._call(session, at, piece, shown["feedback_id"])
            if shown["assignee"] is not None:
                piece.assignee = shown["assignee"]["id"]
            if then is not None:
                then(at, piece)

        return take

    def _call(self, session: Session, at: datetime, piece: Piece, feedback_id: int) -> None:
        """Whoever spoke to the customer mostly says so; and now and then the customer answers."""
        if self.chance.random() < 0.25:
            return
        caller = self.cast.as_caller(session, piece.assignee)
        calls = self.story["calls"]
        said = {"channel": "phone", "direction": "out", "body": self.chance.choice(calls["out"][piece.language])}
        self._record(session, at, caller, feedback_id, said)
        if self.chance.random() < 0.3:
            answer = {"channel": "chat", "direction": "in", "body": self.chance.choice(calls["in"][piece.language])}
            self._plan(self._after(at, 1), lambda session, at: self._record(session, at, caller, feedback_id, answer))

    def _record(
        self, session: Session, at: datetime, caller: Caller, feedback_id: int, said: Mapping[str, Any]
    ) -> None:
        contacts.record(session, caller, feedback_id, said, now=at)

    def _fields(self, piece: Piece, transition: str, at: datetime) -> dict[str, Any]:
        if transition == "complete":
            return self._outcome(piece)
        if transition == "wait":
            return {
                "reason": self._reason("wait", piece.language),
                "until": at + timedelta(days=self.chance.randrange(2, 9)),
            }
        if transition == "reassign":
            colleagues = [who for who in self.cast.members[piece.work["team"]] if who != piece.assignee]
            receiver = self.chance.choice(colleagues or [self.cast.leads[piece.work["team"]]])
            return {"reason": self._reason("reassign", piece.language), "assignee": receiver}
        if transition in self.story["reasons"]:
            return {"reason": self._reason(transition, piece.language)}
        return {}

    def _outcome(self, piece: Piece) -> dict[str, Any]:
        outcome = piece.work["outcome"] if self.chance.random() < 0.9 else "duplicate"
        fields = {"outcome": outcome, "resolution": self.chance.choice(self.story["resolutions"][piece.language])}
        if outcome == "wont_fix":
            fields["reason"] = self._reason("outcome", piece.language)
        return fields

    def _extend(self, session: Session, at: datetime, piece: Piece) -> None:
        caller = self.cast.as_caller(session, piece.assigner)
        fields = {"due_at": self._at_work(at + timedelta(days=3)), "reason": self._reason("extend", piece.language)}
        change(session, caller, piece.id, fields, now=at)

    def _reason(self, kind: str, language: str) -> str:
        reason: str = self.chance.choice(self.story["reasons"][kind][language])
        return reason
