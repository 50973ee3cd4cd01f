"""What can be found by which words: text to search terms, and a question to phrases of the same terms. Pure.

Latin and other alphabetic words are terms as they are. Korean (and Chinese and Japanese) writing runs words together
with particles, so a run of it becomes its pairs of neighbouring syllables; a question of two syllables or more then
matches anywhere inside a run, as a phrase of pairs.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

LONGEST_TERM: Final = 60

_SYLLABLES: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_RUN: Final = re.compile(rf"(?P<syllables>[{_SYLLABLES}]+)|(?P<word>[^\W_{_SYLLABLES}]+)")


def search_text(*texts: str | None) -> str:
    """All terms of the texts, in order, parted by spaces; what the database indexes."""
    return " ".join(term for text in texts if text for phrase in phrases(text) for term in phrase)


def phrases(text: str) -> Iterator[list[str]]:
    """The terms of `text`, run by run: a word is a phrase of one, a run of syllables a phrase of its pairs."""
    for run in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        if run["word"] is not None:
            yield [run["word"][:LONGEST_TERM]]
            continue
        syllables = run["syllables"]
        yield [syllables[at : at + 2] for at in range(max(1, len(syllables) - 1))]
