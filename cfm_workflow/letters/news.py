"""What a letter is made of: the news as they are in the ledger, who reads them, and the names things have for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from cfm_workflow.policy.audiences import IMPORTANCE


@dataclass(frozen=True, slots=True)
class News:
    """One event as its body was frozen, and how the reader stands to it."""

    relation: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        kind: str = self.body["type"]
        return kind

    @property
    def data(self) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.body["data"]
        return data

    def part(self, name: str) -> Mapping[str, Any]:
        """The action, the item, the group... as they were; empty when the event is about something else."""
        return self.data.get(name) or {}

    @property
    def action_id(self) -> int | None:
        return self.part("action").get("id")

    @property
    def feedback_id(self) -> int | None:
        return self.part("feedback").get("id")

    @property
    def reminder_id(self) -> int | None:
        """The personal reminder that is told by it."""
        return self.part("reminder").get("id") if self.type == "reminder.fired" else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets a letter. `id` is their account."""

    id: int
    language: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Names:
    """What the reader calls things that are data: states and transitions by workflow and name, outcomes by key; and
    how far groups are by now, done and of how many."""

    states: Mapping[tuple[str, str], str] = field(default_factory=dict)
    transitions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Some news in the order in which they are told. `is_list`: there is no one thing that the letter is about."""

    news: Sequence[News]
    is_list: bool

    @property
    def main(self) -> News:
        return self.news[0]

    @property
    def feedback_id(self) -> int | None:
        """The item whose thread the letter belongs to."""
        found = {news.feedback_id for news in self.news}
        return found.pop() if len(found) == 1 else None


def arrange(news: Sequence[News]) -> Arrangement:
    """The most important first, else as they happened. What is about several items, or several times the same, is a
    list."""
    ordered = sorted(news, key=lambda one: (IMPORTANCE.get(one.type, len(IMPORTANCE)), one.data["position"]))
    alike = sum(one.type == ordered[0].type for one in ordered)
    items = {one.feedback_id for one in ordered}
    return Arrangement(ordered, is_list=alike > 1 or len(items) > 1)


_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""They turn the direction of what follows, beyond the words of whoever wrote them."""


def on_one_line(text: str, longest: int) -> str:
    """What somebody wrote, as one line of at most `longest` characters."""
    return _cut(_BREAKS.sub(" ", _TURNING.sub("", text)).strip(), longest)


def as_block(text: str, longest: int) -> str:
    """What somebody wrote, with its line ends and nothing else that moves the paper."""
    lines = _TURNING.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return _cut(_CONTROLS.sub(" ", lines.replace("\u2029", "\n")).strip(), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
