"""When people are away, as everybody sees it. Never writes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import NotFound
from cfm_workflow.models import Absence, Account
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

_SELECT: Final[Any] = select(
    Absence, Account.id.label("deputy_id"), Account.name.label("deputy_name"), Account.email.label("deputy_email")
).outerjoin_from(Absence, Account, Account.id == Absence.deputy_id)
SORTS: Final = {"-from": Sort((Absence.starts_at, Absence.id), descending=True)}


def find(session: Session, absence_id: int) -> Absence:
    """Raises NotFound unless there is such an absence."""
    absence = session.get(Absence, absence_id)
    if absence is None:
        raise NotFound("absence", absence_id)
    return absence


def find_of(session: Session, user_id: int, absence_id: int) -> Absence:
    """Raises NotFound unless there is such a person with such an absence."""
    people_query.find_user(session, user_id)
    absence = find(session, absence_id)
    if absence.account_id != user_id:
        raise NotFound("absence", absence_id)
    return absence


def view(session: Session, absence: Absence) -> dict[str, Any]:
    """An absence in the words of the API."""
    return _view(session.execute(_SELECT.where(Absence.id == absence.id)).one())


def page(session: Session, user_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of the absences of a person, the latest first."""
    people_query.find_user(session, user_id)
    return fetch_page(session, _SELECT.where(Absence.account_id == user_id), wanted, SORTS, present=_view)


def current(session: Session, user_id: int, *, now: datetime) -> dict[str, Any]:
    """Until when a person is away now, and who stands in; null for those who are there."""
    alive = Absence.state.in_(["planned", "begun"])
    is_on = _SELECT.where(Absence.account_id == user_id, alive, Absence.starts_at <= now, Absence.ends_at > now)
    row = session.execute(is_on.order_by(Absence.id)).first()
    return {"away_until": None if row is None else row[0].ends_at, "deputy": None if row is None else _deputy(row)}


def _view(row: Any) -> dict[str, Any]:
    absence = row[0]
    return {
        "id": absence.id,
        "from": absence.starts_at,
        "to": absence.ends_at,
        "deputy": _deputy(row),
        "note": absence.note,
        "state": absence.state,
        "version": absence.version,
        "created_at": absence.created_at,
    }


def _deputy(row: Any) -> dict[str, Any] | None:
    if row.deputy_id is None:
        return None
    return {"id": row.deputy_id, "name": row.deputy_name, "email": row.deputy_email}
