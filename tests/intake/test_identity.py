"""A row imported again is known again, however often it occurs in its file."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.intake import Fingerprints, fingerprint

ALICE = {"text": "late", "name": "Alice"}
BOB = {"text": "late", "name": "Bob"}

rows = st.lists(st.fixed_dictionaries({"text": st.sampled_from("ab"), "name": st.sampled_from("xy")}), max_size=12)


def test_equal_rows_are_told_apart_by_their_number() -> None:
    with Fingerprints() as fingerprints:
        found = [fingerprints.of(row) for row in (ALICE, BOB, ALICE)]
    assert found == [fingerprint(ALICE), fingerprint(BOB), fingerprint(ALICE, number=2)]
    assert len(set(found)) == 3
    assert all(len(each) == 32 for each in found)


@given(rows)
def test_a_file_read_twice_gives_the_same_fingerprints_and_no_two_alike(file: list[dict[str, str]]) -> None:
    with Fingerprints() as first, Fingerprints() as second:
        found = [first.of(row) for row in file]
        assert found == [second.of(row) for row in file]
    assert len(set(found)) == len(file)


def test_the_order_of_columns_does_not_matter_but_their_borders_do() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "1", "b": "2"}) != fingerprint({"a": "12", "b": ""})
    assert fingerprint({"a": "1"}) != fingerprint({"a": 1})


def test_fingerprints_never_change() -> None:
    """They are stored: another value would import every file a second time."""
    assert fingerprint(ALICE) == "d8bb46b3726549483b19470d91c7e438"


def test_counting_rows_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        with Fingerprints() as fingerprints:
            for number in range(20_000):
                fingerprints.of({"id": number})
            before = tracemalloc.get_traced_memory()[0]
            for number in range(20_000, 40_000):
                fingerprints.of({"id": number})
            assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()
