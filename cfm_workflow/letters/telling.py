"""One event in the reader's words: its label, its sentence, the facts and the quotations that belong to it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cfm_workflow import limits, texts
from cfm_workflow.letters import words
from cfm_workflow.letters.news import Names, News, Reader, as_block, on_one_line
from cfm_workflow.letters.words import OTHERS, Words
from cfm_workflow.policy.closing import SCORES

QUOTED: Final = 600
MOST: Final = SCORES[1]
DESCRIBED: Final = 1_000
SHORT: Final = 120
LONG: Final = 300
DOING: Final = ("assignee", "pool_member")
"""They read what is to be done; the others know it, or need not."""
_CHANGE_SHOWN: Final = (
    "title",
    "priority",
    "due_at",
    "accept_by",
    "start_by",
    "quiet_until",
    "remind_at",
    "every",
    "channel",
    "language",
    "metric",
    "score",
    "touchpoint",
)


_INSTANTS: Final = ("due_at", "first_due_at", "accept_by", "start_by", "quiet_until", "remind_at")
_UNSAID: Final = ("due_rule", "first_due_at", "state")
"""Changes that follow from the others."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is known: `Due`, `Tue 1 Dec 2026, 16:00`."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Quotation:
    """What somebody wrote, with its line ends."""

    label: str
    text: str


def who(actor: Mapping[str, Any], gettext: Callable[[str], str]) -> str:
    """What somebody who did something is called: a person, a program, or a part of the service."""
    if actor.get("type") == "system":
        return gettext(words.SYSTEM_ACTORS.get(str(actor.get("name")), words.ACTORS["system"]))
    kind = "integration" if actor.get("type") == "integration" else "user"
    return named(gettext(words.ACTORS[kind]), actor)


def named(message: str, thing: Mapping[str, Any]) -> str:
    """The message with the name of something in it, on one line."""
    return message % {"name": on_one_line(str(thing.get("name") or "?"), SHORT)}


class Teller:
    """Tells one reader what happened."""

    def __init__(self, reader: Reader, names: Names) -> None:
        self.reader = reader
        self._names = names
        self._ = texts.translations(reader.language).gettext

    def label(self, news: News) -> str:
        """What stands before the title in a subject."""
        return self._filled(self._words(news).label, news)

    def sentence(self, news: News) -> str:
        """What happened, on one line."""
        return self._filled(self._words(news).sentence, news)

    def title(self, news: News) -> str:
        """What it happened to: the reminder, the action, what the customer wrote, when the clock ticked last."""
        if last_tick_at := news.part("scheduler").get("last_tick_at"):
            return self._instant(last_tick_at)
        written = (
            news.part("reminder").get("text")
            or news.part("message").get("subject")
            or news.part("message").get("body")
            or news.part("note").get("text")
            or news.part("action").get("title")
            or news.part("feedback").get("text")
            or news.part("webhook").get("url")
        )
        return on_one_line(written or news.type, limits.TITLE)

    def heading(self, news: News) -> str:
        """What stands over the facts: the action's title, or which item it is."""
        action, item = news.part("action"), news.part("feedback")
        if action.get("title"):
            return on_one_line(action["title"], limits.TITLE)
        return self._item(item) if item else self.title(news)

    def why(self, relation: str) -> str:
        """Why the reader hears of this."""
        return self._(words.WHY.get(relation, words.WHY[OTHERS]))

    def facts(self, news: News) -> list[Fact]:
        """What the reader needs to know to go on, without what they know already."""
        return [Fact(on_one_line(one.label, SHORT), on_one_line(one.value, LONG)) for one in self._facts(news)]

    def quotations(self, news: News) -> list[Quotation]:
        """What people wrote: why, what they added, and at the end the customer."""
        return list(self._quotations(news))

    def _words(self, news: News) -> Words:
        known = words.WORDS.get(news.type)
        if known is None:
            return words.STEP if news.part("action") else words.ANYTHING
        return known.get(news.relation) or known.get(OTHERS) or words.ANYTHING

    def _filled(self, message: str, news: News) -> str:
        return self._(message) % {
            "who": self._who(news),
            "title": on_one_line(self.title(news), SHORT),
            "item": news.feedback_id,
            "receiver": self._receiver(news.part("action")),
            "step": self._step(news),
            "answer": self._answer(news.part("check")),
        }

    def _who(self, news: News) -> str:
        return who(news.part("actor"), self._)

    def _named(self, message: str, thing: Mapping[str, Any]) -> str:
        return named(self._(message), thing)

    def _person(self, person: Mapping[str, Any]) -> str:
        return self._named(words.ACTORS["user"], person)

    def _receiver(self, action: Mapping[str, Any]) -> str:
        if action.get("assignee"):
            return self._person(action["assignee"])
        return self._named(words.TEAM, action["team"]) if action.get("team") else self._(words.NOBODY)

    def _step(self, news: News) -> str:
        key = (news.part("action").get("workflow") or "", news.data.get("transition") or "")
        return self._names.transitions.get(key) or news.type

    def _answer(self, check: Mapping[str, Any]) -> str:
        answer = str(check.get("answer"))
        return self._(words.ANSWERS.get(answer, answer))

    def _facts(self, news: News) -> Iterator[Fact]:
        yield from self._of_reminder(news, news.part("reminder"))
        if news.part("action"):
            yield from self._of_action(news, news.part("action"))
        elif news.part("group"):
            group = news.part("group")
            yield Fact(self._("Progress"), self._progress(group.get("done") or 0, group.get("total") or 0))
        elif news.part("feedback") and not news.part("check"):  # an answer may have changed it since
            status = str(news.part("feedback").get("status"))
            yield Fact(self._("State"), self._(words.STATUSES.get(status, status)))
        elif news.part("webhook").get("disabled_reason"):
            yield Fact(self._("Reason"), news.part("webhook")["disabled_reason"])
        yield from self._of_check(news.part("check"))
        yield from self.changes(news)
        if news.part("calendar"):
            yield Fact(self._("Calendar"), str(news.part("calendar").get("name")))

    def _of_reminder(self, news: News, reminder: Mapping[str, Any]) -> Iterator[Fact]:
        """Of a personal one: when it should have been told or is told next, and who set it."""
        if news.data.get("late") and news.data.get("planned_for"):
            yield Fact(self._("Was planned for"), self._instant(news.data["planned_for"]))
        if reminder.get("state") == "planned" and reminder.get("remind_at"):
            yield Fact(self._("Next reminder"), self._instant(reminder["remind_at"]))
        setter = reminder.get("created_by") or {}
        if setter and setter.get("id") not in (self.reader.id, news.part("actor").get("id")):
            yield Fact(self._("Set by"), self._person(setter))

    def _of_check(self, check: Mapping[str, Any]) -> Iterator[Fact]:
        if check:
            yield Fact(self._("Answer"), self._answer(check))
        if check.get("score") is not None:
            yield Fact(self._("How content"), self._("%(score)s of %(most)s") % {"score": check["score"], "most": MOST})

    def _of_action(self, news: News, action: Mapping[str, Any]) -> Iterator[Fact]:
        key = (action.get("workflow") or "", action.get("state") or "")
        yield Fact(self._("State"), self._names.states.get(key) or key[1])
        if action.get("due_at"):
            late = self._(" (overdue)") if action.get("overdue") else ""
            yield Fact(self._("Due"), self._instant(action["due_at"]) + late)
        if action.get("waiting_until"):
            yield Fact(self._("Waits until"), self._instant(action["waiting_until"]))
        if action.get("priority") not in (None, "normal"):
            yield Fact(self._("Priority"), self._priority(action["priority"]))
        if action.get("outcome"):
            yield Fact(self._("Outcome"), self._names.outcomes.get(action["outcome"], action["outcome"]))
        if (action.get("assignee") or {}).get("id") != self.reader.id:
            yield Fact(self._("Assignee"), self._receiver(action))
        if action.get("on_behalf_of") and action["on_behalf_of"]["id"] != self.reader.id:
            yield Fact(self._("In place of"), self._person(action["on_behalf_of"]))
        giver = action.get("assigned_by") or {}
        if giver and giver.get("id") not in (self.reader.id, news.part("actor").get("id")):
            yield Fact(self._("Given by"), self._person(giver))
        done, total = self._names.groups.get(action.get("group_id") or 0, (0, 0))
        if total > 1:
            yield Fact(self._("Group"), self._progress(done, total))

    def changes(self, news: News) -> Iterator[Fact]:
        """What became of which field, and until when more time is asked for."""
        if news.part("extension_request"):
            yield Fact(self._("Asked for until"), self._instant(news.part("extension_request")["due_at"]))
        for name, change in news.part("changes").items():
            if name in _UNSAID:
                continue
            label = self._(words.FIELDS[name]) if name in words.FIELDS else name
            old, new = (self._value(name, change.get(side)) for side in ("from", "to"))
            yield Fact(label, f"{old} → {new}" if name in _CHANGE_SHOWN else self._("was changed"))

    def _value(self, name: str, value: Any) -> str:
        if value is None:
            return "–"
        if name in _INSTANTS:
            return self._instant(value)
        return self._priority(value) if name == "priority" else on_one_line(str(value), SHORT)

    def _priority(self, name: str) -> str:
        return self._(words.PRIORITIES.get(name, name))

    def _progress(self, done: int, total: int) -> str:
        return self._("%(done)s of %(total)s done") % {"done": done, "total": total}

    def _instant(self, written: str) -> str:
        return texts.instant(datetime.fromisoformat(written), self.reader.language, self.reader.zone)

    def _quotations(self, news: News) -> Iterator[Quotation]:
        action, item = news.part("action"), news.part("feedback")
        if news.part("note").get("text"):
            yield Quotation(self._("Note"), as_block(news.part("note")["text"], DESCRIBED))
        if news.part("reminder").get("text"):
            yield Quotation(self._("Reminder"), as_block(news.part("reminder")["text"], DESCRIBED))
        if news.part("check").get("word"):
            yield Quotation(self._("The customer's words"), as_block(news.part("check")["word"], QUOTED))
        if news.part("message").get("body"):
            yield Quotation(self._("Message"), as_block(news.part("message")["body"], DESCRIBED))
        reason = news.data.get("reason")
        if reason:
            yield Quotation(self._("Reason"), self._(reason) if reason in words.REASONS else as_block(reason, QUOTED))
        if news.data.get("comment"):
            yield Quotation(self._("Comment"), as_block(news.data["comment"], QUOTED))
        if action.get("resolution"):
            yield Quotation(self._("Resolution"), as_block(action["resolution"], QUOTED))
        if action.get("description") and news.relation in DOING:
            yield Quotation(self._("What to do"), as_block(action["description"], DESCRIBED))
        if item.get("text"):
            yield Quotation(self._item(item) if action else self._("Text"), as_block(item["text"], QUOTED))

    def _item(self, item: Mapping[str, Any]) -> str:
        """`Feedback #17 · NPS 2 · Kim Minji`"""
        score = (
            f"{item['metric'].upper()} {item['score']:g}"
            if item.get("metric") and item.get("score") is not None
            else ""
        )
        customer = on_one_line((item.get("customer") or {}).get("name") or "", SHORT)
        named = self._("Feedback #%(item)s") % {"item": item.get("id")}
        return " · ".join(filter(None, [named, score, customer]))
