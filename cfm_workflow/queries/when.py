"""What words of time mean to whoever says them. Never writes."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import texts
from cfm_workflow.access import Caller
from cfm_workflow.errors import Invalid
from cfm_workflow.models import Account
from cfm_workflow.policy import leaving
from cfm_workflow.policy.when import instant

NOT_UNDERSTOOD = 'must be a time to come, such as "tomorrow 17:00", "in 2 hours", "내일 오후 5시" or "3일 후"'


def meant(session: Session, caller: Caller, text: str, *, field: str, now: datetime) -> datetime:
    """The instant that `text` means to the caller, in their time zone and working hours.

    Raises:
        Invalid: it means none; names the `field`.
    """
    row = session.execute(select(Account.time_zone, Account.working_hours).where(Account.id == caller.id)).one()
    hours = None if row.working_hours is None else leaving.hours(row.working_hours, row.time_zone)
    at = instant(text, now=now, zone=texts.zone_named(row.time_zone), hours=hours)
    if at is None:
        raise Invalid({field: [NOT_UNDERSTOOD]})
    return at
