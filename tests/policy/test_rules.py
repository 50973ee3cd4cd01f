"""The pure rules: durations, how far a group is, what a score can be, what can be found by which words."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy.due import LONGEST, parse_duration
from cfm_workflow.policy.groups import Progress, group_state, item_status
from cfm_workflow.policy.search import phrases, search_text


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("P2D", timedelta(days=2)),
        ("PT8H", timedelta(hours=8)),
        ("P1DT12H30M", timedelta(days=1, hours=12, minutes=30)),
        ("PT90S", timedelta(seconds=90)),
        ("P3660D", LONGEST),
    ],
)
def test_a_duration_of_days_and_smaller_is_understood(text: str, means: timedelta) -> None:
    assert parse_duration(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "P1M",
        "P1Y",
        "P1W",
        "2D",
        "P-1D",
        "P1.5D",
        "PT0S",
        "P3661D",
        "p2d",
        "P2D ",
        "P\u0662D",
        "P99999999D",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@given(done=st.integers(0, 5), dropped=st.integers(0, 5), unfinished=st.integers(0, 5), needed=st.integers(1, 5))
def test_a_group_that_is_over_never_looks_open(done: int, dropped: int, unfinished: int, needed: int) -> None:
    progress = Progress(done + dropped + unfinished, done, unfinished)
    for completion in ("all", "any", "at_least"):
        state = group_state(completion, needed, progress)
        if unfinished == 0:
            assert state != "open"
        if state == "failed":
            assert done + unfinished < (needed if completion == "at_least" else 1)
    status, needs_decision = item_status(progress)
    assert (status == "resolved") == (unfinished == 0 and done > 0)
    assert needs_decision == (progress.total > 0 and unfinished == 0 and done == 0)


@given(st.text(alphabet="가나다라마바사", min_size=2, max_size=8), st.data())
def test_any_two_neighbouring_syllables_are_found(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    [asked] = phrases(word[at : at + 2])
    assert asked[0] in search_text(word).split()


@given(st.text(max_size=50))
def test_whatever_is_asked_becomes_plain_terms(text: str) -> None:
    for phrase in phrases(text):
        for term in phrase:
            assert term and not set(term) & set("\"'*:()&|!\\ \0")
