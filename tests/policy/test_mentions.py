"""Who is mentioned in a note."""

import pytest

from cfm_workflow.policy.mentions import first_name, resolve

ADA, IT, MINSU, KIM = ("user", 1), ("team", 2), ("user", 3), ("user", 4)
NAMES = {ADA: "Ada Lovelace", IT: "IT [desk]", MINSU: "김민수", KIM: "민수"}
CALLED = {
    "ada lovelace": frozenset({ADA}),
    "ada": frozenset({ADA}),
    "ada@example.com": frozenset({ADA}),
    "it": frozenset({IT}),
    "김민수": frozenset({MINSU}),
    "민수": frozenset({KIM}),
    "kim": frozenset({MINSU, KIM}),
}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@Ada please", [ADA]),
        ("(@ADA LOVELACE), please", [ADA]),
        ("ask @ada@example.com.", [ADA]),
        ("@it @it", [IT]),
        ("@김민수님에게 물어보세요", [MINSU]),
        ("@민수가 압니다", [KIM]),
        ("@김민수팀장님께서는 @ada한테도", [MINSU, ADA]),
        ("@민수아 @김민수진", []),
        ("@[Ada Lovelace](user:1) and @[x](team:2)", [ADA, IT]),
        ("@item is no team", []),
        ("mail bob@it.example and x@ada", []),
        ("`@ada` and ```@it```", []),
        ("```\n@ada\n```", []),
        ("[ask @ada](https://example.com) https://example.com/@ada", []),
        ("\\@ada", []),
    ],
)
def test_the_longest_known_name_is_mentioned_and_nothing_else(text: str, who: list[tuple[str, int]]) -> None:
    assert list(resolve(text, CALLED, NAMES).mentions) == who


def test_what_several_go_by_is_not_guessed_and_what_is_unknown_stays_text() -> None:
    found = resolve("@kim, @nobody and @[Gone](user:99)", CALLED, NAMES)
    assert not found.mentions
    assert found.unresolved == ("@kim", "@nobody", "@Gone")
    assert found.body == "@kim, @nobody and @[Gone](user:99)"


def test_a_text_that_was_resolved_is_resolved_the_same_again() -> None:
    once = resolve("@ada @it @김민수님", CALLED, NAMES)
    assert resolve(once.body, CALLED, NAMES).body == once.body
    assert resolve(once.body, CALLED, NAMES).mentions == once.mentions


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ada Lovelace", "Ada"),
        ("Ada", None),
        ("김민수", "민수"),
        ("김 민수", "민수"),
        ("남궁민수", "민수"),
        ("김민", None),
    ],
)
def test_a_first_name_is_what_people_call_each_other(name: str, first: str | None) -> None:
    assert first_name(name) == first
