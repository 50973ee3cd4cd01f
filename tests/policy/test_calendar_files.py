"""Days off from calendar files: events of one day, of several, of every year; and what is refused."""

from datetime import date, datetime

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st
from icalendar import vRecur

from cfm_workflow.policy.calendars import CalendarError, from_ics
from cfm_workflow.policy.calendars.recurrence import occurrences, yearly


def file(*events: str, around: str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//ours//EN\n{}END:VCALENDAR\n") -> bytes:
    """A calendar file of events, each given by its lines."""
    whole = "".join(f"BEGIN:VEVENT\nUID:{n}@ours\n{event.strip()}\nEND:VEVENT\n" for n, event in enumerate(events))
    return around.format(whole).replace("\n", "\r\n").encode()


def days(text: bytes, first_year: int = 2026, last_year: int = 2027) -> dict[str, str]:
    found = from_ics(text, first_year, last_year)
    assert found == sorted(found)
    return {str(day): name for day, name in found}


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("DTSTART;VALUE=DATE:20261224", ["2026-12-24"]),
        ("DTSTART:20261224", ["2026-12-24"]),  # many write it so
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", ["2026-12-24", "2026-12-25", "2026-12-26"]),
        ("DTSTART;VALUE=DATE:20261224\nDURATION:P2D", ["2026-12-24", "2026-12-25"]),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224", ["2026-12-24"]),
        ("DTSTART;VALUE=DATE:20251231\nDTEND;VALUE=DATE:20260102", ["2026-01-01"]),
        ("DTSTART;VALUE=DATE:20271231\nDTEND;VALUE=DATE:20280105", ["2027-12-31"]),
        ("DTSTART;VALUE=DATE:20250101", []),
        ("DTSTART;VALUE=DATE:99991231", []),
        ("DTSTART;VALUE=DATE:20100501\nRRULE:FREQ=YEARLY", ["2026-05-01", "2027-05-01"]),
        ("DTSTART;VALUE=DATE:16010501\nRRULE:FREQ=YEARLY", ["2026-05-01", "2027-05-01"]),
        ("DTSTART;VALUE=DATE:20261231\nDURATION:P2D\nRRULE:FREQ=YEARLY", ["2026-12-31", "2027-01-01", "2027-12-31"]),
        ("DTSTART;VALUE=DATE:20251231\nDURATION:P2D\nRRULE:FREQ=YEARLY;COUNT=1", ["2026-01-01"]),
        ("DTSTART;VALUE=DATE:20200229\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:20101125\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2026-11-26", "2027-11-25"]),
        ("DTSTART;VALUE=DATE:20200525\nRRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5", ["2026-05-25", "2027-05-31"]),
        ("DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;COUNT=2", ["2026-05-01"]),
        ("DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;UNTIL=20260501", ["2026-05-01"]),
        ("DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;UNTIL=20260501T000000Z", ["2026-05-01"]),
        ("DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;INTERVAL=2", ["2027-05-01"]),
        ("DTSTART;VALUE=DATE:20100501\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20260501", ["2027-05-01"]),
        ("DTSTART;VALUE=DATE:20100501\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20260501\nEXDATE;VALUE=DATE:20270501", []),
        ("DTSTART;VALUE=DATE:20260501\nRDATE;VALUE=DATE:20260503,20270504", ["2026-05-01", "2026-05-03", "2027-05-04"]),
        ("DTSTART;VALUE=DATE:20261224\nSTATUS:CANCELLED", []),
        ("DTSTART:20261224T000000", []),
        (
            "DTSTART;TZID=Europe/Berlin:20261224T090000\nRRULE:FREQ=WEEKLY",
            [],
        ),  # not of a whole day: no matter how often
        ("DTSTART;VALUE=DATE:20261224\nCREATED:nonsense", ["2026-12-24"]),
    ],
)
def test_all_day_events_are_days_off(event: str, found: list[str]) -> None:
    assert list(days(file(event))) == found


def test_the_summary_is_the_name() -> None:
    named = file("DTSTART;VALUE=DATE:20261224\nSUMMARY:Eve\\, half\\n day\u0000", "DTSTART;VALUE=DATE:20261226")
    assert days(named) == {"2026-12-24": "Eve, half day", "2026-12-26": ""}
    assert len(days(file(f"DTSTART;VALUE=DATE:20261224\nSUMMARY:{'E' * 300}"))["2026-12-24"]) == 200


def test_of_two_events_on_a_day_the_first_names_it() -> None:
    both = file("DTSTART;VALUE=DATE:20261224\nSUMMARY:Eve", "DTSTART;VALUE=DATE:20261224\nSUMMARY:Closed")
    assert days(both) == {"2026-12-24": "Eve"}


def test_an_occurrence_can_be_moved_and_cancelled() -> None:
    rule = "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nSUMMARY:May"
    moved = "RECURRENCE-ID;VALUE=DATE:20260501\nDTSTART;VALUE=DATE:20260504\nSUMMARY:Late"
    gone = "RECURRENCE-ID;VALUE=DATE:20270501\nDTSTART;VALUE=DATE:20270501\nSTATUS:CANCELLED"
    one_series = file(rule, moved, gone).replace(b"UID:1@", b"UID:0@").replace(b"UID:2@", b"UID:0@")
    assert days(one_series) == {"2026-05-04": "Late"}


def test_several_calendars_in_a_file_are_read() -> None:
    assert len(days(file("DTSTART;VALUE=DATE:20261224") + file("DTSTART;VALUE=DATE:20261225"))) == 2
    assert days(file()) == {}
    assert days(b"\xef\xbb\xbf" + file("DTSTART;VALUE=DATE:20261224")) == {"2026-12-24": ""}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"\x00\x01\x02",
        b'{"holidays": []}',
        file("DTSTART;VALUE=DATE:20261224\nSUMMARY:Fête").decode().encode("latin-1"),
        file("DTSTART;VALUE=DATE:20261224")[:-15],
        file("DTSTART;VALUE=DATE:20261224", around="{}"),
        file("SUMMARY:no date"),
        file("DTSTART;VALUE=DATE:20261324"),
        file("DTSTART;VALUE=DATE:20261224\nDTSTART;VALUE=DATE:20261225"),
        file("DTSTART;VALUE=DATE:20261224,20261225"),
        file("DTSTART:P1D"),
        file("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:soon"),
        file("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20281224"),
        file("DTSTART;VALUE=DATE:20261224\nDURATION:long"),
        file("DTSTART;VALUE=DATE:20261224\nDURATION:P9999999W"),
        file("DTSTART;VALUE=DATE:20261224\nEXDATE;VALUE=DATE:x"),
        file("DTSTART;VALUE=DATE:20261224\nno line"),
        file("DTSTART;TZID=Europe:20261224T090000"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=SOMETIMES"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:BYDAY=MO"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=WEEKLY"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;INTERVAL=0"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;COUNT=-1"),
        file("DTSTART;VALUE=DATE:16011224\nRRULE:FREQ=YEARLY;COUNT=500"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;BYWEEKNO=3"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;BYDAY=54MO"),
        file("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;RSCALE=CHINESE;BYMONTH=5L"),
        file(*["DTSTART;VALUE=DATE:20261224"] * 2001),
        b"BEGIN:X\r\n" * 5000 + b"END:X\r\n" * 5000,
    ],
    ids=lambda text: str(text[-70:]),
)
def test_a_broken_file_is_refused(text: bytes) -> None:
    with pytest.raises(CalendarError) as refused:
        from_ics(text, 2026, 2027)
    assert list(refused.value.errors) == ["file"]


def test_the_broken_event_is_named() -> None:
    with pytest.raises(CalendarError, check=lambda refused: "Founding day" in refused.errors["file"][0]):
        from_ics(file("DTSTART;VALUE=DATE:20261224", "DTSTART:x\nSUMMARY:Founding day"), 2026, 2027)


# -- against the library that is too slow to be used -------------------------------------------------------------------


def by_days(which: st.SearchStrategy[int | None]) -> st.SearchStrategy[list[str]]:
    weekday = st.tuples(which, st.sampled_from(["MO", "WE", "SU"])).map(lambda pair: f"{pair[0] or ''}{pair[1]}")
    return st.lists(weekday, min_size=1, max_size=3, unique=True)


parts = st.fixed_dictionaries(
    {},
    optional={
        "INTERVAL": st.integers(1, 4),
        "COUNT": st.integers(1, 40),
        "UNTIL": st.dates(date(2015, 1, 1), date(2035, 1, 1)).map(lambda day: f"{day:%Y%m%d}"),
        "BYMONTH": st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True),
        "BYMONTHDAY": st.lists(
            st.integers(-31, 31).filter(bool), min_size=1, max_size=9, unique=True
        ),
        # No numbered weekdays beside plain ones: dateutil takes those that are both, the RFC those that are either.
        "BYDAY": by_days(st.none()) | by_days(st.integers(-6, 6).filter(bool)),
        "BYSETPOS": st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=2, unique=True),
    },
)  # fmt: skip


@given(parts, st.dates(date(1995, 1, 1), date(2030, 1, 1)))
def test_yearly_rules_mean_what_they_mean_elsewhere(chosen: dict[str, object], start: date) -> None:
    chosen.pop("COUNT" if "UNTIL" in chosen else "", None)  # never both (RFC 5545, 3.3.10)
    if not {"BYMONTH", "BYMONTHDAY", "BYDAY"} & chosen.keys():
        chosen.pop("BYSETPOS", None)  # needs another BY rule
    if "BYDAY" in chosen and "BYMONTHDAY" in chosen:
        chosen["BYDAY"] = [str(day)[-2:] for day in chosen["BYDAY"]]  # type: ignore[attr-defined]
    written = ";".join(
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in chosen.items()
    )
    text, first, last = f"FREQ=YEARLY;{written}".rstrip(";"), date(2024, 2, 1), date(2029, 12, 31)
    rule = rrulestr(text, dtstart=datetime.combine(start, datetime.min.time()))
    expected = [moment.date() for moment in rule.between(*(midnight(day) for day in (first, last)), inc=True)]
    assert list(occurrences(yearly(vRecur.from_ical(text), start), first, last)) == expected


def midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def test_a_day_that_never_comes_is_not_waited_for() -> None:
    never = vRecur.from_ical("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    assert list(occurrences(yearly(never, date(1600, 1, 1)), date(2026, 1, 1), date(2199, 12, 31))) == []


noise = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 8),
        st.sampled_from(
            [
                "VALUE=DATE", "20260101", "P1D", "FREQ=YEARLY", "BYDAY=", "UNTIL=20260101T000000Z", "-1", "99999999999",
                ";", ":", ",", "\r\n", "DTSTART", "DTEND", "RRULE", "RDATE", "EXDATE", "BEGIN:VEVENT", "END:VEVENT",
                "VALUE=PERIOD", "VALUE=TIME", "TZID=Europe", "=", "\x00", "é",
            ]
        ),
    ),
    max_size=6,
)  # fmt: skip


@given(noise)
def test_whatever_is_uploaded_it_is_read_or_refused(changes: list[tuple[float, int, str]]) -> None:
    text = file(
        "DTSTART;VALUE=DATE:20250101\nDTEND;VALUE=DATE:20250103\nSUMMARY:One\nRRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5;COUNT=9",
        "RECURRENCE-ID;VALUE=DATE:20260101\nDTSTART;VALUE=DATE:20260102\nDURATION:P2D\nSTATUS:CANCELLED",
        "DTSTART;TZID=Europe/Berlin:20260102T100000\nRDATE;VALUE=PERIOD:20260102T000000Z/P1D",
    ).decode()
    for place, length, put in changes:
        here = int(place * len(text))
        text = text[:here] + put + text[here + length :]
    try:
        assert all(2026 <= day.year <= 2027 for day, _ in from_ics(text.encode(), 2026, 2027))
    except CalendarError as refused:
        assert list(refused.errors) == ["file"]
