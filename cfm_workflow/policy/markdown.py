"""What people write in notes, as HTML that is safe to show. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_MENTION: Final = re.compile(r"(user|team):([1-9][0-9]{0,17})", re.ASCII)
_DEMOTED: Final = 2
"""The page has headings of its own."""

_TAGS: Final = frozenset(
    "p br hr em strong s code pre blockquote ul ol li a span h3 h4 h5 h6 table thead tbody tr th td".split(" ")  # noqa: SIM905
)


def render(text: str, names: Mapping[tuple[str, int], str]) -> str:
    """Markdown as safe HTML; `names` are the people and teams whose mentions are shown as such."""
    html = _PARSER.render(text, {"names": names})
    return (
        nh3.clean(
            html,
            tags=set(_TAGS),
            attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
            allowed_classes={"span": {"mention"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
        if html
        else ""
    )


def _shape(state: StateCore) -> None:
    """Smaller headings, links in the place of images, and mentions."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _DEMOTED)}"
        if token.children:
            token.children = _mentions(_no_images(token.children), state.env.get("names", {}))


def _no_images(tokens: Sequence[Token]) -> list[Token]:
    """A picture from outside would tell its server who reads the note: it becomes a link, unless it is in one."""
    shaped: list[Token] = []
    within = 0
    for token in tokens:
        within += token.nesting if token.type in ("link_open", "link_close") else 0
        if token.type != "image":
            shaped.append(token)
            continue
        address = str(token.attrs.get("src", ""))
        words = Token("text", "", 0, content=token.content or address)
        link = [Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1)]
        shaped += [words] if within else link
    return shaped


def _mentions(tokens: Sequence[Token], names: Mapping[tuple[str, int], str]) -> list[Token]:
    """A link to `user:3` behind an `@` is a mention; of somebody unknown, its words alone."""
    shaped: list[Token] = []
    hidden = unknown = False
    for token in tokens:
        found = _MENTION.fullmatch(str(token.attrs.get("href", ""))) if token.type == "link_open" else None
        before = shaped[-1] if shaped else None
        if found and before is not None and before.type == "text" and before.content.endswith("@"):
            name = names.get((found[1], int(found[2])))
            if name is not None:
                before.content = before.content[:-1]
                shaped += [
                    Token("mention_open", "span", 1, attrs={"class": "mention"}),
                    Token("text", "", 0, content=f"@{name}"),
                    Token("mention_close", "span", -1),
                ]
                hidden = True
            else:
                unknown = True
            continue
        if token.type == "link_close" and (hidden or unknown):
            hidden = unknown = False
        elif not hidden:
            shaped.append(token)
    return shaped


def _make() -> Any:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.core.ruler.push("shape", _shape)
    return parser


_PARSER: Final = _make()


_TOKEN: Final = re.compile(r"@\[((?:\\.|[^\[\]\\])*)\]\((?:user|team):\d+\)")


def plain(text: str) -> str:
    """The text as it was written, with mentions as `@Name`."""
    return _TOKEN.sub(lambda found: "@" + re.sub(r"\\(.)", r"\1", found[1]), text)


def first_line(text: str, longest: int) -> str:
    """The first line that says something, without marks of headings, lists and mentions."""
    for line in plain(text).splitlines():
        words = re.sub(r"^[\s#>*+-]+", "", line).strip()
        if words:
            return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
    return text.strip()[:longest]
