"""A letter: subject, text and HTML of what one mail tells. What people wrote is escaped, and cut where it is long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from cfm_workflow import texts
from cfm_workflow.letters import words
from cfm_workflow.letters.news import Arrangement, Names, News, Reader, on_one_line
from cfm_workflow.letters.places import address_of, link_of
from cfm_workflow.letters.telling import Teller
from cfm_workflow.letters.words import OTHERS

SUBJECT: Final = 150
LINES: Final = 50
"""Of a list; how many more there are is said."""

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is to read. `feedback_id`: the item whose thread it belongs to; `preferences`: where to choose
    what one hears of; `unsubscribe`: where one click ends letters of this kind."""

    subject: str
    text: str
    html: str
    feedback_id: int | None
    preferences: str | None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list: a sentence, and where it is to be seen."""

    sentence: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    address: str


def compose(
    arrangement: Arrangement,
    reader: Reader,
    names: Names,
    *,
    base_url: str,
    tokens: Mapping[str, str],
    unsaid: int = 0,
) -> Letter:
    """The letter that tells these news to their reader.

    `tokens` are those of signed links by purpose; `unsaid` is how many news there are beside the ones given.
    """
    teller = Teller(reader, names)
    main = arrangement.main
    told = arrangement.news if arrangement.is_list else arrangement.news[1:]
    lines = [Line(teller.sentence(news), address_of_news(base_url, news)) for news in told[:LINES]]
    preferences = link_of(base_url, tokens["preferences"])
    catalogue = texts.translations(reader.language)
    values = {
        "_": catalogue.gettext,
        "ngettext": catalogue.ngettext,
        "language": texts.spoken(reader.language),
        "headline": _headline(arrangement, teller, reader, unsaid),
        "main": None if arrangement.is_list else main,
        "heading": teller.heading(main),
        "address": address_of_news(base_url, main),
        "is_action": main.action_id is not None,
        "facts": teller.facts(main),
        "quotations": teller.quotations(main),
        "buttons": [] if arrangement.is_list else _buttons(base_url, tokens, reader),
        "lines": lines,
        "more": len(told) - len(lines) + unsaid,
        "why": teller.why(OTHERS if arrangement.is_list else main.relation),
        "preferences": preferences,
        "zone": reader.zone.key,
    }
    return Letter(
        subject=_subject(arrangement, teller, reader, unsaid),
        text=TEMPLATES.get_template("letter.txt").render(values),
        html=TEMPLATES.get_template("letter.html").render(values),
        feedback_id=arrangement.feedback_id,
        preferences=preferences,
    )


def _subject(arrangement: Arrangement, teller: Teller, reader: Reader, unsaid: int) -> str:
    """On one line, at most `SUBJECT` characters: what is cut is the title, never how much more there is."""
    main, others = arrangement.main, len(arrangement.news) - 1 + unsaid
    _ = texts.translations(reader.language).gettext
    more = _(" (and %(count)s more)") % {"count": others} if arrangement.is_list and others else ""
    return on_one_line(f"{teller.label(main)}: {teller.title(main)}", SUBJECT - len(more)) + more


def _headline(arrangement: Arrangement, teller: Teller, reader: Reader, unsaid: int) -> str:
    if not arrangement.is_list:
        return teller.sentence(arrangement.main)
    count = len(arrangement.news) + unsaid
    return texts.translations(reader.language).gettext("%(count)s things have happened") % {"count": count}


def address_of_news(base_url: str, news: News) -> str | None:
    """Where what happened is to be seen."""
    if news.action_id is not None:
        return address_of(base_url, "action", news.action_id)
    return None if news.feedback_id is None else address_of(base_url, "feedback", news.feedback_id)


def _buttons(base_url: str, tokens: Mapping[str, str], reader: Reader) -> Sequence[Button]:
    _ = texts.translations(reader.language).gettext
    return [
        Button(_(label), link_of(base_url, tokens[purpose]))
        for purpose, label in words.BUTTONS.items()
        if purpose in tokens
    ]
