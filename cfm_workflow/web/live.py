"""What open pages ask again and again: has anything happened that they show? Only ids are told, never content."""

import re
from typing import Final

import orjson

from cfm_workflow import limits
from cfm_workflow.queries import events as events_query
from cfm_workflow.web.pages import File, Visit, page

SIZE: Final = 200
_POSITION: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@page("GET", "/live", "live", right="action.read")
def live(visit: Visit) -> File:
    """What has changed since `after`, a position; without one, where to begin."""
    given = visit.query.get("after", "")
    after = min(int(given), limits.ID) if _POSITION.fullmatch(given) else None
    subjects, last = events_query.subjects(visit.session, visit.caller, after, size=SIZE)
    return File(orjson.dumps({"subjects": subjects, "last_position": last}), "application/json")
