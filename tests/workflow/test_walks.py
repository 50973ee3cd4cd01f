"""Random valid workflows, random walks: no sequence of calls does what the definition does not allow.

The oracle walks the plain content with a history of its own; it shares no code with the engine.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cfm_workflow.workflow import (
    Definition,
    TransitionRefused,
    begin,
    choices,
    fire,
    from_content,
    mermaid,
    path,
    why_not,
)

from .work import ALICE, BOB, NOW, OLGA, STANDARD, Work

RELATIONS = ["assignee", "pool_member", "assigner", "lead", "supervisor", "system", "administrator"]
FIELDS = ["reason", "outcome", "assignee", "until", "root_cause", "resolution"]
UNFINISHED, FINISHED = ("open", "active", "waiting"), ("done", "dropped")
WITHIN = timedelta(minutes=10)

relations = st.frozensets(st.sampled_from([*RELATIONS, "doer", "stranger"]), max_size=3)
fields = st.frozensets(st.sampled_from([*FIELDS, "until_answer", "comment"]), max_size=5)
callers = st.sampled_from([None, OLGA, ALICE, BOB])


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow that keeps all rules: every state has a way in, every unfinished one a way to a finish."""
    middle = draw(st.lists(st.sampled_from(("waiting", *UNFINISHED)), max_size=4))
    last = ["done", *draw(st.lists(st.sampled_from(FINISHED), max_size=2))]
    states = [state(f"s{n}", category, draw) for n, category in enumerate(["open", *middle, *last])]
    unfinished, finished = states[: 1 + len(middle)], states[1 + len(middle) :]
    waiting = [each["name"] for each in unfinished if each["category"] == "waiting"]
    steps: list[dict[str, Any]] = []

    def step(left: list[str], to: str, **more: Any) -> None:
        steps.append(transition(f"t{len(steps)}", left, to, draw, **more))

    for n, each in enumerate(states[1:], start=1):  # a way in
        step([draw(st.sampled_from(unfinished[: min(n, len(unfinished))]))["name"]], each["name"])
    for each in unfinished:  # a way to a finish
        step([each["name"]], draw(st.sampled_from(finished))["name"])
    for _ in range(draw(st.integers(0, 3))):  # and further ways
        left = draw(st.lists(st.sampled_from(unfinished), min_size=1, max_size=3, unique_by=lambda each: each["name"]))
        step([each["name"] for each in left], draw(st.sampled_from(states))["name"])
    if len(waiting) > 1:  # from waiting to waiting: where it came from stays the same
        step([waiting[0]], waiting[-1], requires=[])
    if waiting:
        step(waiting, "previous", requires=[])
    for each in draw(st.lists(st.sampled_from(finished), max_size=2, unique_by=lambda each: each["name"])):
        step(
            [each["name"]], "before", who=["doer", *draw(st.sampled_from([[], ["lead"]]))], requires=[], within="PT10M"
        )
    step([each["name"] for each in finished], "s0", requires=draw(st.sampled_from([[], ["reason"]])))
    if draw(st.booleans()):
        step([draw(st.sampled_from(unfinished))["name"]], "s0", effect="release")
    return {
        "key": "random", "name": label("r"), "initial": "s0", "self_assigned": None,
        "states": states, "transitions": draw(st.permutations(steps)),
    }  # fmt: skip


def label(text: str) -> dict[str, str]:
    return {"en": text, "ko": text}


def state(name: str, category: str, draw: st.DrawFn) -> dict[str, Any]:
    under_way = category in ("active", "waiting")
    milestone = draw(st.sampled_from([None, "accepted", "started"])) if under_way else None
    return {"name": name, "category": category, "label": label(name), "milestone": milestone}


def transition(name: str, left: list[str], to: str, draw: st.DrawFn, **more: Any) -> dict[str, Any]:
    whole = {
        "name": name, "from": left, "to": to, "event": "action.walked", "label": label(name), "optional": [],
        "limits": {}, "within": None, "effect": None,
    }  # fmt: skip
    whole["who"] = more.get("who") or draw(st.lists(st.sampled_from(RELATIONS), min_size=1, max_size=3, unique=True))
    whole["requires"] = more.get("requires", draw(st.lists(st.sampled_from(FIELDS), max_size=2, unique=True)))
    return whole | more


@dataclass
class Oracle:
    """What should happen, told from the plain content and from all that happened."""

    content: dict[str, Any]
    path: list[str] = field(default_factory=list)  # the states it had; an undo takes the last one off
    finished_by: int | None = None
    finished_at: datetime = NOW

    def __post_init__(self) -> None:
        self.path.append(self.content["initial"])
        self.category = {each["name"]: each["category"] for each in self.content["states"]}
        self.by_name = {each["name"]: each for each in self.content["transitions"]}

    @property
    def state(self) -> str:
        return self.path[-1]

    @property
    def is_finished(self) -> bool:
        return self.category[self.state] in FINISHED

    def target(
        self, name: str, work: Work, caller: int | None, held: frozenset[str], fields: Any, now: datetime
    ) -> str | None:
        """The state this call leads to, or None when it must be refused."""
        row = self.by_name.get(name)
        if row is None or self.state not in row["from"]:
            return None
        fields = {"until" if each == "until_answer" else each for each in fields}
        if not set(row["requires"]) <= fields or not self.is_permitted(row, work, caller, held):
            return None
        if row["to"] == "before":
            return self.path[-2] if now - self.finished_at <= WITHIN else None
        if row["to"] == "previous":
            return next(each for each in reversed(self.path) if self.category[each] not in ("waiting", *FINISHED))
        return row["to"]

    def is_permitted(self, row: dict[str, Any], work: Work, caller: int | None, held: frozenset[str]) -> bool:
        if "administrator" in held:
            return True
        if "doer" in row["who"] and caller is not None and caller == self.finished_by:
            return True
        grounds = {each for each in row["who"] if each in held and each != "doer"}
        return bool(grounds - {"pool_member"}) or ("pool_member" in grounds and work.assignee_id is None)

    def went(self, name: str, target: str, caller: int | None, now: datetime) -> None:
        if self.by_name[name]["to"] == "before":
            self.path.pop()
        else:
            self.path.append(target)
        undoable = any(row["to"] == "before" and target in row["from"] for row in self.by_name.values())
        self.finished_by = caller if self.is_finished and undoable else None
        self.finished_at = now


class Walk(RuleBasedStateMachine):
    definition: Definition
    work: Work
    oracle: Oracle

    @initialize(
        content=st.one_of(st.just(STANDARD.content()), contents()),
        pool=st.booleans(),
        owner=st.sampled_from([None, ALICE]),
    )
    def start(self, content: dict[str, Any], pool: bool, owner: int | None) -> None:
        self.definition = from_content(content, "random")
        self.work = Work(pool=pool, assignee_id=owner)
        self.oracle = Oracle(content)
        self.now = NOW
        self.names = [*self.definition.transitions, "fly"]
        begin(self.definition, self.work, now=self.now)

    @rule(
        pick=st.integers(0, 40), caller=callers, held=relations, fields=fields, minutes=st.sampled_from([0, 1, 10, 11])
    )
    def anybody_tries_anything(
        self, pick: int, caller: int | None, held: frozenset[str], fields: frozenset[str], minutes: int
    ) -> None:
        self.now += timedelta(minutes=minutes)
        self.attempt(self.names[pick % len(self.names)], caller, held, fields)

    @rule(picks=st.lists(st.integers(0, 40), min_size=3, max_size=20), caller=callers)
    def an_administrator_goes_on(self, picks: list[int], caller: int | None) -> None:
        held = frozenset({"administrator"})
        for pick in picks:
            allowed, blocked = choices(self.definition, self.work, by=caller, relations=held, now=self.now)
            assert allowed == [name for name in self.definition.transitions if self.target(name, caller, held)]
            assert {*allowed, *blocked} == set(self.definition.transitions)
            if not allowed:
                return
            self.attempt(allowed[pick % len(allowed)], caller, held, frozenset(FIELDS))
            self.the_work_is_where_the_definition_says()

    @rule(pick=st.integers(0, 40), caller=callers, held=relations)
    def somebody_goes_through(self, pick: int, caller: int | None, held: frozenset[str]) -> None:
        name = self.names[pick % len(self.names)]
        *between, last = path(self.definition, self.work, name, by=caller, relations=held, now=self.now) or [None]
        for step in between:
            before = self.oracle.state
            self.attempt(step, caller, held, frozenset())
            assert self.oracle.state != before or before in self.oracle.by_name[step]["from"]
            assert not self.oracle.is_finished
            if self.claimed:
                self.work.assignee_id = caller
                held |= {"assignee"}
        if last is not None:
            assert last == name
            self.attempt(last, caller, held, frozenset(FIELDS))
            assert self.moved

    def target(self, name: str, caller: int | None, held: frozenset[str]) -> str | None:
        return self.oracle.target(name, self.work, caller, held, FIELDS, self.now)

    def attempt(self, name: str, caller: int | None, held: frozenset[str], fields: frozenset[str]) -> None:
        target = self.oracle.target(name, self.work, caller, held, fields, self.now)
        arguments: dict[str, Any] = {"by": caller, "relations": held, "given": fields, "now": self.now}
        refusal = why_not(self.definition, self.work, name, **arguments)
        untouched = replace(self.work)
        try:
            fired = fire(self.definition, self.work, name, **arguments)
        except TransitionRefused as error:
            assert target is None
            assert refusal == error.refusal
            assert self.work == untouched
            self.moved = False
            return
        assert refusal is None
        assert (fired.transition.name, fired.from_state, fired.to_state) == (name, self.oracle.state, target)
        self.moved, self.claimed = True, fired.claims
        self.oracle.went(name, fired.to_state, caller, self.now)

    @invariant()
    def the_work_is_where_the_definition_says(self) -> None:
        if not hasattr(self, "oracle"):
            return
        work, oracle = self.work, self.oracle
        assert work.state == oracle.state
        assert work.category == oracle.category[oracle.state]
        assert (work.finished_at is not None) == oracle.is_finished
        if not oracle.is_finished:
            assert (work.came_from is not None) == (work.category == "waiting")
        assert work.undo_to is None or (oracle.is_finished and work.undo_to == oracle.path[-2])
        if work.category == "open":
            assert (work.accepted_at, work.started_at) == (None, None)


TestWalks = Walk.TestCase


@settings(max_examples=50)
@given(contents())
def test_random_workflows_come_back_from_storage_and_can_be_drawn(content: dict[str, Any]) -> None:
    definition = from_content(content, "random")
    assert definition.content() == from_content(definition.content(), "again").content()
    assert definition.content()["transitions"] == [row | {"who": ordered(row["who"])} for row in content["transitions"]]
    assert mermaid(definition).count("-->") >= len(content["transitions"])


def ordered(who: list[str]) -> list[str]:
    order = ["assignee", "pool_member", "assigner", "lead", "supervisor", "doer", "system", "administrator"]
    return sorted(who, key=order.index)
