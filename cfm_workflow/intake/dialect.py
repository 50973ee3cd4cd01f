"""How a CSV file separates and quotes its fields: said by somebody, or found out by trying.

Each candidate reads a sample; the one under which most of it has as many columns as the header wins. Prose with
commas in it does not mislead, since its commas come in no even number.
"""

from io import StringIO
from itertools import product
from typing import Final, NamedTuple

from cfm_workflow.intake.lines import Lines
from cfm_workflow.intake.refusals import FileRefused
from cfm_workflow.intake.rows import CsvRows, Dialect, Row

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SPELLED: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
ONE_COLUMN: Final = "\x1f"
"""Stands for "no delimiter": a character no file has."""

UNQUOTED: Final = ("\t", "|", ONE_COLUMN)
"""Delimiters that files without any quoting use; with the others a field could not hold its own delimiter."""

PLAUSIBLE: Final = 0.3
"""The share of a sample that must fit a candidate with two columns or more."""
MARGIN: Final = 0.05
"""By how much reading without quoting must fit better than with: a stray quote alone does not mean there is none."""


class Trial(NamedTuple):
    """How well a dialect reads the sample: `fit` is the share of characters in records like the header, of a record
    that is still open at the end of the sample half.
    """

    fit: float
    columns: int


def sniff(sample: str, *, delimiter: str | None, whole: bool) -> Dialect:
    """The dialect under which the sample reads best.

    Args:
        sample: the beginning of the file.
        delimiter: one character, or comma, semicolon, tab, pipe; only the quoting is looked for then.
        whole: the sample is the whole file, so its last record is complete.

    Raises:
        FileRefused: the delimiter is none.
    """
    if delimiter is not None:
        delimiter = read_delimiter(delimiter)
    tried = [(_try(dialect, sample, whole=whole), dialect) for dialect in _candidates(sample, delimiter)]
    fitting = [entry for entry in tried if delimiter or (entry[0].columns > 1 and entry[0].fit >= PLAUSIBLE)]
    if not fitting:
        fitting = [(_try(dialect, sample, whole=whole), dialect) for dialect in _candidates(sample, ONE_COLUMN)]
    return max(fitting, key=lambda entry: (round(entry[0].fit, 1), entry[0].columns, entry[0].fit))[1]


def read_delimiter(given: str) -> str:
    """One character from what somebody wrote for it."""
    delimiter = SPELLED.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in "\"'\\\r\n\0 " or delimiter.isalnum():
        raise FileRefused("delimiter", f"{given!r} is no delimiter: one character, or comma, semicolon, tab, pipe.")
    return delimiter


def described(dialect: Dialect) -> str:
    """The dialect in words, for the person whose file it is."""
    if dialect.delimiter == ONE_COLUMN:
        separated = "one column"
    else:
        separated = f"separated by {DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))}"
    quoting = {"doubled": "quotes doubled", "backslash": "quotes after a backslash", "unquoted": "no quoting"}
    spaces = ", spaces after it" if dialect.skip_space else ""
    return f"{separated}{spaces}, {quoting[dialect.escape]}"


def _candidates(sample: str, delimiter: str | None) -> list[Dialect]:
    delimiters = [delimiter] if delimiter else [char for char in DELIMITERS if char in sample]
    quote = "'" if sample.startswith("'") else '"'
    possible = {"doubled": True, "backslash": f"\\{quote}" in sample, "unquoted": quote in sample}
    return [
        Dialect(char, escape, quote=quote, skip_space=skip_space)
        for char, escape, skip_space in product(delimiters, possible, (False, True))
        if possible[escape]
        and (escape != "unquoted" or char in UNQUOTED)
        and (not skip_space or f"{char} {quote}" in sample)
    ]


def _try(dialect: Dialect, sample: str, *, whole: bool) -> Trial:
    lines = Lines(StringIO(sample, newline=""), limit=len(sample) + 1)
    rows = CsvRows(lines, dialect, limit=len(sample) + 1)
    columns, fitting = 0, 0.0
    for row in rows:
        if rows.at_end and not whole:
            fitting += rows.size / 2
            break
        columns = columns or (len(row.fields) if isinstance(row, Row) else 1)
        fitting += rows.size if isinstance(row, Row) and len(row.fields) == columns else 0
    fit = fitting / max(1, len(sample))
    return Trial(fit - MARGIN if dialect.escape == "unquoted" else fit, columns)
