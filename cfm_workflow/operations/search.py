"""Keep what can be found in step with what is stored."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from cfm_workflow.models import Customer, Feedback
from cfm_workflow.policy.search import search_text


def refresh_search(session: Session, feedback_ids: Iterable[int]) -> None:
    """Bring what can be found up to date with text, customer name and external id."""
    rows = session.execute(
        select(Feedback.id, Feedback.text, Feedback.external_id, Customer.name)
        .outerjoin(Customer, Customer.id == Feedback.customer_id)
        .where(Feedback.id.in_(list(feedback_ids)))
    ).all()
    values = [{"at_id": row.id, "new_text": search_text(row.text, row.name, row.external_id)} for row in rows]
    if values:
        session.execute(_WRITE_SEARCH, values)


_WRITE_SEARCH: Final = (
    update(Feedback.__table__)  # type: ignore[arg-type]
    .where(Feedback.__table__.c.id == bindparam("at_id"))
    .values(search_text=bindparam("new_text"))
)
