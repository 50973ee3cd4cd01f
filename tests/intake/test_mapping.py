"""Columns become fields: what is wrong with the mapping is refused at once, what is wrong with a row by field."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cfm_workflow.errors import Invalid
from cfm_workflow.intake import FeedbackRow, Mapping, Record, RowError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COLUMNS = ["comment", "rating", "kind", "who", "mail", "at", "airline"]


def mapping(fields: dict[str, str] | None = None, columns: list[str] | None = COLUMNS, **options: Any) -> Mapping:
    options = {"source": "survey", "now": NOW} | options
    return Mapping.build(columns, fields={"text": "comment"} if fields is None else fields, **options)


def apply(fields: dict[str, str], values: dict[str, Any], **options: Any) -> FeedbackRow:
    values = {"comment": "late"} | values
    return mapping({"text": "comment"} | fields, **options).apply(Record(2, values))


def test_a_row_has_its_fields_trimmed_and_empty_ones_left_out() -> None:
    fields = {
        "score": "rating",
        "metric": "kind",
        "customer.name": "who",
        "customer.email": "mail",
        "attributes.airline": "airline",
    }
    values = {"comment": "  late ", "rating": " 3 ", "kind": "CSAT", "who": "Ada", "mail": "  ", "airline": ""}
    assert apply(fields, values, constants={"channel": "twitter"}) == FeedbackRow(
        source="survey", text="late", channel="twitter", metric="csat", score=3, customer={"name": "Ada"}
    )


WRONG_MAPPINGS: list[tuple[dict[str, Any], str]] = [
    # options                                                                    named
    ({"fields": {"text": "coment"}}, "map.text"),
    ({"fields": {"rating": "rating", "text": "comment"}}, "map.rating"),
    ({"fields": {"score": "rating", "metric": "kind"}}, "map.text"),
    ({"fields": {"text": "comment", "attributes.": "airline"}}, "map.attributes."),
    ({"fields": {"text": "comment", "score": "rating"}}, "map.metric"),
    ({"fields": {"text": "comment", "metric": "kind"}}, "map.score"),
    ({"fields": {}}, "map.text"),
    ({"constants": {"metric": "stars"}}, "constant.metric"),
    ({"constants": {"external_id": "1"}}, "constant.external_id"),
    ({"constants": {"colour": "red"}}, "constant.colour"),
    ({"constants": {"channel": "x" * 51}}, "constant.channel"),
    ({"constants": {"channel": "a\0b"}}, "constant.channel"),
    ({"fields": {"text": "comment", "channel": "kind"}, "constants": {"channel": "web"}}, "constant.channel"),
    ({"source": " "}, "source"),
    ({"source": "x" * 101}, "source"),
    ({"time_zone": "Asia/Seol"}, "time_zone"),
    ({"time_zone": "../etc/passwd"}, "time_zone"),
    ({"time_zone": "Europe"}, "time_zone"),
    ({"date_format": "%H.%M"}, "date_format"),
    ({"date_format": "%Y-%m"}, "date_format"),
    ({"date_format": "%Y-%m-%d %Q"}, "date_format"),
    ({"date_format": "%Y-%m-%d %"}, "date_format"),
    ({"date_format": "%Y-%m-%d %Z"}, "date_format"),
    ({"fields": {"text": "comment", "received_at": "at"}, "date_format": "%d-%m-%Y"}, "time_zone"),
]


@pytest.mark.parametrize(("options", "named"), WRONG_MAPPINGS)
def test_a_wrong_mapping_is_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid) as caught:
        mapping(**options)
    assert named in caught.value.errors


def test_an_absent_column_is_named_with_those_there_are_and_the_closest() -> None:
    with pytest.raises(Invalid) as caught:
        mapping({"text": "coment"})
    (sentence,) = caught.value.errors["map.text"]
    assert "'coment'" in sentence
    assert "'comment'" in sentence
    assert all(column in sentence for column in COLUMNS)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        mapping({"text": "x", "colour": "y"}, source="", time_zone="z", constants={"metric": "stars"})
    assert set(caught.value.errors) >= {"map.text", "map.colour", "source", "time_zone", "constant.metric"}


def test_without_a_mapping_columns_named_like_fields_are_taken() -> None:
    columns = ["id", "text", "customer.name", "attributes.shop"]
    row = mapping({}, columns).apply(
        Record(2, {"id": "1", "text": "late", "customer.name": "Ada", "attributes.shop": "Mapo"})
    )
    assert row == FeedbackRow(source="survey", text="late", customer={"name": "Ada"}, attributes={"shop": "Mapo"})


def test_without_a_mapping_a_json_record_keeps_all_its_attributes() -> None:
    row = mapping({}, None).apply(Record(1, {"text": "late", "attributes.tags": ["a"], "attributes.n": 3, "x": 1}))
    assert row.attributes == {"tags": ["a"], "n": 3}


WRONG_ROWS: list[tuple[str, Any]] = [
    # field                value
    ("external_id", "x" * 201),
    ("external_id", 1e20),
    ("external_id", True),
    ("channel", "x" * 51),
    ("touchpoint", ["a"]),
    ("language", "korean language"),
    ("received_at", "2026-02-30T00:00:00Z"),
    ("received_at", "yesterday"),
    ("received_at", "2026-11-01T10:00:00"),
    ("received_at", "1969-12-31T23:59:59Z"),
    ("received_at", "2101-01-01T00:00:00Z"),
    ("received_at", "0001-01-01T00:00:00+14:00"),
    ("received_at", "9999-12-31T23:59:59-14:00"),
    ("received_at", (NOW + timedelta(days=2)).isoformat()),
    ("received_at", 1_600_000_000),
    ("customer.email", "ada"),
    ("customer.email", "ada@"),
    ("customer.email", "ada@example"),
    ("customer.email", "a b@example.com"),
    ("customer.email", "ada@example..com"),
    ("customer.email", "ada@example.com, bob@example.com"),
    ("customer.name", "x" * 201),
    ("customer.phone", "x" * 51),
    ("customer.language", "?"),
    ("attributes.deep", [[[[[[1]]]]]]),
]


@pytest.mark.parametrize(("field", "value"), WRONG_ROWS)
def test_a_value_that_does_not_fit_is_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(RowError) as caught:
        apply({field: "airline"}, {"airline": value})
    assert (caught.value.field, caught.value.column) == (field, "airline")


@pytest.mark.parametrize("value", ["", "  ", None, "x" * 20_001, ["a"], {"a": 1}, 1.5])
def test_a_text_is_needed_and_not_too_long(value: Any) -> None:
    with pytest.raises(RowError) as caught:
        apply({}, {"comment": value})
    assert caught.value.field == "text"


def test_a_text_of_the_full_length_is_kept() -> None:
    assert len(apply({}, {"comment": "가" * 20_000}).text) == 20_000


SCALES = [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7), ("gcr", 0, 1)]


@pytest.mark.parametrize(("metric", "low", "high"), SCALES)
def test_a_score_lies_on_the_scale_of_its_metric(metric: str, low: int, high: int) -> None:
    fields = {"score": "rating", "metric": "kind"}
    for value in range(low, high + 1):
        assert apply(fields, {"rating": str(value), "kind": metric.upper()}).score == value
        assert apply(fields, {"rating": float(value), "kind": metric}).score == value
    for value in (low - 1, high + 1):
        with pytest.raises(RowError) as caught:
            apply(fields, {"rating": str(value), "kind": metric})
        assert caught.value.field == "score"


@pytest.mark.parametrize("value", ["3.5", "three", "３", "1e1", 2.5, True, [3], 1e300, "9" * 5000, float("inf")])
def test_a_score_is_a_whole_number(value: Any) -> None:
    with pytest.raises(RowError) as caught:
        apply({"score": "rating"}, {"rating": value}, constants={"metric": "nps"})
    assert caught.value.field == "score"


def test_a_score_and_its_metric_come_together() -> None:
    fields = {"score": "rating", "metric": "kind"}
    with pytest.raises(RowError) as without_metric:
        apply(fields, {"rating": "3", "kind": ""})
    with pytest.raises(RowError) as without_score:
        apply(fields, {"rating": "", "kind": "nps"})
    assert (without_metric.value.field, without_score.value.field) == ("metric", "score")


def test_a_row_without_a_score_has_no_metric_where_the_metric_is_the_same_for_all() -> None:
    row = apply({"score": "rating"}, {"rating": " "}, constants={"metric": "nps"})
    assert (row.metric, row.score) == (None, None)


INSTANTS = [
    # text                          date_format          time_zone           instant
    ("2026-02-24T11:35:00+09:00", None, None, "2026-02-24T02:35Z"),
    ("2010-01-13 08:40:25Z", None, None, "2010-01-13T08:40:25Z"),
    ("2026-02-24 11:35", None, "Asia/Seoul", "2026-02-24T02:35Z"),
    ("2026-02-24", None, "Asia/Seoul", "2026-02-23T15:00Z"),
    ("24-02-2015 11.35", "%d-%m-%Y %H.%M", "America/New_York", "2015-02-24T16:35Z"),
    ("24/02/15 11:35 +0900", "%d/%m/%y %H:%M %z", None, "2015-02-24T02:35Z"),
    ("2026-03-29 02:30", None, "Europe/Berlin", "2026-03-29T01:30Z"),  # skipped: 03:30 there
    ("2026-10-25 02:30", None, "Europe/Berlin", "2026-10-25T00:30Z"),  # twice: the first
    ("1970-01-01T00:00:00Z", None, None, "1970-01-01T00:00Z"),
    ("2026-11-21T11:00:00Z", None, None, "2026-11-21T11:00Z"),  # 23 hours ahead
]


@pytest.mark.parametrize(("text", "date_format", "time_zone", "expected"), INSTANTS)
def test_times_become_instants_in_utc(text: str, date_format: str | None, time_zone: str | None, expected: str) -> None:
    row = apply({"received_at": "at"}, {"at": f" {text} "}, date_format=date_format, time_zone=time_zone)
    assert row.received_at == datetime.fromisoformat(expected)
    assert row.received_at.tzinfo is UTC


@pytest.mark.parametrize(
    "address", ["ada@example.com", "a.b+c@mail.example.co.kr", "o'neil@bücher.example", "홍@예시.한국"]
)
def test_an_address_is_kept_as_it_is(address: str) -> None:
    assert apply({"customer.email": "mail"}, {"mail": f" {address} "}).customer == {"email": address}


def test_attributes_are_at_most_fifty_and_eight_thousand_bytes() -> None:
    with pytest.raises(Invalid):
        mapping({"text": "comment"} | {f"attributes.a{number}": "who" for number in range(51)})
    with pytest.raises(RowError):
        mapping({}, None).apply(Record(1, {"text": "late"} | {f"attributes.a{number}": 1 for number in range(51)}))
    with pytest.raises(RowError) as caught:
        apply({"attributes.note": "who"}, {"who": "가" * 2_700})
    assert caught.value.field == "attributes"
