"""Absences: planned, changed, begun and ended; and with that the work goes to who stands in, and comes back.

An absence begins and ends once, in a transaction that holds its row. The work follows in the same one, and where there
is much of it in further ones: `moves_after` says behind which action there is still something to be moved.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select, text
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Absence, Account, Action
from cfm_workflow.operations.actions.move import move_many
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.people import Ref, named_user
from cfm_workflow.operations.stand_ins import Place, stand_ins
from cfm_workflow.queries import absences as absences_query
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.workflow import Category, giving_on

BATCH: Final = 200
LONGEST: Final = timedelta(days=366)
ABSENCE: Final = system("absence")
AWAY: Final = "Whoever it was given to is away."
BACK: Final = "Whoever it was given to is back."


def create(
    session: Session, caller: Caller, user_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """A new absence of a person; `fields`: starts_at, ends_at, deputy, note. One that has begun already begins at once.

    Raises:
        NotFound, Forbidden.
        Invalid: the period or the deputy makes no sense; names the field.
        Conflict: the person is away then anyway, is switched off, or has limits.ABSENCES to come.
    """
    person = people_query.find_user(session, user_id)
    _check_right(session, caller, user_id)
    if not person.active:
        raise Conflict(f"{person.name} has been switched off.")
    absence = Absence(
        account_id=user_id,
        deputy_id=_deputy(session, user_id, fields.get("deputy")),
        starts_at=fields["starts_at"],
        ends_at=fields["ends_at"],
        note=fields.get("note"),
        state="planned",
        moves_after=None,
        version=1,
        created_at=now,
    )
    _check(session, absence, now)
    if absence.ends_at <= now:
        raise Invalid({"to": ["must be in the future"]})
    to_come = select(func.count()).where(Absence.account_id == user_id, Absence.state == "planned")
    if session.scalars(to_come).one() >= limits.ABSENCES:
        raise Conflict(f"One person can have at most {limits.ABSENCES} absences to come.")
    session.add(absence)
    session.flush()
    _turn(session, absence, now)
    return absences_query.view(session, absence)


def change(
    session: Session, caller: Caller, user_id: int, absence_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change an absence. `ends_at` that has passed ends it; a new deputy takes over from the old one.

    Raises:
        NotFound, Forbidden, Invalid: as `create`.
        Conflict: it has ended, or begun and would begin at another time; or the person is away then anyway.
    """
    absence = _locked(session, caller, user_id, absence_id)
    new = dict(fields)
    if "deputy" in new:
        new["deputy_id"] = _deputy(session, user_id, new.pop("deputy"))
    changed = ledger.changes(absence, new)
    if not changed:
        return absences_query.view(session, absence)
    if absence.state != "planned" and "starts_at" in changed:
        raise Conflict("It has begun: when it began stays as it is.")
    for name in changed:
        setattr(absence, name, new[name])
    _check(session, absence, now)
    if absence.state == "planned" and absence.ends_at <= now:
        raise Invalid({"to": ["must be in the future"]})
    absence.version += 1
    if absence.state == "begun" and not changed.keys().isdisjoint(("deputy_id", "ends_at")):
        absence.moves_after = 0
    session.flush()
    _turn(session, absence, now)
    return absences_query.view(session, absence)


def remove(session: Session, caller: Caller, user_id: int, absence_id: int, *, now: datetime) -> None:
    """Forget an absence that is to come; end one that has begun, and its work comes back.

    Raises:
        NotFound, Forbidden, Conflict: it has ended.
    """
    absence = _locked(session, caller, user_id, absence_id)
    if absence.state == "planned" and absence.starts_at > now:
        session.delete(absence)
        session.flush()
        return
    absence.ends_at = max(absence.starts_at, min(absence.ends_at, now))
    absence.version += 1
    session.flush()
    _turn(session, absence, now)


def _locked(session: Session, caller: Caller, user_id: int, absence_id: int) -> Absence:
    absences_query.find_of(session, user_id, absence_id)
    _check_right(session, caller, user_id)
    absence = session.get(Absence, absence_id, with_for_update={"key_share": True}, populate_existing=True)
    if absence is None:
        raise NotFound("absence", absence_id)
    if absence.state == "ended":
        raise Conflict("It has ended.")
    return absence


def _check_right(session: Session, caller: Caller, user_id: int) -> None:
    """One's own; of others the supervisors of all teams and those of one of the person's."""
    relations = {"oneself"} if caller.id == user_id else set()
    if caller.is_supervisor and (
        caller.supervises is None or relations_query.shared_teams(session, [user_id], caller.supervises)
    ):
        relations.add("supervisor")
    access.require(caller, "absences.manage", relations)


def _deputy(session: Session, user_id: int, ref: Ref | None) -> int | None:
    if ref is None:
        return None
    deputy = named_user(session, ref, field="deputy")
    if deputy.id == user_id:
        raise Invalid({"deputy": ["must be somebody else"]})
    return deputy.id


def _check(session: Session, absence: Absence, now: datetime) -> None:
    """A deputy must be there all the time. So deputies never stand in a circle either: all of them would be away."""
    if absence.ends_at <= absence.starts_at:
        raise Invalid({"to": ["must be after from"]})
    if absence.ends_at - absence.starts_at > LONGEST:
        raise Invalid({"to": [f"must be within {LONGEST.days} days after from"]})
    concerned = {ident for ident in (absence.account_id, absence.deputy_id) if ident is not None}
    locked = select(Account.id).where(Account.id.in_(concerned)).order_by(Account.id)
    session.execute(locked.with_for_update(key_share=True))
    if _is_away_in(session, absence.account_id, absence):
        raise Conflict("There is an absence of the same person in this period already.")
    if absence.deputy_id is not None and _is_away_in(session, absence.deputy_id, absence):
        raise Invalid({"deputy": ["must be there in this period, and is away for some of it"]})


def _is_away_in(session: Session, account_id: int, absence: Absence) -> bool:
    overlapping = select(Absence.id).where(
        Absence.account_id == account_id,
        Absence.state.in_(["planned", "begun"]),
        Absence.starts_at < absence.ends_at,
        Absence.ends_at > absence.starts_at,
    )
    if absence.id is not None:
        overlapping = overlapping.where(Absence.id != absence.id)
    return session.scalars(overlapping.limit(1)).first() is not None


# -- the clock -------------------------------------------------------------------------------------------------------


def turn_next(session: Session, *, now: datetime) -> bool:
    """Begin or end one absence whose time has come, or go on moving its work; False when there is none.

    One that somebody else is at is left to them.
    """
    absence = _next(session, now)
    if absence is None:
        return False
    _turn(session, absence, now)
    return True


def _next(session: Session, now: datetime) -> Absence | None:
    for condition, order in _due(now):
        found = select(Absence).where(condition).order_by(*order, Absence.id).limit(1)
        absence = session.scalars(found.with_for_update(key_share=True, skip_locked=True)).first()
        if absence is not None:
            return absence
    return None


def _due(now: datetime) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Each in the words of its index."""
    yield and_(text("absences.state = 'begun'"), Absence.ends_at <= now), (Absence.ends_at,)
    yield and_(text("absences.state = 'planned'"), Absence.starts_at <= now), (Absence.starts_at,)
    yield text("absences.moves_after IS NOT NULL"), ()


def _turn(session: Session, absence: Absence, now: datetime) -> None:
    """Bring an absence into the state that the time says, and move a batch of its work."""
    if absence.state == "planned" and absence.starts_at <= now < absence.ends_at:
        _enter(session, absence, "begun", "user.away", now)
    elif absence.state == "begun" and absence.ends_at <= now:
        _enter(session, absence, "ended", "user.back", now)
    elif absence.state == "planned" and absence.ends_at <= now:  # all of it passed unseen
        absence.state, absence.moves_after = "ended", 0
        session.flush()
    if absence.moves_after is not None:
        _move(session, absence, now)


def _enter(session: Session, absence: Absence, state: str, event_type: str, now: datetime) -> None:
    absence.state, absence.moves_after = state, 0
    absence.version += 1
    session.flush()
    person = people_query.find_user(session, absence.account_id)
    about = {"user": people_query.user_view(session, person), "absence": absences_query.view(session, absence)}
    ledger.record(session, [Fact(event_type, absence.account_id, about, ABSENCE)], now=now)


# -- work ------------------------------------------------------------------------------------------------------------

_COLUMNS: Final = (
    *actions_query.JUDGED,
    Action.on_behalf_of_id,
    Action.team_id,
)


def _move(session: Session, absence: Absence, now: datetime) -> None:
    """Move the next BATCH of the work that an absence concerns to where it belongs now."""
    found = [row for statement in concerned(absence) for row in session.execute(statement)]
    rows = sorted(found, key=lambda row: int(row.id))[:BATCH]
    absence.moves_after = rows[-1].id if len(rows) == BATCH else None
    session.flush()
    person = people_query.find_user(session, absence.account_id)
    if not person.active:
        return
    reason = BACK if absence.state == "ended" else AWAY
    for (owner, transition, with_reason), ids in _ways(session, absence, rows, now).items():
        fields = {"assignee": owner} | ({"reason": reason} if with_reason else {})
        move_many(session, ABSENCE, ids, Order(transition, fields), now=now)


def concerned(absence: Absence) -> list[Select[Any]]:
    """What somebody has in the person's place; and while they are away what is theirs and not accepted yet, or due
    before they are back. Two statements, for each has an index of its own; both lock what they find."""
    found = [_work(absence, Action.on_behalf_of_id == absence.account_id)]
    if absence.state != "ended":
        pressing = or_(Action.category == Category.OPEN.value, Action.due_at < absence.ends_at)
        found.append(_work(absence, and_(Action.assignee_id == absence.account_id, pressing)))
    return found


def _work(absence: Absence, condition: Any) -> Any:
    unfinished = and_(condition, Action.finished_at.is_(None), Action.id > absence.moves_after)
    work = select(*_COLUMNS).where(unfinished).order_by(Action.id).limit(BATCH)
    return work.with_for_update(of=Action, key_share=True)


def _ways(
    session: Session, absence: Absence, rows: Sequence[Any], now: datetime
) -> dict[tuple[int, str, bool], list[int]]:
    """Per person to whom work is given, transition, and whether it takes a reason: the actions.

    What is where it belongs already is left out. All is given to whom it is meant for: who is away gets a stand-in by
    that (`Mover`), so going away and coming back are the same.
    """
    places: set[Place] = {(who, row.team_id) for row in rows for who in (row.assignee_id, row.on_behalf_of_id) if who}
    found = stand_ins(session, places, now=now)
    ways: dict[tuple[int, str, bool], list[int]] = defaultdict(list)
    for row in rows:
        owner = _owner(absence, row, found)
        stand_in = found.get((owner, row.team_id))
        belongs_to = owner if stand_in is None else stand_in.id
        if belongs_to == row.assignee_id:
            continue
        definition = definition_of(session, row.workflow_id)
        way = giving_on(definition, row, by=None, relations=frozenset({"system"}), now=now)
        if way is not None:
            ways[owner, way.name, "reason" in way.fields].append(row.id)
    return ways


def _owner(absence: Absence, row: Any, found: Mapping[Place, Any]) -> int:
    """For whom it is meant: whoever is away from it; a stand-in who goes away leaves it theirs."""
    if row.on_behalf_of_id == absence.account_id or (row.on_behalf_of_id, row.team_id) in found:
        return int(row.on_behalf_of_id)
    return int(row.assignee_id)
