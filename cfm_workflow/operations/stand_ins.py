"""Who gets what is given to people who are away: the deputy, else a lead. And what becomes of it when a deputy goes.

Absences are read under a lock that their beginning and end wait for: work is never given by one of them while the other
looks past it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, or_, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Absence, Account, ActionWatcher, Team, TeamMember
from cfm_workflow.queries.people import NamedUser

SOON: Final = timedelta(minutes=1)
"""Longer than a transaction takes: what begins later cannot begin before it is over."""

_NEAR: Final = (
    select(Absence.account_id, Absence.deputy_id, Absence.state, Absence.starts_at, Absence.ends_at)
    .where(
        Absence.state.in_(["planned", "begun"]),
        Absence.account_id.in_(bindparam("people", expanding=True)),
        Absence.starts_at <= bindparam("soon", type_=Absence.__table__.c.starts_at.type),
    )
    .order_by(Absence.id)
    .with_for_update(read=True)
)

Place = tuple[int, int | None]
"""A person, and the team to which the work belongs that is given to them."""


def away(session: Session, people: Iterable[int], *, now: datetime) -> dict[int, int | None]:
    """Those of `people` who are away, each with their deputy, if they have one."""
    wanted = sorted(set(people))
    if not wanted:
        return {}
    rows = plain(session, _NEAR, {"people": wanted, "soon": now + SOON})
    return {row.account_id: row.deputy_id for row in rows if _is_on(row, now)}


def _is_on(row: Any, now: datetime) -> bool:
    """By the clock; the state comes a little later, except when somebody was held up in between."""
    return bool(row.ends_at > now and (row.state == "begun" or row.starts_at <= now))


def stand_ins(session: Session, places: Collection[Place], *, now: datetime) -> dict[Place, NamedUser | None]:
    """Who stands in, for each of `places` whose person is away; None where there is nobody: then it stays theirs.

    That is the deputy; without one, or when the deputy is away or gone, the lead of the team, else of one of the
    person's own teams. Nobody stands in for a stand-in.
    """
    absent = away(session, (person for person, _ in places), now=now)
    return _stand_ins(session, [place for place in places if place[0] in absent], absent, now) if absent else {}


def _stand_ins(
    session: Session, places: Collection[Place], absent: Mapping[int, int | None], now: datetime
) -> dict[Place, NamedUser | None]:
    lead_of = _leads(session, Team.id.in_({team for _, team in places if team is not None}))
    own_leads = _own_leads(session, absent)
    chains = {
        (person, team): [absent[person], lead_of.get(team or 0), *own_leads.get(person, ())] for person, team in places
    }
    present = _present(session, {who for chain in chains.values() for who in chain if who is not None}, now)
    return {
        place: next((present[who] for who in chain if who in present and who != place[0]), None)
        for place, chain in chains.items()
    }


def _leads(session: Session, condition: Any) -> dict[int, int]:
    teams = select(Team.id, Team.lead_id).where(condition, Team.lead_id.is_not(None))
    return {row.id: row.lead_id for row in session.execute(teams)}


def _own_leads(session: Session, people: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    teams = select(TeamMember.account_id, Team.lead_id).join(Team, Team.id == TeamMember.team_id)
    for row in session.execute(teams.where(TeamMember.account_id.in_(list(people))).order_by(Team.id)):
        found.setdefault(row.account_id, []).append(row.lead_id)
    return found


def _present(session: Session, people: Collection[int], now: datetime) -> dict[int | None, NamedUser]:
    query = select(Account.id, Account.name, Account.email, Account.active).where(
        Account.id.in_(people), Account.active, Account.kind == "user"
    )
    absent = away(session, people, now=now)
    return {row.id: NamedUser(*row) for row in plain(session, query) if row.id not in absent}


_LOOK_AGAIN: Final = (
    update(Absence.__table__)  # type: ignore[arg-type]
    .where(text("state = 'begun'"), Absence.__table__.c.account_id.in_(bindparam("people", expanding=True)))
    .values(moves_after=0)
)


def look_again(session: Session, people: Collection[int | None]) -> None:
    """Let the clock see what of the work of those who are away is due before they are back: it has changed."""
    if people:
        plain(session, _LOOK_AGAIN, {"people": list(people)})


# -- watching --------------------------------------------------------------------------------------------------------


_WATCH: Final = insert(ActionWatcher.__table__)  # type: ignore[arg-type]
_UNWATCH: Final = delete(ActionWatcher.__table__).where(  # type: ignore[arg-type]
    ActionWatcher.action_id == bindparam("of_action"),
    ActionWatcher.account_id == bindparam("of_person"),
    ActionWatcher.added_by.is_(None),
)


def let_watch(session: Session, pairs: Collection[tuple[int, int]], *, now: datetime) -> None:
    """Let people watch actions that somebody has in their place: pairs of an action and a person."""
    if not pairs:
        return
    seen = select(ActionWatcher.action_id, ActionWatcher.account_id).where(
        ActionWatcher.action_id.in_({action for action, _ in pairs})
    )
    there = {tuple(row) for row in session.execute(seen)}
    rows = [
        {"action_id": action, "account_id": person, "added_by": None, "at": now}
        for action, person in pairs
        if (action, person) not in there
    ]
    if rows:
        plain(session, _WATCH, rows)


def let_go_on(session: Session, pairs: Collection[tuple[int, int]]) -> None:
    """Whoever has their work back need not watch it; those who wanted to before still do."""
    if pairs:
        plain(session, _UNWATCH, [{"of_action": action, "of_person": person} for action, person in pairs])


# -- people who are switched off -------------------------------------------------------------------------------------


def forget_person(session: Session, account_id: int, *, now: datetime) -> None:
    """End the absences of somebody who is gone, and let nobody count on them as a deputy any more.

    What they had in somebody's place goes on to a lead with the next tick of the clock.
    """
    concerned = or_(Absence.account_id == account_id, Absence.deputy_id == account_id)
    alive = select(Absence).where(text("absences.state IN ('planned', 'begun')"), concerned)
    for absence in session.scalars(alive.order_by(Absence.id).with_for_update()):
        if absence.account_id != account_id:
            absence.deputy_id, absence.version = None, absence.version + 1
            absence.moves_after = 0 if absence.state == "begun" else None
        elif absence.state == "planned":
            session.delete(absence)
        else:
            absence.state, absence.ends_at, absence.version = "ended", min(absence.ends_at, now), absence.version + 1
            absence.moves_after = None
    session.flush()
