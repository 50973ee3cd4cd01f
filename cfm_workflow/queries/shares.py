"""Shares as everybody sees them who sees their item. Never writes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Account, Share, ShareOpening
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

OPENINGS_SHOWN: Final = 20

SELECT: Final[Any] = select(
    *Share.__table__.c, Account.name.label("creator_name"), Account.email.label("creator_email")
).join_from(Share, Account, Account.id == Share.created_by)


def find(session: Session, caller: Caller, share_id: int) -> Any:
    """One share.

    Raises:
        NotFound: there is none, or the caller may not see its item.
    """
    row = session.execute(SELECT.where(Share.id == share_id)).one_or_none()
    if row is None:
        raise NotFound("share", share_id)
    try:
        feedback_query.find(session, caller, row.feedback_id)
    except NotFound:
        raise NotFound("share", share_id) from None
    return row


def of_item(session: Session, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of the shares of an item, the newest first, each with its last openings."""
    query = SELECT.where(Share.feedback_id == feedback_id)
    newest = {"-id": Sort((Share.id,), descending=True)}
    found = fetch_page(session, query, wanted, newest, present=lambda row: row)
    opened = _openings(session, [row.id for row in found.items if row.openings])
    return Page([_view(row, opened.get(row.id, [])) for row in found.items], found.next_cursor)


def _view(share: Any, opened: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": share.id,
        "feedback": share.feedback_id,
        "address": share.address,
        "language": share.language,
        "include_contact": share.include_contact,
        "expires_at": share.expires_at,
        "revoked_at": share.revoked_at,
        "openings": share.openings,
        "last_openings": list(opened),
        "created_by": {"id": share.created_by, "name": share.creator_name, "email": share.creator_email},
        "created_at": share.created_at,
    }


def _openings(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Per share when it was opened, the last time first."""
    if not ids:
        return {}
    place = func.row_number().over(partition_by=ShareOpening.share_id, order_by=ShareOpening.id.desc())
    opened = select(ShareOpening.share_id, ShareOpening.at, place.label("place"))
    ranked = opened.where(ShareOpening.share_id.in_(ids)).subquery()
    query = select(ranked.c.share_id, ranked.c.at).where(ranked.c.place <= OPENINGS_SHOWN)
    found: dict[int, list[Any]] = {}
    for row in session.execute(query.order_by(ranked.c.share_id, ranked.c.place)):
        found.setdefault(row.share_id, []).append(row.at)
    return found
