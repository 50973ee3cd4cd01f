"""Every sentence that people read, in their language: the catalogue, and how an instant is written.

English is the source and needs no catalogue. The others are plain `translations/<language>.po` files, read once.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FOLDER: Final = Path(__file__).with_name("translations")
FALLBACK: Final = "en"
LANGUAGES: Final = (FALLBACK, *sorted(path.stem for path in FOLDER.glob("*.po")))

_INSTANTS: Final[Mapping[str, str]] = {
    "en": "EEE d MMM y, HH:mm",
    "ko": "y년 M월 d일 (EEE) HH:mm",
}


def mark(message: str) -> str:
    """The message as it is: says that it is looked up later, so that whoever collects messages finds it."""
    return message


def spoken(language: str) -> str:
    """The language of ours that serves a reader of `language` (a tag such as `ko` or `ko-KR`): English if none does."""
    base = language.replace("_", "-").partition("-")[0].lower()
    return base if base in LANGUAGES else FALLBACK


def translations(language: str) -> NullTranslations:
    """What turns English messages into those of a language, by `gettext` and `ngettext`."""
    return _read(spoken(language))


@cache
def _read(language: str) -> NullTranslations:
    if language == FALLBACK:
        return NullTranslations()
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def instant(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """An instant as a reader writes it, in their own time zone; which one that is, is not said."""
    language = spoken(language)
    return format_datetime(moment, _INSTANTS[language], tzinfo=zone, locale=language)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; UTC when this machine knows none like it."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        return ZoneInfo("UTC")
