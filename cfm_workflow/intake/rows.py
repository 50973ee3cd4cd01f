"""CSV: physical lines become rows of fields, whatever stands between them and with a fault kept to its own record.

A quote that is never closed does not swallow the file: its record is refused and reading goes on in the line after
its first. Memory is one record of at most the limit.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from cfm_workflow import limits
from cfm_workflow.intake.lines import Lines, LineTooLong

REREAD: Final = 16 * 1024 * 1024
"""Characters that may be read again after open quotes until good records earn more: hostile files stay linear."""
EARNED: Final = 4

# A record is bounded below; csv's own bound per field (131,072, for the whole process) must only not be smaller.
csv.field_size_limit(max(csv.field_size_limit(), 2 * limits.IMPORT_LINE_BYTES + 2))


class Dialect(NamedTuple):
    """`escape`: how a quote stands inside quotes (doubled, backslash), or that there is no quoting (unquoted)."""

    delimiter: str
    escape: str
    quote: str
    skip_space: bool

    def options(self) -> dict[str, Any]:
        """The same for csv.reader."""
        options: dict[str, Any] = {"delimiter": self.delimiter, "skipinitialspace": self.skip_space, "strict": True}
        if self.escape == "unquoted":
            return options | {"quoting": csv.QUOTE_NONE}
        return options | {"quotechar": self.quote, "escapechar": "\\" if self.escape == "backslash" else None}


class Row(NamedTuple):
    """The fields of a record and the line it starts in."""

    line: int
    fields: list[str]


class BadRow(NamedTuple):
    """A record that is none."""

    line: int
    reason: str


class _Unclosed(Exception):
    """The record has grown past what may be read ahead."""


class CsvRows:
    """Iterates Row and BadRow; empty lines and rows of nothing but delimiters are passed over.

    After each: `size` in characters, `last_line`, `has_nul`, and `at_end` when the end of the file was seen in it.
    """

    def __init__(self, lines: Lines, dialect: Dialect, *, limit: int = limits.IMPORT_LINE_BYTES) -> None:
        self.size = 0
        self.has_nul = False
        self.at_end = False
        self._lines = lines
        self._limit = limit
        self._reread = REREAD
        self._again: deque[tuple[int, str | None]] = deque()
        self._taken: list[tuple[int, str | None]] = []
        self._reader = csv.reader(_Feed(self), **dialect.options())

    @property
    def last_line(self) -> int:
        return self._taken[-1][0] if self._taken else self._lines.number

    def __iter__(self) -> Iterator[Row | BadRow]:
        while True:
            self._begin()
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except (LineTooLong, _Unclosed, csv.Error) as fault:
                yield self._refuse(fault)
                continue
            self._reread = min(REREAD, self._reread + EARNED * self.size)
            if any(fields):
                yield Row(self._taken[0][0], fields)

    def take(self) -> str:
        """The next physical line of the record being read; for csv.reader."""
        number, text = self._again.popleft() if self._again else self._read()
        if text == "":
            self.at_end = True
            raise StopIteration
        self._taken.append((number, text))
        if text is None:
            raise LineTooLong
        self.size += len(text)
        if len(self._taken) > 1 and self.size > min(self._limit, self._reread):
            raise _Unclosed
        if "\0" in text:
            self.has_nul = True
        return text

    def _read(self) -> tuple[int, str | None]:
        try:
            text: str | None = self._lines.read()
        except LineTooLong:
            text = None
        return self._lines.number, text

    def _begin(self) -> None:
        self._taken.clear()
        self.size = 0
        self.has_nul = False

    def _refuse(self, fault: Exception) -> BadRow:
        """Refuse the record by its first line alone, and read what followed again: it was hardly meant to be in it."""
        (number, _), *rest = self._taken
        if not rest:
            reason = f"The line is longer than {self._limit:,} characters." if isinstance(fault, LineTooLong) else ""
            return BadRow(number, reason or _quoting_reason(fault))
        self._reread = max(0, self._reread - self.size)
        self._again.extendleft(reversed(rest))
        return BadRow(number, f"A quote opened in this line is not closed properly up to line {rest[-1][0]}.")


class _Feed:
    """The lines as csv.reader takes them: unlike a generator it goes on after an error."""

    def __init__(self, rows: CsvRows) -> None:
        self._rows = rows

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        return self._rows.take()


def _quoting_reason(fault: Exception) -> str:
    if "end of data" in str(fault):
        return "A quote opened in this line is never closed."
    return f"The quotes in this line do not fit: a quote inside a quoted field must be doubled or escaped ({fault})."
