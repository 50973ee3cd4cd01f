"""The story of an item in its reader's words: events, and among them notes and messages as they are now."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from cfm_workflow.letters import News
from cfm_workflow.letters import Reader as LetterReader
from cfm_workflow.letters.telling import Teller
from cfm_workflow.letters.telling import who as who_did
from cfm_workflow.operations.mail import names_of
from cfm_workflow.policy.templates import LINK, fill
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import notes as notes_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries import timeline as timeline_query
from cfm_workflow.texts import mark
from cfm_workflow.web.feedback import channel_of
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import say

ENTRIES: Final = 30
ICONS: Final = {
    "action": "checklist",
    "action_group": "users",
    "feedback": "message-2",
    "message": "mail",
    "note": "note",
    "reminder": "alarm",
    "share": "share",
}
_OF_TYPE: Final = {
    "action.completed": "check",
    "action.declined": "hand-stop",
    "action.cancelled": "ban",
    "action.waiting": "player-pause",
    "action.started": "player-play",
    "action.accepted": "user-check",
    "action.assigned": "user-plus",
    "action.overdue": "alert-triangle",
    "action.extension_requested": "calendar-due",
    "action.extension_granted": "calendar-due",
    "action.extension_refused": "calendar-due",
    "action.extension_withdrawn": "calendar-due",
    "feedback.resolved": "circle-check",
    "feedback.closed": "lock",
    "feedback.reopened": "rotate-2",
    "feedback.labelled": "tag",
    "feedback.unlabelled": "tag",
    "feedback.watched": "eye",
    "feedback.unwatched": "eye-off",
}
_SHOWN_AS_THEMSELVES: Final = ("note.added", "message.queued", "message.received", "message.sent")
_SAID_WITH_IT: Final = (
    mark("Reason"),
    mark("Comment"),
    mark("Resolution"),
    mark("The customer's words"),
    mark("Reminder"),
)
_LABELLED: Final = mark("%(who)s added the label %(label)s.")
_UNLABELLED: Final = mark("%(who)s removed the label %(label)s.")
_WATCHED: Final = mark("%(watcher)s watches this from now on.")
_UNWATCHED: Final = mark("%(watcher)s does not watch this any more.")
_SHARE_REVOKED: Final = mark("%(who)s ended the share with %(address)s.")
_RECEIVED: Final = mark("%(who)s recorded this feedback.")
STATES: Final = {
    "queued": mark("Leaves soon"),
    "cancelled": mark("Taken back"),
    "sent": mark("Sent"),
    "kept": mark("Kept: there is no mail server"),
    "failed": mark("Not delivered"),
    "recorded": mark("Recorded"),
}
STATE_TONES: Final = {"queued": "amber", "cancelled": "plain", "sent": "green", "kept": "amber", "failed": "red"}
KINDS: Final = {
    "reply": mark("Reply to the customer"),
    "thank_you": mark("Thanks to the customer"),
    "solved": mark("“Solved” to the customer"),
    "check": mark("Question to the customer"),
    "share": mark("Shared with %(to)s"),
    "unasked": mark("News to the customer"),
}
_TOLD: Final = mark("Told the customer (%(channel)s)")
_HEARD: Final = mark("Heard from the customer (%(channel)s)")
_LINK: Final = mark("[the link by which the customer answers]")


def of_item(visit: Visit, feedback_id: int, cursor: str | None) -> dict[str, Any]:
    """A page of the story, the newest last; `older` is the cursor of the page before it."""
    wanted = {"order": "desc", "limit": ENTRIES, "cursor": cursor}
    found = timeline_query.positions(visit.session, visit.caller, feedback_id, wanted)
    happened = [News("", orjson.loads(body)) for body in timeline_query.bodies(visit.session, found.items[::-1])]
    reminders = reminders_query.shown(visit.session, visit.caller, _ids(happened, "reminder"))
    told = [news for news in happened if _is_there(news, reminders)]
    notes = notes_query.shown(visit.session, visit.caller, _ids(told, "note"))
    messages = messages_query.of_ids(visit.session, visit.caller, _ids(told, "message"))
    teller = Teller(
        LetterReader(visit.caller.id or 0, visit.reader.language, visit.reader.zone),
        names_of(visit.session, told, visit.reader.language),
    )
    return {
        "entries": [_entry(visit, teller, news, notes, messages) for news in told],
        "older": found.next_cursor,
    }


def _is_there(news: News, reminders: Collection[int]) -> bool:
    """Reminders of others are theirs."""
    return not news.type.startswith("reminder.") or news.part("reminder").get("id") in reminders


def _ids(told: Iterable[News], kind: str) -> set[int]:
    return {int(news.part(kind)["id"]) for news in told if news.type.startswith(f"{kind}.") and news.part(kind)}


def _entry(
    visit: Visit, teller: Teller, news: News, notes: Mapping[int, Any], messages: Mapping[int, Any]
) -> dict[str, Any]:
    kind = news.type.partition(".")[0]
    shown = {
        "kind": "event",
        "icon": _OF_TYPE.get(news.type) or ICONS.get(kind, "activity"),
        "at": datetime.fromisoformat(news.body["timestamp"]),
        "actor": news.part("actor"),
        "action": news.action_id,
    }
    if news.type in _SHOWN_AS_THEMSELVES:
        if kind == "note" and (note := notes.get(news.part("note")["id"])) is not None:
            return shown | {"kind": "note", "note": note_shown(visit, note)}
        if kind == "message" and (message := messages.get(news.part("message")["id"])) is not None:
            return shown | {"kind": "message", "message": message_shown(message)}
    said = {say(label) for label in _SAID_WITH_IT}
    return shown | {
        "sentence": _sentence(teller, news),
        "changes": list(teller.changes(news)),
        "quotes": [quote for quote in teller.quotations(news) if quote.label in said],
    }


def _sentence(teller: Teller, news: News) -> str:
    """What happened; what concerns the item itself needs not say which item it is."""
    who = {"who": who_did(news.part("actor"), say)}
    if news.type in ("feedback.labelled", "feedback.unlabelled"):
        words = _LABELLED if news.type.endswith(".labelled") else _UNLABELLED
        return say(words) % {**who, "label": news.part("label").get("name")}
    if news.type in ("feedback.watched", "feedback.unwatched"):
        words = _WATCHED if news.type.endswith(".watched") else _UNWATCHED
        return say(words) % {"watcher": news.part("watcher").get("name")}
    if news.type == "feedback.received":
        return say(_RECEIVED) % who
    if news.type == "share.revoked":
        return say(_SHARE_REVOKED) % {**who, "address": news.part("share").get("address")}
    return teller.sentence(news)


def note_shown(visit: Visit, note: Mapping[str, Any]) -> dict[str, Any]:
    """A note, and whether its reader may write it anew or delete it."""
    is_mine = note["author"]["id"] == visit.caller.id
    leads = visit.caller.is_supervisor or visit.caller.is_administrator
    is_there = note["deleted_at"] is None
    return {
        **note,
        "may_change": is_there and (is_mine or visit.caller.is_administrator),
        "may_delete": is_there and (is_mine or leads),
    }


def message_shown(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with its state and its kind in words."""
    body = message["body"]
    if message["kind"] == "contact":
        words = _TOLD if message["direction"] == "out" else _HEARD
        heading = say(words) % {"channel": channel_of(message["channel"])}
    else:
        heading = say(KINDS[message["kind"]]) % {"to": message["to"]}
    return {
        **message,
        "body": fill(body, {LINK: say(_LINK)}) if message["kind"] == "check" and body else body,
        "heading": heading,
        "state_label": say(STATES[message["state"]]),
        "tone": STATE_TONES.get(message["state"]),
    }
