"""Why an action is due when it is, in the reader's words. Pure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from cfm_workflow import texts
from cfm_workflow.letters.telling import who
from cfm_workflow.letters.words import REASONS
from cfm_workflow.policy.due import parse_duration

_COUNTED: Final[Mapping[str, Callable[[Callable[[str, str, int], str], int], str]]] = {
    "days": lambda ngettext, n: ngettext("%(n)s day", "%(n)s days", n),
    "hours": lambda ngettext, n: ngettext("%(n)s hour", "%(n)s hours", n),
    "minutes": lambda ngettext, n: ngettext("%(n)s minute", "%(n)s minutes", n),
    "seconds": lambda ngettext, n: ngettext("%(n)s second", "%(n)s seconds", n),
    "business_days": lambda ngettext, n: ngettext("%(n)s business day", "%(n)s business days", n),
}


def in_words(explained: Mapping[str, Any], language: str) -> list[str]:
    """Sentences, each for itself, about what `queries.due.explain` found; times are those of the calendar."""
    return list(_Telling(explained, language).lines())


class _Telling:
    def __init__(self, explained: Mapping[str, Any], language: str) -> None:
        self._explained = explained
        self._language = texts.spoken(language)
        catalogue = texts.translations(language)
        self._, self._ngettext = catalogue.gettext, catalogue.ngettext
        self._zone = ZoneInfo(explained["calendar"]["time_zone"])

    def lines(self) -> Iterator[str]:
        explained = self._explained
        if explained["due_at"] is None:
            yield self._("It has no due date.")
            return
        yield self._("It is due %(at)s (%(zone)s).") % {
            "at": self._instant(explained["due_at"]),
            "zone": explained["calendar"]["time_zone"],
        }
        yield self._rule(explained["rule"])
        yield from map(self._free_day, explained["free_days"] if explained["rule"] else [])
        yield from map(self._pause, explained["pauses"])
        yield from map(self._change, explained["changes"])

    def _rule(self, rule: Mapping[str, Any] | None) -> str:
        calendar = self._explained["calendar"]["name"]
        if rule is None:
            return self._("Somebody named this instant; waiting does not move it.")
        if "on" in rule:
            told = self._("That is the end of the last working hours of %(day)s in the calendar “%(calendar)s”.")
            return told % {"day": self._day(rule["on"]), "calendar": calendar}
        told = (
            self._("That is %(span)s from %(since)s, all hours counted.")
            if isinstance(rule["in"], str)
            else self._("That is %(span)s of working time from %(since)s in the calendar “%(calendar)s”.")
        )
        if "business_days" in rule["in"]:
            told = self._("That is %(span)s from %(since)s in the calendar “%(calendar)s”.")
        since = self._instant(self._explained["since"])
        return told % {"span": self._span(rule["in"]), "since": since, "calendar": calendar}

    def _span(self, written: Any) -> str:
        if isinstance(written, str):
            return self._duration(parse_duration(written))
        if "business" in written:
            return self._duration(parse_duration(written["business"]), whole_days=False)
        return self._count("business_days", written["business_days"])

    def _duration(self, length: timedelta, *, whole_days: bool = True) -> str:
        seconds = int(length.total_seconds())
        counts: dict[str, int] = {}
        if whole_days:
            counts["days"], seconds = divmod(seconds, 86400)
        counts["hours"], seconds = divmod(seconds, 3600)
        counts["minutes"], counts["seconds"] = divmod(seconds, 60)
        return " ".join(self._count(unit, n) for unit, n in counts.items() if n) or self._count("minutes", 0)

    def _count(self, unit: str, n: int) -> str:
        return _COUNTED[unit](self._ngettext, n) % {"n": n}

    def _free_day(self, day: Mapping[str, Any]) -> str:
        told = self._("Free: %(day)s, %(name)s.") if day["name"] else self._("Free: %(day)s.")
        return told % {"day": self._day(day["date"]), "name": day["name"]}

    def _pause(self, pause: Mapping[str, Any]) -> str:
        counted = pause["counted_seconds"]
        length = self._duration(timedelta(seconds=counted or 0), whole_days=False)
        if pause["to"] is None:
            told = self._("It has been waiting since %(start)s.")
        elif counted is None:
            told = self._("It waited from %(start)s to %(end)s; that moved nothing.")
        else:
            told = self._("It waited from %(start)s to %(end)s: %(length)s were added.")
        end = self._instant(pause["to"]) if pause["to"] is not None else ""
        return told % {"start": self._instant(pause["from"]), "end": end, "length": length}

    def _change(self, change: Mapping[str, Any]) -> str:
        told = self._("%(at)s: moved from %(old)s to %(new)s, by %(who)s.")
        if change["reason"]:
            told = self._("%(at)s: moved from %(old)s to %(new)s, by %(who)s: %(reason)s")
        old, new = (self._instant(change[side]) if change[side] else self._("nothing") for side in ("from", "to"))
        words = {"at": self._instant(change["at"]), "old": old, "new": new, "who": who(change["actor"], self._)}
        reason = change["reason"]
        return told % (words | {"reason": self._(reason) if reason in REASONS else reason})

    def _instant(self, moment: datetime | str) -> str:
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return texts.instant(moment, self._language, self._zone)

    def _day(self, written: str) -> str:
        return format_date(date.fromisoformat(written), "full", locale=self._language)
