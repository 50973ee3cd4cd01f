"""CSV of any dialect becomes records; a fault stays with its own record."""

import csv
import io
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.intake import BadRecord, FileRefused, Record, open_records

LIMIT = 1024 * 1024


def read(folder: Path, content: str | bytes, **options: Any) -> list[Record | BadRecord]:
    path = folder / "feedback.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_records(path, **options) as file:
        return list(file)


def values(records: list[Record | BadRecord]) -> list[list[Any]]:
    return [list(record.values.values()) for record in records if isinstance(record, Record)]


def bad(records: list[Record | BadRecord]) -> list[tuple[int, str | None]]:
    return [(record.line, record.field) for record in records if isinstance(record, BadRecord)]


PROSE = 'Slow, rude; and late | "never" again'
DIALECTS = [
    # delimiter  quoting             doubled
    (",", csv.QUOTE_MINIMAL, True),
    (";", csv.QUOTE_MINIMAL, True),
    ("\t", csv.QUOTE_MINIMAL, True),
    ("|", csv.QUOTE_MINIMAL, True),
    (",", csv.QUOTE_ALL, True),
    (";", csv.QUOTE_ALL, True),
    (",", csv.QUOTE_ALL, False),
    (";", csv.QUOTE_MINIMAL, False),
    ("\t", csv.QUOTE_ALL, False),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp949"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("delimiter", "quoting", "doubled"), DIALECTS)
def test_every_dialect_is_found_out(
    tmp_path: Path, delimiter: str, quoting: Any, doubled: bool, line_end: str, encoding: str
) -> None:
    rows = [["1", PROSE, "3,5"], ["2", f"배송이{line_end}늦었어요", ""], ["3", "뭐, 괜찮아요", "x"]]
    text = io.StringIO(newline="")
    options: dict[str, Any] = {"doublequote": doubled, "escapechar": None if doubled else "\\"}
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end, **options)
    writer.writerows([["id", "comment, in full", "note"], *rows])
    assert values(read(tmp_path, text.getvalue().encode(encoding))) == rows


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width).filter(any), min_size=1, max_size=6)
)


@given(
    table=tables,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
)
def test_what_is_written_comes_back(
    table: list[list[str]], delimiter: str, quoting: Any, line_end: str, encoding: str
) -> None:
    if any(char in cell for row in table for cell in row for char in "\r\n"):
        quoting = csv.QUOTE_ALL  # csv.writer leaves the line ends it does not write itself unquoted
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([[f"column {number}" for number in range(len(table[0]))], *table])
    with TemporaryDirectory() as folder:
        found = read(Path(folder), text.getvalue().encode(encoding), encoding=encoding, delimiter=delimiter)
    assert values(found) == table


FILES = [
    # content                                          records
    ("text\nhello, world\nthis; is\n", [["hello, world"], ["this; is"]]),
    ('text\n"hello, world"\n', [["hello, world"]]),
    ("sep=;\r\na;b\r\n1,5;x\r\n", [["1,5", "x"]]),
    ('a, b\n1, "x, y"\n2, "z"\n', [["1", "x, y"], ["2", "z"]]),
    ("'a','b'\n'1','x, ''y'''\n", [["1", "x, 'y'"]]),
    ('a\tb\n1\t"oops\n2\t5" pipe\n3\tx "y"\n', [["1", '"oops'], ["2", '5" pipe'], ["3", 'x "y"']]),
    ("a,b\n\n1,x\n   \n,\n\n2,y", [["1", "x"], ["2", "y"]]),
    ("a,b\n", []),
]


@pytest.mark.parametrize(("content", "expected"), FILES)
def test_files_as_people_have_them_are_read(tmp_path: Path, content: str, expected: list[list[str]]) -> None:
    found = read(tmp_path, content)
    assert values(found) == expected
    assert [line for line, _ in bad(found) if content[:1] != "a"] == []


def test_what_was_found_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_bytes("text;name\nsuper;Jürgen\n".encode("cp1252"))
    with open_records(path) as file:
        assert (file.format, file.columns, file.encoding.name) == ("csv", ["text", "name"], "cp1252")
        assert "semicolon" in file.dialect


@pytest.mark.parametrize("spelled", ["tab", "\t", "\\t"])
def test_a_given_delimiter_is_used(tmp_path: Path, spelled: str) -> None:
    assert values(read(tmp_path, "a,b\tc\n1,2\t3\n", delimiter=spelled)) == [["1,2", "3"]]


@pytest.mark.parametrize("wrong", ["", "ab", '"', "\n", "x", "7", "\0"])
def test_a_wrong_delimiter_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(FileRefused) as caught:
        read(tmp_path, "a,b\n1,2\n", delimiter=wrong)
    assert caught.value.field == "delimiter"


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    content = 'a,b\r\n\r\n1,"x\r\ny\nz"\r\n2,x\r\n3\r\n'
    found = read(tmp_path, content)
    assert [record.line for record in found] == [3, 6, 7]
    assert bad(found) == [(7, None)]


FAULTS = [
    # content                                         bad lines              records
    ("a,b\n1\n2,x\n", [(2, None)], [["2", "x"]]),
    ("a,b\n1,2,3\n2,x\n", [(2, None)], [["2", "x"]]),
    ("a,b\n1,x\0y\n2,x\n", [(2, "b")], [["2", "x"]]),
    ('a,b\n1,"open\n2,x\n3,"y"\n', [(2, None)], [["2", "x"], ["3", "y"]]),
    ('a,b\n1,x\n2,"open\n', [(3, None)], [["1", "x"]]),
    ('a,b\n1,"open\n2,x\n3,y', [(2, None)], [["2", "x"], ["3", "y"]]),
    ('a,b\n1,"x"y\n2,x\n', [(2, None)], [["2", "x"]]),
    ('"a","b"\n"1","open\n"2","x"\n', [(2, None)], [["2", "x"]]),
]


@pytest.mark.parametrize(("content", "refused", "kept"), FAULTS)
def test_a_fault_stays_with_its_record(
    tmp_path: Path, content: str, refused: list[tuple[int, str | None]], kept: list[list[str]]
) -> None:
    found = read(tmp_path, content)
    assert bad(found) == refused
    assert values(found) == kept


HEADERS = ["\n\n", "a,,b\n1,2,3\n", "a,b,a\n1,2,3\n", "a, b,b\n1,2,3\n", "a,b\0\n1,2\n", "x" * 2 * LIMIT]


@pytest.mark.parametrize("content", HEADERS)
def test_a_header_that_names_no_columns_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(FileRefused) as caught:
        read(tmp_path, content)
    assert caught.value.field == "file"


def test_an_unclosed_quote_costs_one_record_of_a_long_file(tmp_path: Path) -> None:
    found = read(tmp_path, 'a,b\n1,"open\n' + "2,a line of some length\n" * 60_000)
    assert bad(found) == [(2, None)]
    assert len(found) == 60_001


def test_a_file_full_of_unclosed_quotes_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text("a,b\n" + 'x","\n' * 50_000)
    with open_records(path, delimiter=",") as file:
        assert sum(isinstance(record, BadRecord) for record in file) > 0


def test_a_quoted_field_longer_than_the_sample_does_not_mislead(tmp_path: Path) -> None:
    text = "x y; z\n" * 30_000
    found = read(tmp_path, f'a,b\n1,"{text}"\n2,ok\n')
    assert values(found) == [["1", text], ["2", "ok"]]


def test_a_line_beyond_the_limit_is_refused_and_reading_goes_on(tmp_path: Path) -> None:
    long = "x" * (2 * LIMIT)
    found = read(tmp_path, f'a,b\r\n1,{long}\r\n2,ok\r\n3,"{long}"\r\n4,"open\r\n{long}\r\n5,ok\r\n')
    assert bad(found) == [(3 - 1, None), (4, None), (5, None), (6, None)]
    assert values(found) == [["2", "ok"], ["5", "ok"]]


def test_a_limit_that_falls_between_cr_and_lf_does_not_shift_the_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b\r\n" + "x" * LIMIT + "\r\n2,ok\r\n")
    assert [record.line for record in found] == [2, 3]


@pytest.mark.parametrize(("name", "head"), [("f.csv", b"a,b\n1,"), ("f.jsonl", b'{"a": "')])
def test_a_huge_line_takes_no_memory(tmp_path: Path, name: str, head: bytes) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(head)
        file.truncate(50 * LIMIT)  # a hole: zeros without a line end
        file.seek(50 * LIMIT)
        file.write(b'\n{"a": 2}\n')
    tracemalloc.start()
    try:
        with open_records(path, encoding="utf-8", delimiter=",") as records:
            found = list(records)
            assert records.bytes_read == records.size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found[0].line == (2 if name == "f.csv" else 1)
    assert isinstance(found[0], BadRecord)
    assert len(found) == 2
    assert peak < 6 * LIMIT


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text("a,b\n" + "1,some text\n" * 100_000)
    with open_records(path) as file:
        seen = [file.bytes_read for _ in file]
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] == file.size


def test_a_format_that_is_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as caught:
        read(tmp_path, "a,b\n", format="xml")
    assert caught.value.field == "format"
