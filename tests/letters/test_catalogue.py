"""The catalogue: whatever is said can be said in every language, with the same places to fill in, and nothing else."""

import re
from datetime import UTC, datetime

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from cfm_workflow import texts
from cfm_workflow.letters import words
from tests.letters.messages import used

LANGUAGES = [language for language in texts.LANGUAGES if language != texts.FALLBACK]
PLACE = re.compile(r"%\((\w+)\)s")
HANGUL = re.compile("[가-힣]")


def catalogue(language: str) -> Catalog:
    with (texts.FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def ids(messages: Catalog) -> set[str]:
    return {message.id if isinstance(message.id, str) else message.id[0] for message in messages if message.id}


def versions(text: object) -> list[str]:
    return [str(text)] if isinstance(text, str) else [str(each) for each in text]  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_in_use_is_translated_and_no_other(language: str) -> None:
    assert ids(catalogue(language)) == ids(used())


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_same_places_to_fill_in(language: str) -> None:
    for message in catalogue(language):
        places = {place for text in versions(message.id) for place in PLACE.findall(text)}
        for text in versions(message.string) if message.id else ():
            assert text.strip(), message.id
            assert set(PLACE.findall(text)) == places, message.id
            assert not PLACE.sub("", text).count("%"), text


def test_korean_is_korean_and_computes_its_particles() -> None:
    for message in catalogue("ko"):
        for text in versions(message.string) if message.id else ():
            assert HANGUL.search(text), text
            assert not re.search(r"[이가을를은는와과]\([가-힣]+\)|\([가-힣]+\)[가-힣]", text), text


def test_a_particle_follows_only_what_ends_in_a_consonant() -> None:
    """`who` is always followed by 이, so every way of naming somebody must end in a consonant."""
    gettext = texts.translations("ko").gettext
    for message in (*words.ACTORS.values(), *words.SYSTEM_ACTORS.values()):
        last = gettext(message)[-1]
        assert (ord(last) - ord("가")) % 28, message


def test_an_unknown_language_is_english_and_a_region_changes_nothing() -> None:
    assert texts.translations("xx").gettext("Due") == "Due"
    assert texts.translations("ko-KR") is texts.translations("ko")
    assert texts.spoken("KO_kr") == "ko" and texts.spoken("") == "en"


def test_an_instant_is_written_as_its_reader_writes_it() -> None:
    moment = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)
    seoul = texts.zone_named("Asia/Seoul")
    assert texts.instant(moment, "ko", seoul) == "2026년 12월 2일 (수) 01:30"
    assert texts.instant(moment, "en", seoul) == "Wed 2 Dec 2026, 01:30"
    assert texts.instant(moment, "en", texts.zone_named("Nowhere/City")) == "Tue 1 Dec 2026, 16:30"
