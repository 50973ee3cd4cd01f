"""Who is mentioned in a note: chosen ones stand as `@[Name](user:3)`, typed ones are found by name. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Who = tuple[str, int]
"""`user` or `team`, and the id."""

_SCAN: Final = re.compile(
    r"(?P<fence>^[ ]{0,3}(?P<bar>`{3,}|~{3,}).*?(?:^[ ]{0,3}(?P=bar)|\Z))"
    r"|(?P<code>(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`))"
    r"|(?P<escaped>\\[\\@\[`])"
    r"|(?P<chosen>@\[(?P<shown>(?:\\.|[^\[\]\\\n]){1,400})\]\((?P<kind>user|team):(?P<id>[1-9][0-9]{0,17})\))"
    r"|(?P<link>\[[^\[\]\n]{0,1000}\]\([^()\s]{0,2000}\))"
    r"|(?P<auto><[^<>\s]{1,2000}>|https?://\S+)"
    r"|(?P<typed>(?<![\w.@/+-])@(?=\w))",
    re.MULTILINE | re.DOTALL,
)
_TITLES: Final = "대리|과장|차장|부장|팀장|실장|본부장|이사|대표|매니저|선생"
_PARTICLES: Final = (
    "에게서|에게|한테서|한테|께서|께|이랑|랑|하고|으로|로|부터|까지|보다|처럼|이라고|라고|이가|이|가|은|는|을|를|의|와|과"
    "|도|만|에서|에|입니다"
)
_ENDS: Final = re.compile(rf"(?:{_TITLES})?(?:님|씨)?(?:들)?(?:(?:{_PARTICLES})(?:은|는|도|만|의)?)?(?![\w@])(?!\.\w)")
"""What may stand directly behind a name: nothing, or a title, a form of address and particles.

Not what also ends names: 민수아 need not be 민수 who is called.
"""
_WORD: Final = re.compile(r"[\w.+-]+(?:@[\w.-]*\w)?")
_SPECIAL: Final = re.compile(r"([\\\[\]])")
_HANGUL: Final = re.compile("[가-힣]+")
_FAMILIES_OF_TWO: Final = frozenset({"남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방"})


def first_name(name: str) -> str | None:
    """What people call each other by whose whole name this is; None where it does not tell.

    Korean names begin with the family: of one syllable, seldom of two.
    """
    words = name.split()
    if len(words) > 1:
        return words[-1] if all(map(_HANGUL.fullmatch, words)) else words[0]
    if not _HANGUL.fullmatch(name):
        return None
    given = name[2:] if name[:2] in _FAMILIES_OF_TWO else name[1:]
    return given if len(given) == 2 else None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The body with every mention as its token, who they are in the order of the text, and what was not understood."""

    body: str
    mentions: tuple[Who, ...]
    unresolved: tuple[str, ...]


def token(who: Who, name: str) -> str:
    """How a mention stands in the body of a note."""
    shown = _SPECIAL.sub(r"\\\1", " ".join(name.split()))
    return f"@[{shown}]({who[0]}:{who[1]})"


def is_there(body: str) -> bool:
    """Whether there is anything to look up."""
    return any(found["chosen"] or found["typed"] for found in _SCAN.finditer(body))


def chosen(body: str) -> tuple[Who, ...]:
    """Those mentioned by token, each once."""
    return tuple(dict.fromkeys((one["kind"], int(one["id"])) for one in _SCAN.finditer(body) if one["chosen"]))


def resolve(body: str, called: Mapping[str, frozenset[Who]], names: Mapping[Who, str]) -> Resolved:
    """Find the mentions of a text: `called` says who goes by a name (casefolded), `names` what they are shown as.

    The longest name wins. One that several go by is not guessed, and an unknown one stays text: both are unresolved.
    """
    longest = max(map(len, called), default=0)
    parts: list[str] = []
    mentions: dict[Who, None] = {}
    unresolved: dict[str, None] = {}
    at = 0
    for found in _SCAN.finditer(body):
        if found.start() < at:
            continue
        if found["chosen"]:
            who = (found["kind"], int(found["id"]))
            if who in names:
                mentions[who] = None
            else:
                unresolved["@" + found["shown"]] = None
        elif found["typed"]:
            end, people = _longest(body, found.end(), called, longest)
            if len(people) == 1:
                [who] = people
                mentions[who] = None
                parts += [body[at : found.start()], token(who, names[who])]
                at = end
            else:
                word = _WORD.match(body, found.end())
                shown = body[found.end() : end] if people else (word[0] if word else "")
                unresolved["@" + shown] = None
    return Resolved("".join([*parts, body[at:]]), tuple(mentions), tuple(unresolved))


def _longest(body: str, start: int, called: Mapping[str, frozenset[Who]], longest: int) -> tuple[int, frozenset[Who]]:
    for end in range(min(len(body), start + longest), start, -1):
        people = called.get(body[start:end].casefold())
        if people and _ENDS.match(body, end):
            return end, people
    return start, frozenset()
