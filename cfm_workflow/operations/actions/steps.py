"""One order and one action: the steps to fire, and what each means for assignee, outcome and waiting.

Changes actions in memory only; `move` locks them before and writes them afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import (
    CfmError,
    IncompleteTransition,
    Invalid,
    NotPermittedTransition,
    RefusedTransition,
    WrongStateTransition,
)
from cfm_workflow.models import Account, Outcome, Team
from cfm_workflow.operations.actions import dates, targets
from cfm_workflow.operations.actions.held import Held, Shown, Work, hand_over, rename_assignee
from cfm_workflow.operations.actions.lapse import lapse
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.people import named_user
from cfm_workflow.operations.root_causes import require_known
from cfm_workflow.operations.stand_ins import stand_ins
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.queries.people import NamedUser
from cfm_workflow.workflow import (
    BEFORE,
    Category,
    Code,
    Definition,
    Fired,
    Limit,
    NotPermitted,
    RequiredMissing,
    Transition,
    TransitionRefused,
    UnknownTransition,
    choices,
    fire,
    path,
)

LONGEST_WAIT_FOR_ANSWER: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a transition, the fields it requires, and how."""

    transition: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    comment: str | None = None
    through: bool = False


@dataclass(slots=True)
class Mover:
    """One order being carried out; what it names, and who has the actions, is looked up once for all of them."""

    session: Session
    caller: Caller
    order: Order
    now: datetime
    works: Sequence[Work]
    known: dict[str, Any] = field(default_factory=dict)

    def check(self, work: Work) -> None:
        """Refuse words that the action's workflow does not know; before anything else is judged."""
        definition = definition_of(self.session, work.action.workflow_id)
        name = self.order.transition
        if name not in definition.transitions:
            raise Invalid({"transition": [f"must be one of {', '.join(definition.transitions)}"]})
        self._check_fields(definition.transitions[name])

    def walk(self, work: Work, relations: frozenset[str]) -> None:
        """Fire the transition, and with `through` the missing ones before it. A refusal leaves `work` to be dropped."""
        definition = definition_of(self.session, work.action.workflow_id)
        name = self.order.transition
        steps = [name]
        if self.order.through:
            steps = path(definition, work.action, name, by=self.caller.id, relations=relations, now=self.now) or steps
        # One alone is dropped with its transaction; of many, what is refused must be as it was for what follows.
        before = (replace(work.action), replace(work.names)) if len(self.works) > 1 else None
        try:
            for step in steps:
                relations = self._step(definition, work, step, relations, last=step is steps[-1])
        except CfmError:
            if before is not None:
                work.action, work.names = before
                work.facts.clear()
            raise

    def _check_fields(self, transition: Transition) -> None:
        known = {"until", "until_answer"} if "until" in transition.fields else set()
        unknown = sorted(set(self.order.fields) - set(transition.fields) - known)
        if unknown:
            raise Invalid({name: [f"is not a field of {transition.name}"] for name in unknown})

    def _step(
        self, definition: Definition, work: Work, name: str, relations: frozenset[str], *, last: bool
    ) -> frozenset[str]:
        fields = self.order.fields if last else {}
        transition = definition.transitions[name]
        given = [field_name for field_name, value in fields.items() if value not in (None, False)]
        since = work.action.state_since
        try:
            fired = fire(
                definition,
                work.action,
                name,
                by=self.caller.id,
                relations=relations,
                given=given,
                now=self.now,
            )
        except TransitionRefused as refused:
            raise self._explained(definition, work, relations, refused) from None
        about = self._apply(definition, work, transition, fired, fields, relations)
        about |= self._go_on(definition, work, fired, since)
        self._judge(definition, work, fired, since, by_undo=transition.to == BEFORE)
        work.happened(
            transition.event,
            self.caller,
            self.now,
            {
                "from": fired.from_state,
                "to": fired.to_state,
                "transition": name,
                "comment": self._comment(last),
                **about,
            },
        )
        lapse(work, now=self.now)
        return relations | {"assignee"} if work.action.assignee_id == self.caller.id else relations - {"assignee"}

    def _go_on(self, definition: Definition, work: Work, fired: Fired, since: datetime) -> dict[str, Any]:
        """Move the due date of what has waited since then and goes on now; what changed, for the event."""
        left, entered = definition.states[fired.from_state], definition.states[fired.to_state]
        if left.category is not Category.WAITING or entered.category is Category.WAITING or entered.finished:
            return {}
        targets.after_waiting(self.session, work, since, now=self.now)
        new = dates.after_waiting(self.session, work.action, since, now=self.now)
        asked = dates.asked_after_waiting(self.session, work.action, since, now=self.now)
        if asked != work.action.extension_request:
            work.action.extension_request = asked
        if new is None:
            return {}
        return {"changes": set_dates(work, new)}

    def _judge(self, definition: Definition, work: Work, fired: Fired, since: datetime, *, by_undo: bool) -> None:
        left, entered = definition.states[fired.from_state], definition.states[fired.to_state]
        back = left.finished and not entered.finished
        if back and by_undo:
            work.ended_at = since
            if entered.category is Category.WAITING:
                self._wait_on(work.action)
        elif back and (span := targets.finish_target(self.session, work.action)) is not None:
            when = dates.reckon(self.session, span, work.action.calendar_id, since=self.now, field="transition")
            set_dates(work, {"due_at": when.at, "first_due_at": when.at, "due_rule": when.rule})
        step = targets.Step(left.category, entered.category, left_the_end=back, is_undo=by_undo)
        targets.judge(self.session, work, step, now=self.now)

    def _wait_on(self, action: Held) -> None:
        """It has waited since it began to, whatever was done and undone meanwhile."""
        for pause in due_query.pauses_of(self.session, [action.id]).get(action.id, ())[-1:]:
            action.state_since = pause.start

    def _comment(self, last: bool) -> str | None:
        return self.order.comment if last else None

    def _apply(
        self,
        definition: Definition,
        work: Work,
        transition: Transition,
        fired: Fired,
        fields: Mapping[str, Any],
        relations: frozenset[str],
    ) -> dict[str, Any]:
        """What a transition means beside the state: who has it, how it ended, until when it waits."""
        action = work.action
        about: dict[str, Any] = {"reason": fields.get("reason")}
        left = definition.states[fired.from_state]
        entered = definition.states[fired.to_state]
        if fired.claims:
            rename_assignee(work, self.caller)
        if left.finished and not entered.finished:
            self._forget_the_end(definition, work, fired, by_undo=transition.to == BEFORE)
        if "assignee" in transition.fields:
            about["former_assignee"] = _person(work)
            self._give(work, transition, fields.get("assignee"), relations, reopened=left.finished)
            about |= work.in_whose_place()
        elif transition.effect is not None and action.pool:
            about["former_assignee"] = _person(work)
            rename_assignee(work, None)
        if "outcome" in fields:
            self._end(work, fields)
        if entered.category is Category.WAITING and transition.to != BEFORE:
            self._wait(action, fields)
        elif not entered.finished and entered.category is not Category.WAITING:
            action.waiting_until, action.waiting_for_answer = None, False
        return about

    def _forget_the_end(self, definition: Definition, work: Work, fired: Fired, *, by_undo: bool) -> None:
        if not by_undo:
            work.action.reopened_count += 1
        elif not _named_outcome(definition, fired):
            return  # it had been named earlier, with the work that was handed in, and still stands
        work.action.outcome_id = work.action.root_cause = work.action.resolution = None
        work.names.outcome_key = None

    def _give(
        self, work: Work, transition: Transition, named: Any, relations: frozenset[str], *, reopened: bool
    ) -> None:
        if named is not None:
            person = self._look_up("assignee", named, lambda: named_user(self.session, named, field="assignee"))
            self._check_same_team(transition, person, relations)
            self._hand_to(work, person)
        elif reopened:
            self._replace_who_is_gone(work)
            self._replace_who_is_away(work)

    def _hand_to(self, work: Work, person: NamedUser) -> None:
        """Give it to somebody, or to who stands in while they are away."""
        places = {(person.id, each.action.team_id) for each in self.works}
        found = self._look_up("stand-ins", person.id, lambda: stand_ins(self.session, places, now=self.now))
        hand_over(work, person, found.get((person.id, work.action.team_id)))

    def _check_same_team(self, transition: Transition, person: Any, relations: frozenset[str]) -> None:
        if transition.limit_for(relations) is not Limit.SAME_TEAM:
            return
        if not relations_query.shared_teams(self.session, [person.id], self.caller.member_of):
            raise Invalid({"assignee": ["must be a member of one of your own teams"]})

    def _replace_who_is_gone(self, work: Work) -> None:
        action = work.action
        if action.assignee_id is None or action.assignee_id not in self._look_up("gone", "", self._switched_off):
            return
        lead = self._look_up("lead", action.team_id, lambda: self._lead(action.team_id))
        if lead is None:
            raise Invalid({"assignee": ["must be named: whoever had it is gone, and there is no lead to take it"]})
        rename_assignee(work, lead)

    def _replace_who_is_away(self, work: Work) -> None:
        """Reopened work is for whoever had it; what they did in somebody's place, for that one while they are away."""
        action, names = work.action, work.names
        found = self._look_up("stand-ins", "", self._stand_ins)
        owner, holder = (action.on_behalf_of_id, action.team_id), (action.assignee_id, action.team_id)
        if owner in found:
            absent = Shown(action.on_behalf_of_id, names.on_behalf_of_name, names.on_behalf_of_email)
            hand_over(work, absent, found[owner])
        elif action.assignee_id is not None:
            has_it = Shown(action.assignee_id, names.assignee_name, names.assignee_email)
            hand_over(work, has_it, found.get(holder))

    def _stand_ins(self) -> Mapping[Any, NamedUser | None]:
        """For whoever has one of the actions, or is away from it."""
        actions = [work.action for work in self.works]
        places = {(who, each.team_id) for each in actions for who in (each.assignee_id, each.on_behalf_of_id) if who}
        return stand_ins(self.session, places, now=self.now)

    def _switched_off(self) -> frozenset[int]:
        having = {work.action.assignee_id for work in self.works}
        gone = select(Account.id).where(Account.id.in_(having), ~Account.active)
        return frozenset(self.session.scalars(gone))

    def _lead(self, team_id: int | None) -> Account | None:
        lead = select(Account).join(Team, Team.lead_id == Account.id).where(Team.id == team_id, Account.active)
        return self.session.scalars(lead).one_or_none()

    def _end(self, work: Work, fields: Mapping[str, Any]) -> None:
        outcome = self._look_up("outcome", fields["outcome"], lambda: _active_outcome(self.session, fields["outcome"]))
        if outcome.requires_reason and not fields.get("reason"):
            raise Invalid({"reason": [f"is required for the outcome {outcome.key}"]})
        work.action.outcome_id, work.names.outcome_key = outcome.id, outcome.key
        if (cause := fields.get("root_cause")) is not None:
            self._look_up("root_cause", cause, lambda: require_known(self.session, cause))
        work.action.root_cause = cause
        work.action.resolution = fields.get("resolution")

    def _wait(self, action: Held, fields: Mapping[str, Any]) -> None:
        until = fields.get("until")
        if until is not None and until <= self.now:
            raise Invalid({"until": ["must be in the future"]})
        action.waiting_for_answer = bool(fields.get("until_answer"))
        action.waiting_until = until or self.now + LONGEST_WAIT_FOR_ANSWER

    def _look_up(self, name: str, asked: Any, find: Callable[[], Any]) -> Any:
        key = f"{name}={asked}"
        if key not in self.known:
            self.known[key] = find()
        return self.known[key]

    def _explained(
        self, definition: Definition, work: Work, relations: frozenset[str], refused: TransitionRefused
    ) -> CfmError:
        """The refusal with what is possible instead, and why the rest is not."""
        if isinstance(refused, UnknownTransition):
            return Invalid({"transition": [f"must be one of {', '.join(definition.transitions)}"]})
        return explain(definition, work.action, work.names.assignee_name, self.caller, relations, refused, now=self.now)


def explain(
    definition: Definition,
    action: Held,
    has_it: str | None,
    caller: Caller,
    relations: frozenset[str],
    refused: TransitionRefused,
    *,
    now: datetime,
) -> RefusedTransition:
    """A refusal as everybody hears of it: who has the action, what is allowed now, why the others are not."""
    allowed, blocked = choices(definition, action, by=caller.id, relations=relations, now=now)
    refusal = refused.refusal
    kind: type[RefusedTransition] = WrongStateTransition
    detail = refusal.reason
    if isinstance(refused, NotPermitted):
        kind = NotPermittedTransition
    elif isinstance(refused, RequiredMissing):
        kind = IncompleteTransition
    elif has_it is not None and (action.pool or refusal.code is Code.TAKEN):
        detail = f"{detail} {has_it} has it."
    return kind(
        detail,
        current_state=action.state,
        allowed=allowed,
        blocked={name: {"code": why.code.value, "reason": why.reason} for name, why in blocked.items()},
        missing=refusal.missing,
    )


def set_dates(work: Work, new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give an action new dates; what of them is shown, as old and new."""
    shown = {name: {"from": getattr(work.action, name), "to": new[name]} for name in new if name != "due_rule"}
    for name, value in new.items():
        setattr(work.action, name, value)
    return shown


def _named_outcome(definition: Definition, undone: Fired) -> bool:
    """Whether the step that is taken back was the one that had to name the outcome."""
    return any(
        "outcome" in step.requires and undone.from_state == step.to and undone.to_state in step.from_states
        for step in definition.transitions.values()
    )


def _person(work: Work) -> dict[str, Any] | None:
    if work.action.assignee_id is None:
        return None
    return {"id": work.action.assignee_id, "name": work.names.assignee_name}


def _active_outcome(session: Session, key: str) -> Outcome:
    outcome = session.scalars(select(Outcome).where(Outcome.key == key)).one_or_none()
    if outcome is None or not outcome.active:
        active = sorted(session.scalars(select(Outcome.key).where(Outcome.active)))
        raise Invalid({"outcome": [f"must be one of {', '.join(active)}"]})
    return outcome
