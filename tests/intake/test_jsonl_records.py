"""JSONL: one object per line becomes one flat record; a fault stays with its own line."""

import json
from pathlib import Path

import pytest

from cfm_workflow.intake import BadRecord, FileRefused, Record, open_records


def read(folder: Path, content: str, name: str = "feedback.jsonl") -> list[Record | BadRecord]:
    path = folder / name
    path.write_text(content, newline="")
    with open_records(path) as file:
        return list(file)


def test_nested_objects_are_dotted_columns(tmp_path: Path) -> None:
    line = {"text": "late", "customer": {"name": "Ada"}, "attributes": {"tags": ["a", {"b": 1}], "n": 1.5}}
    (record,) = read(tmp_path, json.dumps(line) + "\n")
    assert isinstance(record, Record)
    assert record.values == {
        "text": "late",
        "customer.name": "Ada",
        "attributes.tags": ["a", {"b": 1}],
        "attributes.n": 1.5,
    }


BAD_LINES = [
    # line                                            field
    ("[1]", None),
    ('"text"', None),
    ("null", None),
    ('{"a": 1', None),
    ('{"a": NaN}', None),
    ('{"a": "x\\u0000y"}', "a"),
    ('{"a": {"b": ["\\u0000"]}}', "a"),
    ('{"a": "\\ud800"}', "a"),
    ('{"a": 1, "b": ["\\uDC00"]}', "b"),
    ('{"\\u0000": 1}', "\ufffd"),
    ('{"a":' + "[" * 10_000 + "]" * 10_000 + "}", None),
    ('{"a":' * 10_000 + "1" + "}" * 10_000, None),
    ('{"a":' + "[" * 10_000, None),
    ('{"a":' + "[" * 100 + "]" * 100 + "}", "a"),
    ('{"a": {"b": 1}, "a.b": 2}', "a.b"),
    ('{"a": "' + "x" * 1024 * 1024 + '"}', None),
]


@pytest.mark.parametrize(("line", "field"), BAD_LINES)
def test_a_bad_line_is_refused_by_number_and_field(tmp_path: Path, line: str, field: str | None) -> None:
    first, second, third = read(tmp_path, f'{{"a": 1}}\n\n{line}\r\n{{"a": 2}}')
    assert isinstance(second, BadRecord)
    assert (first.line, second.line, second.field, third.line) == (1, 3, field, 4)


def test_a_pair_of_surrogates_is_a_character(tmp_path: Path) -> None:
    (record,) = read(tmp_path, '{"text": "\\ud83d\\ude00"}')
    assert isinstance(record, Record)
    assert record.values == {"text": "😀"}


@pytest.mark.parametrize("name", ["feedback.ndjson", "feedback", "feedback.txt"])
def test_jsonl_is_known_by_its_ending_or_its_content(tmp_path: Path, name: str) -> None:
    assert len(read(tmp_path, '{"text": "a"}\n{"text": "b"}\n', name)) == 2


def test_one_json_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as caught:
        read(tmp_path, '[{"text": "a"}]', "feedback.json")
    assert caught.value.field == "format"
