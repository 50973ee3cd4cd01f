"""Events in the reader's words, as mails tell them: what happened, by whom, when, and what was said with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from cfm_workflow.letters import News
from cfm_workflow.letters import Reader as LetterReader
from cfm_workflow.letters.telling import Teller
from cfm_workflow.operations.mail import names_of
from cfm_workflow.queries import events as events_query
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import say

ICONS: Final = {
    "action.assigned": "user-plus",
    "action.reassigned": "arrows-exchange",
    "action.accepted": "user-check",
    "action.started": "player-play",
    "action.waiting": "player-pause",
    "action.resumed": "player-play",
    "action.completed": "check",
    "action.declined": "hand-stop",
    "action.cancelled": "ban",
    "action.reopened": "rotate-2",
    "action.undone": "arrow-back-up",
    "action.commented": "message-2",
    "action.changed": "pencil",
    "action.extension_requested": "calendar-due",
    "action.extension_granted": "calendar-due",
    "action.extension_refused": "calendar-due",
    "action.extension_withdrawn": "calendar-due",
    "action.due_soon": "clock",
    "action.overdue": "alarm",
    "action.escalated": "alert-triangle",
    "reminder.fired": "alarm",
    "feedback.resolved": "circle-check",
}
_SAID_WITH_IT: Final = ("Reason", "Comment", "Resolution")
"""Of all that is quoted in a mail what was said with the event itself."""
NEWS_SHOWN: Final = 5
"""So many of the things that happened meanwhile are told beside a form that came too late."""


def tell(visit: Visit, told: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Events, given as (relation of the reader, body), in their words; in the same order."""
    news = [News(relation, orjson.loads(body)) for relation, body in told]
    names = names_of(visit.session, news, visit.reader.language)
    reader = LetterReader(visit.caller.id or 0, visit.reader.language, visit.reader.zone)
    teller = Teller(reader, names)
    return [_told(teller, one, names.states) for one in news]


def _told(teller: Teller, news: News, states: Any) -> dict[str, Any]:
    workflow = news.part("action").get("workflow") or ""
    labels = {say(label) for label in _SAID_WITH_IT}
    left, entered = news.data.get("from"), news.data.get("to")
    return {
        "type": news.type,
        "icon": ICONS.get(news.type, "activity"),
        "at": datetime.fromisoformat(news.body["timestamp"]),
        "label": teller.label(news),
        "title": teller.title(news),
        "sentence": teller.sentence(news),
        "from": states.get((workflow, left)) if left != entered else None,
        "to": states.get((workflow, entered)) if left != entered else None,
        "changes": list(teller.changes(news)),
        "quotes": [quote for quote in teller.quotations(news) if quote.label in labels],
        "actor": news.part("actor"),
        "action_id": news.action_id,
        "feedback_id": news.feedback_id,
        "reminder_id": news.reminder_id,
    }


def since(visit: Visit, action_id: int, *, seen: int, version: int) -> list[dict[str, Any]]:
    """What happened to an action after the version that the reader saw, the last first; at most NEWS_SHOWN."""
    count = min(version - seen, NEWS_SHOWN)
    return tell(visit, [("", body) for body in latest(visit, action_id, count)]) if count > 0 else []


def latest(visit: Visit, action_id: int, count: int) -> list[str]:
    """The bodies of the last so many events of an action, the last first."""
    found = events_query.of_action(visit.session, action_id, {"sort": "-sequence", "limit": count})
    return list(found.items)


def types_of(bodies: Sequence[str]) -> set[str]:
    """The types of some events."""
    return {orjson.loads(body)["type"] for body in bodies}
