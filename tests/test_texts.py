"""Every sentence on a page can be read in Korean, with everything in its places."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

import cfm_workflow
from cfm_workflow.texts import LANGUAGES, translations

PACKAGE = Path(cfm_workflow.__file__).parent
_SAID = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"\)')
_PLACE = re.compile(r"%\((\w+)\)s")


def messages() -> set[str]:
    """What the pages say: marked in Python, or said in a template."""
    found = set()
    for path in (PACKAGE / "web").rglob("*.py"):
        for _, message, *_ in extract_from_file("python", path, keywords={"mark": None, "gettext": None}):
            found.add(str(message))
    for path in (PACKAGE / "web" / "templates").rglob("*.html"):
        found |= set(_SAID.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("message", sorted(messages()))
def test_a_sentence_is_there_in_every_language_with_the_same_places(message: str) -> None:
    for language in set(LANGUAGES) - {"en"}:
        said = translations(language).gettext(message)
        assert said != message
        assert sorted(_PLACE.findall(said)) == sorted(_PLACE.findall(message))
