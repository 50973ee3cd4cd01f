"""Give work on a feedback item to people and teams: one request, one group, up to a thousand actions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.errors import Invalid
from cfm_workflow.ledger import HEAD
from cfm_workflow.models import Account, Action, ActionFeedback, ActionGroup, Feedback, Team
from cfm_workflow.models.actions import PRIORITIES
from cfm_workflow.operations import definitions
from cfm_workflow.operations.actions import dates, roll_up, targets
from cfm_workflow.operations.actions.dates import Due
from cfm_workflow.operations.actions.held import STORED, Held, Names, Work
from cfm_workflow.operations.ids import take_ids
from cfm_workflow.operations.people import named_teams, named_users
from cfm_workflow.operations.stand_ins import away, let_watch, stand_ins
from cfm_workflow.policy.groups import Progress
from cfm_workflow.policy.ladders import Target
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import policies as policies_query
from cfm_workflow.queries.policies import Chosen
from cfm_workflow.workflow import Definition, begin, fire, why_not

_LOCK_ITEM: Final = (
    select(*(c for c in Feedback.__table__.c if c.name != "search_text"))
    .where(Feedback.id == bindparam("id"))
    .with_for_update(key_share=True)
)
_LOCK_ITEM_WITH_HEAD: Final = _LOCK_ITEM.add_columns(*HEAD)
_INSERT_GROUP: Final = insert(ActionGroup.__table__)  # type: ignore[arg-type]
_INSERT_ACTIONS: Final = insert(Action.__table__)  # type: ignore[arg-type]
_INSERT_LINKS: Final = insert(ActionFeedback.__table__)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Share:
    """One action to be: for a person, or for a whole team (`person` None: a pool); in the place of who is away."""

    person: Any
    team: Team | None
    absent: Any = None


def fan_out(
    session: Session, caller: Caller, feedback_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Make one action per person or team named in `fields["assignees"]` and return the group and its actions.

    `fields` is what the form loads: title, description, kind, priority, goal, benefit, external_ref, attributes,
    workflow, completion, at_least, and one of due_at, due_in, due_on.

    Raises:
        NotFound, Forbidden.
        Invalid: a person or team is unknown, switched off or empty, or there would be more than limits.FAN_OUT actions.
    """
    item = feedback_query.find(session, caller, feedback_id)
    access.require(caller, "action.create")
    shares, calendar_id = _shares(session, fields["assignees"], now)
    _check_size(fields, shares)
    policy = _policy(session, fields, {share.team.id for share in shares if share.team is not None})
    when = _due(session, fields, policy, calendar_id, now)
    workflow_id = definitions.chosen(session, fields["workflow"])
    definition = definitions.definition_of(session, workflow_id)
    locked = _lock_item(session, feedback_id)
    if locked[0].version != item.version:  # changed, perhaps erased, before we had the lock
        item = feedback_query.find(session, caller, feedback_id)
    group_id = take_ids(session, ActionGroup, 1)[0]
    brief = feedback_query.brief(item)
    works = [
        _begin(
            session, caller, share, ident, group_id, item.id, workflow_id, definition, fields, when, policy, brief, now
        )
        for ident, share in zip(take_ids(session, Action, len(shares)), shares, strict=True)
    ]
    for work in works:
        targets.move(work, *Target)
    reminders = targets.first(session, works, now=now)
    group = _insert(session, caller, group_id, item.id, fields, works, now)
    targets.store(session, reminders)
    let_watch(session, [(work.action.id, work.stood_in_for) for work in works if work.stood_in_for], now=now)
    facts = [fact for work in works for fact in work.facts]
    facts += roll_up.settle(session, locked, caller, now=now, has_unfinished=True)
    ledger.record(session, facts, now=now)
    progress = Progress(total=len(works), done=0, unfinished=len(works))
    return {"group": groups_query.view(group, progress), "actions": [work.shown for work in works]}


def foreseen(session: Session, fields: Mapping[str, Any], *, now: datetime) -> Due:
    """When work would be due that is given by this form now; nothing is changed.

    Raises:
        Invalid: a team, policy or calendar is unknown, or no date follows from them.
    """
    places = {_place(n, entry): entry["team"] for n, entry in enumerate(fields["assignees"]) if "team" in entry}
    teams = list(named_teams(session, places).values())
    calendar_id = next((team.calendar_id for team in teams), None)
    return _due(session, fields, _policy(session, fields, {team.id for team in teams}), calendar_id, now)


def _policy(session: Session, fields: Mapping[str, Any], teams: Collection[int]) -> Chosen:
    if (ref := fields.get("policy")) is not None:
        named = policies_query.named(session, ref)
        if named is None:
            raise Invalid({"policy": ["must be the id or key of an active policy"]})
        return named
    return policies_query.suiting(session, kind=fields["kind"], priority=fields["priority"], teams=teams)


def _due(
    session: Session, fields: Mapping[str, Any], policy: Chosen, team_calendar_id: int | None, now: datetime
) -> Due:
    """When it is due: as people say, else as the policy does."""
    calendar_id = team_calendar_id if policy.calendar_id is None else policy.calendar_id
    when = dates.due(session, fields, calendar_id, now=now)
    span = policy.level.targets[Target.FINISH]
    if when.at is not None or span is None:
        return when
    return dates.reckon(session, span, calendar_id, since=now, field="policy")


def _lock_item(session: Session, feedback_id: int) -> Sequence[Any]:
    if is_sqlite(session):
        return plain(session, _LOCK_ITEM, {"id": feedback_id}).all()
    locked = plain(session, _LOCK_ITEM_WITH_HEAD, {"id": feedback_id}).all()
    ledger.know_head(session, locked[0])
    return locked


def _shares(session: Session, assignees: Sequence[Mapping[str, Any]], now: datetime) -> tuple[list[_Share], int | None]:
    """Who gets an action, each person once; those named directly before those who are in a team. And the calendar that
    the work goes by: that of the first team, if it has one."""
    places = {_place(n, entry): entry for n, entry in enumerate(assignees)}
    users = named_users(session, {place: entry["user"] for place, entry in places.items() if "user" in entry})
    teams = named_teams(session, {place: entry["team"] for place, entry in places.items() if "team" in entry})
    _lock_teams(session, teams.values())
    members_of = people_query.active_members(session, {team.id for team in teams.values()}) if teams else {}
    everybody = {person.id for person in users.values()}
    everybody |= {member.id for members in members_of.values() for member in members}
    absent = away(session, everybody, now=now)
    people = {person.id: _Share(person, None) for person in users.values()}
    pools: dict[int, _Share] = {}
    for place, team in teams.items():
        members = members_of.get(team.id)
        if not members:
            raise Invalid({place: [f"{team.name} has nobody who could take it"]})
        mode = places[place].get("mode") or team.mode
        if mode == "pool":
            pools[team.id] = _Share(None, team)
            continue
        for member in _CHOOSERS[mode](session, team, members, absent):
            people.setdefault(member.id, _Share(member, team))
    if absent:
        people = _stood_in_for(session, people, absent, now)
    calendar_id = next((team.calendar_id for team in teams.values()), None)
    return [*people.values(), *pools.values()], calendar_id


def _place(n: int, entry: Mapping[str, Any]) -> str:
    return f"assignees.{n}.{'user' if 'user' in entry else 'team'}"


def _lock_teams(session: Session, teams: Iterable[Team]) -> None:
    ids = sorted({team.id for team in teams})
    if ids:
        query = select(Team).where(Team.id.in_(ids)).order_by(Team.id)
        session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def _stood_in_for(
    session: Session, people: Mapping[int, _Share], absent: Collection[int], now: datetime
) -> dict[int, _Share]:
    """The same with a stand-in for everybody who is away; who has a share of their own gets no second one."""
    places = {
        ident: (ident, None if share.team is None else share.team.id)
        for ident, share in people.items()
        if ident in absent
    }
    found = stand_ins(session, set(places.values()), now=now)
    given = {ident: share for ident, share in people.items() if ident not in absent}
    for ident, place in places.items():
        share, stand_in = people[ident], found.get(place)
        if stand_in is None:
            given[ident] = share
        else:
            given.setdefault(stand_in.id, _Share(stand_in, share.team, share.person))
    return given


def _everyone(session: Session, team: Team, members: list[Account], absent: Collection[int]) -> list[Account]:
    return members


def _there(members: list[Account], absent: Collection[int]) -> list[Account]:
    """Those who are not away; everybody when all are."""
    return [member for member in members if member.id not in absent] or members


def _round_robin(session: Session, team: Team, members: list[Account], absent: Collection[int]) -> list[Account]:
    """The one after whoever had the last turn; people who are away are passed over."""
    members = _there(members, absent)
    last = team.last_given_to or 0
    chosen = next((member for member in members if member.id > last), members[0])
    session.execute(update(Team).where(Team.id == team.id).values(last_given_to=chosen.id))
    return [chosen]


def _least_busy(session: Session, team: Team, members: list[Account], absent: Collection[int]) -> list[Account]:
    """Whoever is there and has the fewest unfinished actions; of those who has been without a new one the longest."""
    members = _there(members, absent)
    ids = [member.id for member in members]
    unfinished = select(Action.assignee_id, func.count()).where(
        Action.assignee_id.in_(ids), Action.finished_at.is_(None)
    )
    busy: dict[int | None, int] = {row[0]: row[1] for row in session.execute(unfinished.group_by(Action.assignee_id))}
    latest_of = select(func.max(Action.id)).where(Action.assignee_id == Account.id).scalar_subquery()
    latest: dict[int, int | None] = {
        row[0]: row[1] for row in session.execute(select(Account.id, latest_of).where(Account.id.in_(ids)))
    }
    return [min(members, key=lambda member: (busy.get(member.id, 0), latest[member.id] or 0, member.id))]


_CHOOSERS = {"everyone": _everyone, "round_robin": _round_robin, "least_busy": _least_busy}


def _check_size(fields: Mapping[str, Any], shares: Sequence[_Share]) -> None:
    if len(shares) > limits.FAN_OUT:
        raise Invalid({"assignees": [f"would make {len(shares)} actions; at most {limits.FAN_OUT} at once"]})
    if (at_least := fields.get("at_least")) is not None and at_least > len(shares):
        raise Invalid({"completion": [f"asks for {at_least} done, but there are only {len(shares)} actions"]})


def _begin(
    session: Session,
    caller: Caller,
    share: _Share,
    ident: int,
    group_id: int,
    feedback_id: int,
    workflow_id: int,
    definition: Definition,
    fields: Mapping[str, Any],
    when: Due,
    policy: Chosen,
    brief: dict[str, Any],
    now: datetime,
) -> Work:
    """A new action in its initial state; what people give themselves they have accepted."""
    assert caller.id is not None
    person, team = share.person, share.team
    action = Held(
        id=ident,
        feedback_id=feedback_id,
        group_id=group_id,
        workflow_id=workflow_id,
        state="",
        category="",
        title=fields["title"],
        description=fields.get("description"),
        kind=fields["kind"],
        priority=PRIORITIES[fields["priority"]],
        goal=fields.get("goal"),
        benefit=fields.get("benefit"),
        assignee_id=None if person is None else person.id,
        on_behalf_of_id=None if share.absent is None else share.absent.id,
        assigner_id=caller.id,
        team_id=None if team is None else team.id,
        pool=person is None,
        due_at=when.at,
        first_due_at=when.at,
        due_rule=when.rule,
        calendar_id=when.calendar_id,
        policy_version_id=policy.version_id,
        promised_at=None,
        accept_by=None,
        start_by=None,
        accept_met=None,
        start_met=None,
        finish_met=None,
        occurrence=0,
        planned=0,
        quiet_until=None,
        extension_request=None,
        waiting_until=None,
        waiting_for_answer=False,
        came_from=None,
        outcome_id=None,
        root_cause=None,
        resolution=None,
        external_ref=fields.get("external_ref"),
        attributes=fields.get("attributes") or {},
        reopened_count=0,
        undo_to=None,
        undo_by=None,
        undo_until=None,
        sequence=0,
        version=0,
        created_at=now,
        state_since=now,
        accepted_at=None,
        started_at=None,
        finished_at=None,
    )
    names = Names(
        assignee_name=None if person is None else person.name,
        assignee_email=None if person is None else person.email,
        on_behalf_of_name=None if share.absent is None else share.absent.name,
        on_behalf_of_email=None if share.absent is None else share.absent.email,
        assigner_name=caller.name,
        assigner_email=caller.email,
        team_key=None if team is None else team.key,
        team_name=None if team is None else team.name,
        outcome_key=None,
        workflow_key=definition.key,
        feedback_ids=str(feedback_id),
    )
    work = Work(action, names, brief, stood_in_for=action.on_behalf_of_id)
    begin(definition, action, now=now)
    targets.promise(session, action, now=now)
    about = {"from": None, "to": action.state, "transition": None, "comment": None}
    work.happened("action.assigned", caller, now, about | work.in_whose_place())
    _accept_own(definition, work, caller, now)
    return work


def _accept_own(definition: Definition, work: Work, caller: Caller, now: datetime) -> None:
    name = definition.self_assigned
    if name is None or work.action.assignee_id != caller.id:
        return
    relations = frozenset({"assignee", "assigner"})
    if why_not(definition, work.action, name, by=caller.id, relations=relations, given=(), now=now) is not None:
        return
    fired = fire(definition, work.action, name, by=caller.id, relations=relations, given=(), now=now)
    about = {"from": fired.from_state, "to": fired.to_state, "transition": name, "comment": None}
    work.happened(fired.transition.event, caller, now, about)


def _insert(
    session: Session,
    caller: Caller,
    group_id: int,
    feedback_id: int,
    fields: Mapping[str, Any],
    works: Sequence[Work],
    now: datetime,
) -> ActionGroup:
    group = {
        "id": group_id,
        "feedback_id": feedback_id,
        "completion": fields["completion"],
        "at_least": fields.get("at_least"),
        "state": "open",
        "state_since": now,
        "created_by": caller.id,
        "created_at": now,
    }
    plain(session, _INSERT_GROUP, group)
    plain(session, _INSERT_ACTIONS, [{name: getattr(work.action, name) for name in STORED} for work in works])
    plain(session, _INSERT_LINKS, [{"action_id": work.action.id, "feedback_id": feedback_id} for work in works])
    return ActionGroup(**group)
