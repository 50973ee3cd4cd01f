"""What people write, as HTML that is safe to show."""

import pytest

from cfm_workflow.policy.markdown import first_line, render

NAMES = {("user", 3): "Ada <b>"}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](https://evil.example/x.png)",
        '<img src=x onerror="alert(1)">',
        "[x](user:9)",
        '[x](https://a.example "onclick=1")',
    ],
)
def test_nothing_runs_and_nothing_is_fetched(text: str) -> None:
    html = render(text, NAMES)
    assert not any(f"<{tag}" in html for tag in ("script", "img"))
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert 'href="user' not in html
    assert "title=" not in html


def test_links_tell_nothing_of_where_they_stood_and_pictures_become_links() -> None:
    assert 'rel="nofollow noopener noreferrer"' in render("![cat](https://a.example/cat.png)", {})
    assert 'href="https://a.example/cat.png"' in render("![cat](https://a.example/cat.png)", {})


def test_headings_are_smaller_than_those_of_the_page() -> None:
    assert render("# A\n\n###### B", {}) == "<h3>A</h3>\n<h6>B</h6>\n"


def test_a_mention_shows_the_name_as_it_is_now_and_an_unknown_one_its_words() -> None:
    assert '<span class="mention">@Ada &lt;b&gt;</span>' in render("Hi @[Old](user:3)!", NAMES)
    assert render("Hi @[Old](user:4)!", NAMES) == "<p>Hi @Old!</p>\n"


def test_the_first_line_says_what_a_note_is_about() -> None:
    assert first_line("\n## Call @[Ada](user:3) back\nsoon", 100) == "Call @Ada back"
