"""When somebody last went through the reports, so that what is new since then can be marked."""

from datetime import datetime

from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import Forbidden
from cfm_workflow.models import ReportReview


def reviewed(session: Session, caller: Caller, *, now: datetime) -> None:
    """The caller has seen everything up to now.

    Raises:
        Forbidden: nobody but a person goes through reports.
    """
    if caller.id is None or caller.is_integration:
        raise Forbidden("reports.read", "Only people go through reports.")
    session.merge(ReportReview(account_id=caller.id, reviewed_at=now))
    session.flush()
