"""When somebody last went through the reports, so that what is new since then can be marked."""

from datetime import datetime

from sqlalchemy.orm import Session

from cfm_workflow import access
from cfm_workflow.access import Caller
from cfm_workflow.models import ReportReview


def reviewed(session: Session, caller: Caller, *, now: datetime) -> None:
    """The caller has seen everything up to now. Nobody else hears of it, so it is no event.

    Raises:
        Forbidden: they may not read reports.
    """
    access.require(caller, "reports.review")
    session.merge(ReportReview(account_id=caller.id, reviewed_at=now))
    session.flush()
