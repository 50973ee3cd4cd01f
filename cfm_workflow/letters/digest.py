"""A digest: how much a person has to do, and what else happened since the last one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cfm_workflow import texts
from cfm_workflow.letters.compose import LINES, TEMPLATES, Letter, Line, address_of_news
from cfm_workflow.letters.news import Names, News, Reader
from cfm_workflow.letters.places import link_of
from cfm_workflow.letters.telling import Fact, Teller
from cfm_workflow.texts import mark

FIGURES: Final[Mapping[str, str]] = {
    "open": mark("Unfinished actions of yours"),
    "overdue": mark("Overdue"),
    "due_today": mark("Due today"),
    "offered": mark("Offered to your teams"),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest tells: figures by their names in `FIGURES`, the news in order, and how many more there are."""

    figures: Mapping[str, int]
    news: Sequence[News]
    unsaid: int


def compose_digest(digest: Digest, reader: Reader, names: Names, *, base_url: str, tokens: Mapping[str, str]) -> Letter:
    """The letter of a digest; `tokens` holds that of the link to the preferences."""
    teller = Teller(reader, names)
    catalogue = texts.translations(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    told = digest.news[:LINES]
    count = len(digest.news) + digest.unsaid
    headline = _("Your digest: %(open)s unfinished, %(overdue)s overdue") % digest.figures
    news = ngettext("%(count)s piece of news", "%(count)s pieces of news", count) % {"count": count}
    preferences = link_of(base_url, tokens["preferences"])
    values = {
        "_": _,
        "ngettext": ngettext,
        "language": texts.spoken(reader.language),
        "headline": headline,
        "main": None,
        "figures": [Fact(_(label), str(digest.figures[name])) for name, label in FIGURES.items()],
        "news": news if count else None,
        "lines": [Line(teller.sentence(each), address_of_news(base_url, each)) for each in told],
        "more": count - len(told),
        "why": _("You get this because you wanted a digest."),
        "preferences": preferences,
        "zone": reader.zone.key,
    }
    return Letter(
        subject=f"{headline} · {news}" if count else headline,
        text=TEMPLATES.get_template("digest.txt").render(values),
        html=TEMPLATES.get_template("digest.html").render(values),
        feedback_id=None,
        preferences=preferences,
    )
