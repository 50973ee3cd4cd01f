"""The route that understands words of time."""

from typing import Any

from cfm_workflow.api.routing import Ask, route
from cfm_workflow.forms.when import WhenOut, WhenQuery
from cfm_workflow.queries import when

TAG = "reminders"


@route("GET", "/when", "readWordsOfTime", tag=TAG, right="self.read", query=WhenQuery, answers={200: WhenOut})
def read_words_of_time(ask: Ask) -> Any:
    """The instant that words such as "tomorrow 5pm" or "내일 오후 5시" mean to the caller."""
    return {"at": when.meant(ask.session, ask.caller, ask.query["text"], field="text", now=ask.now)}
