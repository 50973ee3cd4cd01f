"""When a message was received, from the text in a file. Pure; the present is handed in."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cfm_workflow.intake.refusals import Unfit, suggestion

EARLIEST: Final = 1970
LATEST: Final = 2100
AHEAD: Final = timedelta(days=1)
"""How far in the future an instant may lie: clocks and zones of other systems are wrong by less."""

YEARS: Final = ("%Y", "%y", "%G", "%c", "%x")


class Instants:
    """Reads texts of one form as aware instants in UTC.

    A local time that a change of the clocks skips is read with the offset before the change (02:30 becomes 03:30); one
    that happens twice is the first of the two.
    """

    def __init__(self, *, date_format: str | None, zone: tzinfo | None, now: datetime) -> None:
        self._format = date_format
        self._zone = zone
        self._horizon = now + AHEAD
        self._remembered = lru_cache(maxsize=4096)(self._read)  # rows close together often share the minute

    def __call__(self, value: object) -> datetime | None:
        if not isinstance(value, str):
            raise Unfit("A date and time as text is needed.")
        text = value.strip()
        return self._remembered(text) if text else None

    def _read(self, text: str) -> datetime:
        moment = self._parsed(text)
        if moment.tzinfo is None:
            if self._zone is None:
                raise Unfit(f"{text[:40]!r} has no offset: say with time_zone where it was taken, as in Asia/Seoul.")
            moment = moment.replace(tzinfo=self._zone)
        if not EARLIEST <= moment.year <= LATEST:
            raise Unfit(f"The year {moment.year} is not between {EARLIEST} and {LATEST}.")
        instant = moment.astimezone(UTC)
        if instant > self._horizon:
            raise Unfit(f"{text[:40]!r} lies in the future.")
        return instant

    def _parsed(self, text: str) -> datetime:
        try:
            if self._format is None:
                return datetime.fromisoformat(text)
            return datetime.strptime(text, self._format)  # noqa: DTZ007  the zone is added by the caller
        except (ValueError, OverflowError):
            right = f"of the form {self._format}" if self._format else "in ISO 8601; for another form give date_format"
            raise Unfit(f"{text[:40]!r} is no date and time {right}.") from None


def check_date_format(date_format: str) -> None:
    """Refuse with Unfit a format that cannot give a whole date, or that would lose a zone."""
    if "%Z" in date_format.replace("%%", ""):
        raise Unfit("%Z reads the name of a zone and forgets it: use %z for offsets, or time_zone.")
    if not any(year in date_format.replace("%%", "") for year in YEARS):
        raise Unfit("The format has no year, as in %Y-%m-%d %H:%M.")
    example = datetime(2003, 12, 31, 12, 0, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(date_format), date_format)  # noqa: DTZ007  only the date is compared
    except ValueError as error:
        raise Unfit(f"{date_format!r} is no date format: {error}.") from None
    if read.date() != example.date():
        raise Unfit(f"{date_format!r} does not give a whole date, as %Y-%m-%d %H:%M does.")


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; Unfit when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        closest = suggestion(name, sorted(available_timezones()))
        raise Unfit(f"There is no time zone {name!r}; names are like Asia/Seoul.{closest}") from None
