"""Physical lines of a text, one at a time, none longer than the limit: the rest of a longer one is thrown away unread.

Memory is bounded whatever the file holds.
"""

from typing import Final, TextIO

DISCARD: Final = 64 * 1024


class LineTooLong(Exception):
    """The line just read was longer than the limit; the next one can be read."""


class Lines:
    """Reads lines with their ends kept; `number` is that of the line read last, from 1."""

    def __init__(self, stream: TextIO, *, limit: int) -> None:
        self.number = 0
        self._stream = stream
        self._readline = stream.readline
        self._limit = limit
        self._cut_in_crlf = False

    def read(self) -> str:
        """The next line, empty at the end of the file.

        Raises:
            LineTooLong: it is longer than the limit (in characters); it has been passed over.
        """
        line = self._readline(self._limit + 1)
        if self._cut_in_crlf:
            self._cut_in_crlf = False
            if line == "\n":
                line = self._readline(self._limit + 1)
        if not line:
            return line
        self.number += 1
        if len(line) <= self._limit:
            return line
        self._pass_over(line)
        raise LineTooLong

    def _pass_over(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._readline(DISCARD)
        self._cut_in_crlf = line.endswith("\r")
