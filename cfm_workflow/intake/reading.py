"""Opens a file of feedback, CSV or JSONL, and gives its records one by one with the line each starts in.

A fault in one record is given as a BadRecord and reading goes on; a fault of the whole file is a FileRefused.
"""

from collections.abc import Iterator
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol

from cfm_workflow import limits
from cfm_workflow.intake.dialect import described, read_delimiter, sniff
from cfm_workflow.intake.encoding import Encoding, detect_encoding
from cfm_workflow.intake.json_lines import BadLine, read_json
from cfm_workflow.intake.lines import Lines, LineTooLong
from cfm_workflow.intake.refusals import FileRefused
from cfm_workflow.intake.rows import BadRow, CsvRows, Dialect

FORMATS: Final = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
SAMPLE: Final = 64 * 1024
BUFFER: Final = 256 * 1024


class Record(NamedTuple):
    """What one record holds, by column; nested JSON objects are dotted columns (`customer.name`)."""

    line: int
    values: dict[str, Any]


class BadRecord(NamedTuple):
    """A record that cannot be read; `field` is its column where one is to blame."""

    line: int
    field: str | None
    reason: str


class _Reader(Protocol):
    columns: list[str] | None
    dialect: str

    def __iter__(self) -> Iterator[Record | BadRecord]: ...


class RecordFile:
    """An open file. `columns` is the header of a CSV file, None for JSONL; `dialect` and `encoding` say what was found.

    `bytes_read` of `size` runs ahead of the records by at most a buffer.
    """

    def __init__(self, path: Path, *, kind: str, encoding: Encoding, delimiter: str | None) -> None:
        self.format = kind
        self.encoding = encoding
        self.size = path.stat().st_size
        self._raw = FileIO(path)
        # JSONL has one line end; CSV takes all three, and they are kept inside quotes.
        self._stream = TextIOWrapper(
            BufferedReader(self._raw, BUFFER), encoding=encoding.name, newline="\n" if kind == "jsonl" else ""
        )
        try:
            lines = Lines(self._stream, limit=limits.IMPORT_LINE_BYTES)
            self._reader: _Reader = (
                _Json(lines) if kind == "jsonl" else _Csv(lines, *_dialect(path, encoding, delimiter))
            )
        except BaseException:
            self.close()
            raise
        self.columns = self._reader.columns
        self.dialect = self._reader.dialect

    @property
    def bytes_read(self) -> int:
        return self.size if self._raw.closed else min(self.size, self._raw.tell())

    def __iter__(self) -> Iterator[Record | BadRecord]:
        try:
            yield from self._reader
        except UnicodeDecodeError as error:
            raise FileRefused("file", f"The file has changed while it was read: {error.reason}.") from None

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> "RecordFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_records(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002  the name of the option
    encoding: Encoding | str | None = None,
    delimiter: str | None = None,
) -> RecordFile:
    """Open a file of feedback for reading, once, from its beginning.

    Args:
        format: csv or jsonl; without it the file's ending, then its content, decide.
        encoding: as found by `detect_encoding`, or the name of one; without it, it is found out.
        delimiter: one character or its name; without it, it is found out.

    Raises:
        FileRefused: no text, no header, columns without a name or with the same one, a wrong option.
    """
    if not isinstance(encoding, Encoding):
        encoding = detect_encoding(path, encoding)
    return RecordFile(path, kind=_format(path, format, encoding), encoding=encoding, delimiter=delimiter)


def _format(path: Path, given: str | None, encoding: Encoding) -> str:
    if given is not None and given not in ("csv", "jsonl"):
        raise FileRefused("format", f"{given!r} is no format that can be read: csv or jsonl.")
    start = _sample(path, encoding).lstrip()[:1]
    if given != "csv" and start == "[" and path.suffix not in (".csv", ".tsv"):
        raise FileRefused("format", "The file is one JSON array: write one object per line instead (JSONL).")
    return given or FORMATS.get(path.suffix.lower()) or ("jsonl" if start == "{" else "csv")


def _sample(path: Path, encoding: Encoding) -> str:
    with path.open(encoding=encoding.name, newline="") as file:
        return file.read(SAMPLE)


def _dialect(path: Path, encoding: Encoding, delimiter: str | None) -> tuple[Dialect, bool]:
    """The dialect, and whether Excel's `sep=;` stands in a line of its own before the header."""
    sample = _sample(path, encoding)
    whole = len(sample) < SAMPLE
    first, _, rest = sample.partition("\n")
    if first[:4].lower() != "sep=" or len(first.rstrip("\r")) != 5:
        return sniff(sample, delimiter=delimiter, whole=whole), False
    return sniff(rest, delimiter=delimiter or read_delimiter(first[4]), whole=whole), True


class _Csv:
    """Rows under a header."""

    def __init__(self, lines: Lines, dialect: Dialect, has_sep_line: bool) -> None:
        if has_sep_line:
            lines.read()
        self.dialect = described(dialect)
        self._csv = CsvRows(lines, dialect)
        self._rows = iter(self._csv)
        self.columns: list[str] | None = _header(self._rows)

    def __iter__(self) -> Iterator[Record | BadRecord]:
        columns = self.columns or []
        rows = self._csv
        for row in self._rows:
            if isinstance(row, BadRow):
                yield BadRecord(row.line, None, row.reason)
            elif len(row.fields) != len(columns):
                yield BadRecord(row.line, None, _count_reason(len(row.fields), len(columns), row.line, rows.last_line))
            elif rows.has_nul:
                yield _nul(row.line, columns, row.fields)
            else:
                yield Record(row.line, dict(zip(columns, row.fields, strict=True)))


def _header(rows: Iterator[Any]) -> list[str]:
    row = next(rows, None)
    if row is None:
        raise FileRefused("file", "The file has no header line.")
    if isinstance(row, BadRow):
        raise FileRefused("file", f"The header cannot be read. {row.reason}", line=row.line)
    names = [name.strip() for name in row.fields]
    for position, name in enumerate(names, 1):
        if not name:
            raise FileRefused("file", f"Column {position} of the header has no name.", line=row.line)
        if "\0" in name:
            raise FileRefused("file", f"The name of column {position} holds a NUL character.", line=row.line)
        if name in names[: position - 1]:
            raise FileRefused("file", f"The header has two columns named {name!r}.", line=row.line)
    return names


def _count_reason(found: int, expected: int, first: int, last: int) -> str:
    span = f" (lines {first} to {last})" if last > first else ""
    return f"The record has {found} column{'s' * (found != 1)} where the header has {expected}{span}."


def _nul(line: int, columns: list[str], fields: list[str]) -> BadRecord:
    column = next(name for name, value in zip(columns, fields, strict=True) if "\0" in value)
    return BadRecord(line, column, "The value holds a NUL character, which cannot be stored.")


class _Json:
    """One JSON object per line."""

    columns: list[str] | None = None
    dialect = "one JSON object per line"

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Record | BadRecord]:
        lines = self._lines
        while True:
            try:
                text = lines.read()
            except LineTooLong:
                yield BadRecord(lines.number, None, f"The line is longer than {limits.IMPORT_LINE_BYTES:,} characters.")
                continue
            if not text:
                return
            if text.isspace():
                continue
            try:
                yield Record(lines.number, read_json(text))
            except BadLine as bad:
                yield BadRecord(lines.number, bad.field, bad.reason)
