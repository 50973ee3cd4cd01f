"""Which of the encodings from before Unicode a few lines are in. Guesses only where the letters leave no doubt.

A wrong guess would be stored as nonsense in every row; asking costs the person one word.
"""

import re
from typing import Final

from charset_normalizer import from_bytes

OTHERS: Final = ["gb18030", "big5", "cp949", "cp932", "euc_jp", "cp1251"]
TOLD_BY_LETTERS: Final = ("cp949", "cp932")
"""Rivals of the others only: where their own letters are missing they are not the answer."""

ENOUGH: Final = 16
"""Bytes beyond ASCII below which the encodings of `OTHERS` cannot be told apart."""

# fmt: off
ALPHABETS: Final = (
    # encoding  language      its letters beyond ASCII
    ("cp1252",  "French",     "àâæçéèêëîïôœùûüÿ"),
    ("cp1252",  "Spanish",    "áéíñóúü¿¡ªº"),
    ("cp1252",  "Portuguese", "áâãàçéêíóôõúªº"),
    ("cp1252",  "Italian",    "àèéìîòùªº"),
    ("cp1252",  "German",     "äöüß"),
    ("cp1252",  "Nordic",     "åäöæøéðþíóúýá"),
    ("cp1250",  "Polish",     "ąćęłńóśźż"),
    ("cp1250",  "Czech",      "áčďéěíňóřšťúůýž"),
    ("cp1250",  "Slovak",     "áäčďéíĺľňóôŕšťúýž"),
    ("cp1250",  "Hungarian",  "áéíóöőúüű"),
    ("cp1250",  "Romanian",   "ăâîşţ"),
    ("cp1250",  "Croatian",   "čćđšž"),
)
# fmt: on
FITTING: Final = 0.98

RUN: Final = re.compile(rb"[\x80-\xff]+")
RUN_IN_A_WORD: Final = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]+|[\x80-\xff]+(?=[A-Za-z])")
PAIR: Final = re.compile(rb"[\x81-\xfe][\x40-\xfe]|[\x80-\xff]")
HANGUL: Final = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")
HANGUL_SYMBOL: Final = re.compile(rb"[\xa1-\xa3][\xa1-\xfe]")
JAMO: Final = re.compile(rb"\xa4[\xa1-\xfe]")  # single letters, as in a sigh; where Japanese EUC has its kana
KANA: Final = re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]")


def guess_legacy(sample: bytes) -> str | None:
    """The codec of lines that are not UTF-8, or None when it cannot be told.

    Korean is told by its syllables: nearly all of real text lies in KS X 1001, a corner of CP949 where other
    encodings' letters seldom fall. Japanese is told by its kana, Western and Central European text by which letters
    occur at all. The rest is for charset-normalizer.
    """
    if _is_korean(sample):
        return "cp949"
    if _is_japanese(sample):
        return "cp932"
    if _is_latin(sample):
        return _latin(sample)
    return _best_of_others(sample) if sum(byte > 0x7F for byte in sample) >= ENOUGH else None


def _is_korean(sample: bytes) -> bool:
    pairs: list[bytes] = PAIR.findall(sample)
    syllables = sum(HANGUL.fullmatch(pair) is not None for pair in pairs)
    symbols = sum(HANGUL_SYMBOL.fullmatch(pair) is not None for pair in pairs)
    jamo = sum(JAMO.fullmatch(pair) is not None for pair in pairs)
    return syllables > 0 and jamo <= syllables / 2 and syllables >= 0.9 * (len(pairs) - symbols - jamo)


def _is_japanese(sample: bytes) -> bool:
    pairs: list[bytes] = PAIR.findall(sample)
    return sum(KANA.fullmatch(pair) is not None for pair in pairs) >= 0.3 * len(pairs)


def _is_latin(sample: bytes) -> bool:
    """Letters beyond ASCII stand alone among ASCII ones."""
    runs: list[bytes] = RUN.findall(sample)
    alone = sum(len(run) == 1 for run in runs)
    return alone >= 0.7 * len(runs) or len(RUN_IN_A_WORD.findall(sample)) >= 0.9 * len(runs)


def _latin(sample: bytes) -> str | None:
    if _decoded(sample, "cp1252") == _decoded(sample, "cp1250"):
        return "cp1252" if _decoded(sample, "cp1252") is not None else None
    possible = {codec for codec, _, alphabet in ALPHABETS if _fits(sample, codec, alphabet)}
    return possible.pop() if len(possible) == 1 else None


def _fits(sample: bytes, codec: str, alphabet: str) -> bool:
    """Nearly all letters beyond ASCII are of that alphabet; signs such as quotes and dashes do not count."""
    text = _decoded(sample, codec)
    if text is None:
        return False
    known = set(alphabet + alphabet.upper())
    foreign = [char for char in text if char > "\x7f" and (char.isalpha() or char in known or char in "³¹²¿¡ºª¯£¥")]
    return sum(char in known for char in foreign) >= FITTING * len(foreign)


def _best_of_others(sample: bytes) -> str | None:
    """The least chaotic reading, if no other is as good and reads differently."""
    matches = from_bytes(sample, cp_isolation=OTHERS, enable_fallback=False, preemptive_behaviour=False)
    ranked = sorted(
        (round(match.chaos, 3), -round(match.coherence, 3), match.encoding, str(match)) for match in matches
    )
    if not ranked or ranked[0][2] in TOLD_BY_LETTERS:
        return None
    texts = {text for chaos, coherence, _, text in ranked if (chaos, coherence) == ranked[0][:2]}
    return ranked[0][2] if len(texts) == 1 else None


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None
