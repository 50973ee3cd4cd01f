"""Names of labels: how they are kept, and which of them are the same. Pure."""

import re
import unicodedata
from typing import Final

from cfm_workflow import limits

_SPACE: Final = re.compile(r"\s+")
_UNFIT: Final = re.compile(r"[,;]|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def tidy(name: str) -> str:
    """The name as it is kept: composed (NFC), without white space around it, one space where there is more.

    Raises:
        ValueError: it cannot be one; the text says why.
    """
    tidied = _SPACE.sub(" ", unicodedata.normalize("NFC", name)).strip()
    if not tidied or not any(unicodedata.category(each)[0] in "LNSP" for each in tidied):
        raise ValueError("must not be empty")
    if len(tidied) > limits.LABEL:
        raise ValueError(f"must have at most {limits.LABEL} characters")
    if _UNFIT.search(tidied):
        raise ValueError("must not hold a comma, a semicolon or a control character")
    if tidied.strip(".") == "" or tidied.startswith("/") or tidied.endswith("/") or "//" in tidied:
        raise ValueError("must not be dots only, begin or end with a slash, or hold two of them")
    return tidied


def fold(name: str) -> str:
    """What two names have in common that are the same: case does not count (Unicode, 3.13, toCasefold).

    Raises:
        ValueError: as `tidy`.
    """
    return unicodedata.normalize("NFC", tidy(name).casefold())
