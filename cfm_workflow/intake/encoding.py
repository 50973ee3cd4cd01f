"""Finds out how a file's bytes become characters, and says how it knows.

Reads the file in pieces; never replaces or skips a byte it cannot decode.
"""

import codecs
from pathlib import Path
from typing import Final, NamedTuple

from cfm_workflow.intake.guess import guess_legacy
from cfm_workflow.intake.refusals import FileRefused

PIECE: Final = 256 * 1024
SAMPLE: Final = 64 * 1024


class Mark(NamedTuple):
    """A byte order mark, the codec that checks the bytes of the file, and the one that reads it without the mark."""

    start: bytes
    codec: str
    reading: str


# fmt: off
MARKS: Final = (  # the longer ones first: UTF-32 LE begins like UTF-16 LE
    Mark(codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    Mark(codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    Mark(codecs.BOM_UTF8,     "utf-8",     "utf-8-sig"),
    Mark(codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    Mark(codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
)
# fmt: on

NOT_TEXT: Final = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive: save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"%PDF-", "a PDF document: save the table as CSV"),
)

NO_ENCODING_OF_FILES: Final = frozenset(
    {"utf-32", "utf-32-le", "utf-32-be", "utf-7", "idna", "punycode", "unicode_escape", "raw-unicode-escape"}
    | {"unicode-escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)

WITHOUT_MARK: Final = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}
"""What a given name means where no mark says more; Python's own answer for UTF-16 depends on the machine."""

NAME_IT: Final = "name it with the option encoding, for example encoding=cp949"


class Encoding(NamedTuple):
    """A codec of Python and the words for how it was found out."""

    name: str
    how: str


class BadByte(NamedTuple):
    """The first byte that does not decode: `byte` from 0, `line` from 1, and the characters beyond ASCII before it."""

    byte: int
    line: int
    foreign_before: int


def detect_encoding(path: Path, given: str | None = None) -> Encoding:
    """The encoding of the whole file, verified on every byte.

    Args:
        given: the encoding somebody named; it is used or refused, never overruled.

    Raises:
        FileRefused: the file is empty or no text, the given encoding does not fit, or none could be found out.
    """
    head = _head(path)
    if given is not None:
        return _given(path, given, head)
    mark = _mark(head)
    if mark is not None:
        return _marked(path, mark)
    wide = _utf16_without_mark(head)
    if wide is not None and first_bad_byte(path, wide) is None:
        return Encoding(wide, "zero bytes in every other place")
    bad = first_bad_byte(path, "utf-8")
    if bad is None:
        return Encoding("utf-8", "every byte is valid UTF-8")
    return _legacy(path, bad)


def first_bad_byte(path: Path, codec: str) -> BadByte | None:
    """Where strict decoding of the file first fails; None when it never does. Memory is one piece."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    fed, lines, foreign, after_cr = 0, 1, 0, False
    with path.open("rb", buffering=0) as file:
        while True:
            piece = file.read(PIECE)
            fed += len(piece)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(codec)
                lines += _line_ends(before, after_cr=after_cr)
                return BadByte(fed - len(error.object) + error.start, lines, foreign + _foreign(before))
            if not piece:
                return None
            lines += _line_ends(text, after_cr=after_cr)
            foreign += _foreign(text)
            after_cr = text.endswith("\r")


def _line_ends(text: str, *, after_cr: bool) -> int:
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends - 1 if after_cr and text.startswith("\n") else ends


def _foreign(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _head(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        head = file.read(SAMPLE)
    if not head:
        raise FileRefused("file", "The file is empty.")
    for start, what in NOT_TEXT:
        if head.startswith(start):
            raise FileRefused("file", f"The file is {what}.")
    return head


def _given(path: Path, given: str, head: bytes) -> Encoding:
    name = _known(given)
    mark = _mark(head)
    if mark is not None and name != mark.codec and codecs.lookup(given).name != mark.reading:
        raise FileRefused("encoding", f"The file begins with the mark of {mark.codec}, not {given}.", byte=0, line=1)
    bad = first_bad_byte(path, mark.codec if mark else name)
    if bad is not None:
        raise _bad_byte(bad, f"The file is not {given}: byte {bad.byte} in line {bad.line} does not decode.")
    return Encoding(mark.reading if mark else name, "as given")


def _known(given: str) -> str:
    try:
        name = codecs.lookup(given).name
        if name in NO_ENCODING_OF_FILES or not isinstance(bytes(4).decode(given), str):
            raise LookupError(given)
    except (LookupError, ValueError, UnicodeError):
        right = "try utf-8, utf-16, cp949, euc-kr, cp1252, shift_jis, gb18030 or big5"
        raise FileRefused("encoding", f"{given!r} is no encoding that can be read: {right}.") from None
    return WITHOUT_MARK.get(name, name)


def _mark(head: bytes) -> Mark | None:
    return next((mark for mark in MARKS if head.startswith(mark.start)), None)


def _marked(path: Path, mark: Mark) -> Encoding:
    if mark.reading == "utf-32":
        raise FileRefused("encoding", "The file is UTF-32, which is not read: save it as UTF-8.", byte=0, line=1)
    bad = first_bad_byte(path, mark.codec)
    if bad is not None:
        what = f"The file begins with the mark of {mark.codec}"
        raise _bad_byte(bad, f"{what}, but byte {bad.byte} in line {bad.line} does not decode.")
    return Encoding(mark.reading, "byte order mark")


def _utf16_without_mark(head: bytes) -> str | None:
    """UTF-16 has a zero in every other place for each ASCII character; a table is full of those."""
    zeros = head.count(0)
    if len(head) % 2 or zeros * 50 < len(head):
        return None
    low, high = head[1::2].count(0), head[0::2].count(0)
    codec = "utf-16-le" if low > high else "utf-16-be"
    ends = any(end.encode(codec) in head for end in "\r\n")
    return codec if ends and max(low, high) >= 4 * min(low, high) else None


def _legacy(path: Path, bad: BadByte) -> Encoding:
    sample = _foreign_lines(path, around=bad.byte)
    if bad.foreign_before >= 3 or _mostly_utf8(sample):
        raise _bad_byte(
            bad,
            f"The file is UTF-8 but for byte {bad.byte} in line {bad.line}: put that right, or, if it is in another"
            f" encoding, {NAME_IT}.",
        )
    guessed = guess_legacy(sample)
    if guessed is not None and first_bad_byte(path, guessed) is None:
        return Encoding(guessed, "guessed from the letters")
    raise _bad_byte(
        bad, f"The encoding could not be found out (byte {bad.byte} in line {bad.line} is not UTF-8): {NAME_IT}."
    )


def _bad_byte(bad: BadByte, reason: str) -> FileRefused:
    return FileRefused("encoding", reason, byte=bad.byte, line=bad.line)


def _foreign_lines(path: Path, *, around: int) -> bytes:
    """The lines beyond ASCII near a byte; a newline is never part of a character in the encodings in question."""
    start = max(0, around - SAMPLE // 4)
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read(SAMPLE).split(b"\n")
    if start and len(lines) > 1:
        del lines[0]
    if len(lines) > 2:
        del lines[-1]
    return b"\n".join(line for line in lines if not line.isascii())


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - bad > bad
