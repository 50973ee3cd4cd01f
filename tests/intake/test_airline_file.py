"""A file of real feedback: line breaks, quotes, emoji, and an id that a spreadsheet has damaged."""

from collections import Counter
from pathlib import Path

import pytest

from cfm_workflow.intake import Fingerprints, Mapping, Record, open_records

AIRLINE = Path(__file__).parents[2].parent / "shared" / "data" / "airline_feedback.csv"
FIELDS = {
    "text": "text",
    "received_at": "tweet_created",
    "customer.name": "name",
    "attributes.airline": "airline",
    "attributes.sentiment": "airline_sentiment",
}

pytestmark = pytest.mark.skipif(not AIRLINE.exists(), reason="airline_feedback.csv is not beside the repository")


def records() -> list[Record]:
    with open_records(AIRLINE) as file:
        found = list(file)
    assert all(isinstance(record, Record) for record in found)
    return [record for record in found if isinstance(record, Record)]


def test_all_of_it_is_read_and_nothing_is_refused() -> None:
    with open_records(AIRLINE) as file:
        mapping = Mapping.build(
            file.columns,
            source="airline",
            fields=FIELDS,
            date_format="%d-%m-%Y %H.%M",
            time_zone="America/New_York",
        )
    rows = [mapping.apply(record) for record in records()]
    assert len(rows) == 14_640
    assert all(row.text and row.received_at and row.customer["name"] for row in rows)


def test_its_id_does_not_identify_a_row_but_all_fields_and_the_number_do() -> None:
    found = records()
    assert len({record.values["tweet_id"] for record in found}) == 2_434
    twice = Counter(tuple(record.values.values()) for record in found)
    assert sum(count - 1 for count in twice.values()) == 36
    with Fingerprints() as fingerprints:
        assert len({fingerprints.of(record.values) for record in found}) == 14_640
