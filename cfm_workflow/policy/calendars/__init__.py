"""Business calendars: working blocks of a week, days off, and the arithmetic of business time.

Pure: no database, no clock, no network. What is listed here is all that other rooms use.
"""

from cfm_workflow.policy.calendars.business_time import (
    OutOfReach,
    add,
    add_days,
    end_of_day,
    next_open,
    subtract,
    worked,
)
from cfm_workflow.policy.calendars.documents import WEEKDAYS, CalendarError, calendar
from cfm_workflow.policy.calendars.files import from_ics
from cfm_workflow.policy.calendars.holidays import countries, public_holidays, regions
from cfm_workflow.policy.calendars.week import Block, Calendar, blocks_on, free_days, is_working_day

__all__ = [
    "WEEKDAYS",
    "Block",
    "Calendar",
    "CalendarError",
    "OutOfReach",
    "add",
    "add_days",
    "blocks_on",
    "calendar",
    "countries",
    "end_of_day",
    "free_days",
    "from_ics",
    "is_working_day",
    "next_open",
    "public_holidays",
    "regions",
    "subtract",
    "worked",
]
