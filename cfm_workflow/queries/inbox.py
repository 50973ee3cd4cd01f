"""What a person was to hear of, newest first, and how much of it is new to them. Never writes."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.models import Account, Event, Notice
from cfm_workflow.models.deliveries import MENTIONED
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

SORTS: Final = {"-position": Sort((Notice.position,), descending=True)}
COUNTED: Final = 99
"""Counting what is new ends there."""


def page(session: Session, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """A page of notices with the bodies of their events; with `mentions` only those that name the caller."""
    query: Any = (
        select(Notice.position, Notice.relation, Notice.at, Event.body)
        .join(Event, Event.position == Notice.position)
        .where(Notice.account_id == caller.id)
    )
    if wanted.get("mentions"):
        query = query.where(MENTIONED)
    if caller.hidden_teams:
        query = query.where(events_query.may_see(caller))
    return fetch_page(session, query, wanted, SORTS, present=lambda row: row)


_SEEN: Final = select(Account.inbox_seen).where(Account.id == bindparam("me"))
_UNSEEN: Final = select(func.count()).select_from(
    select(Notice.position)
    .where(Notice.account_id == bindparam("me"), Notice.position > _SEEN.scalar_subquery())
    .limit(COUNTED + 1)
    .subquery()
)


def seen(session: Session, caller: Caller) -> int:
    """The position up to which the caller has read their inbox."""
    return int(plain(session, _SEEN, {"me": caller.id}).scalar_one())


def unseen(session: Session, caller: Caller) -> int:
    """How much the caller has not read, up to COUNTED + 1."""
    return int(plain(session, _UNSEEN, {"me": caller.id}).scalar_one())
