"""What is wrong with a whole file, and what is wrong with one row of it."""

from difflib import get_close_matches

from cfm_workflow.errors import CfmError, Invalid


class FileRefused(Invalid):
    """The file as a whole cannot be read as it stands.

    `field` is the option that would put it right (`encoding`, `delimiter`, `format`) or `file`; `byte` counts from 0
    and `line` from 1 where the place is known.
    """

    def __init__(self, field: str, reason: str, *, byte: int | None = None, line: int | None = None) -> None:
        self.field = field
        self.reason = reason
        self.byte = byte
        self.line = line
        super().__init__({field: [reason]}, reason)


class RowError(CfmError):
    """One row cannot become feedback; `field` is our name of the field, `column` the file's."""

    def __init__(self, field: str, reason: str, *, column: str | None = None) -> None:
        self.field = field
        self.column = column
        self.reason = reason if column in (None, field) else f"{reason} (column {column!r})"
        super().__init__(f"{field}: {self.reason}")


class Unfit(ValueError):
    """A value that its field does not take; the text says what would be right."""


def suggestion(wrong: str, known: list[str]) -> str:
    """A sentence with the closest of the known names, or an empty text."""
    close = get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
