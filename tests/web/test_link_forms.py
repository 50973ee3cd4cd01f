"""Forms behind links: what is not right comes back with what was typed."""

import re

from cfm_workflow import limits
from tests.web.sent_links import END, get, post, reason_needed, sent, state
from tests.world import World

FORMS: list[tuple[dict[str, str], set[str]]] = [
    ({}, {"outcome"}),
    ({"outcome": ""}, {"outcome"}),
    ({"outcome": "nothing-like-it"}, {"outcome"}),
    ({"outcome": "other"}, {"reason"}),
    ({"outcome": "other", "reason": " \r\n"}, {"reason"}),
    ({"outcome": "fixed", "resolution": "x" * (limits.RESOLUTION + 1)}, {"resolution"}),
    ({"outcome": "fixed", "root_cause": "x" * (limits.ROOT_CAUSE + 1), "reason": "a\0"}, {"root_cause", "reason"}),
]


def field(page: str, name: str) -> str:
    """The element of a field, as it begins."""
    found = re.search(rf'<(?:select|textarea|input)[^>]* name="{name}"[^>]*>', page)
    assert found is not None
    return found[0]


def test_a_form_that_is_not_right_comes_back_with_what_was_typed(small_world: World) -> None:
    reason_needed(small_world)
    action = small_world.action("Alice")
    link = sent(small_world, small_world.alice, "complete", action)
    for form, wrong in FORMS:
        page = post(small_world, link, **{"resolution": "It is <done>."} | form)
        assert page.status_code == 422
        for name in ("outcome", "reason", "resolution", "root_cause"):
            element = field(page.text, name)
            assert ('aria-invalid="true"' in element) is (name in wrong)
            assert (f'id="{name}-mistake"' in page.text) is (f"{name}-mistake" in element) is (name in wrong)
        assert ("It is &lt;done&gt;.</textarea>" in page.text) is ("resolution" not in form)
        assert (f'value="{form.get("outcome")}" selected' in page.text) is (form.get("outcome") in ("fixed", "other"))
    assert state(small_world, action) == "assigned"
    assert post(small_world, link, outcome="other", reason="Because.").status_code == 200


def test_a_comment_is_some_text_of_some_length(small_world: World) -> None:
    action = small_world.action("Alice")
    link = sent(small_world, small_world.alice, "comment", action)
    for words in ("", " \r\n ", "x" * (limits.COMMENT + 1)):
        assert post(small_world, link, comment=words).status_code == 422
    longest = "x" + "\r\n" * 10 + "x" * (limits.COMMENT - 11)  # a line break counts once
    assert post(small_world, link, comment=longest).status_code == 200


def test_a_level_that_is_none_is_marked_and_nothing_is_saved(small_world: World) -> None:
    link = sent(small_world, small_world.alice, "preferences")
    page = post(small_world, link, **{"action.accepted": "often", "siblings": "never"})
    assert page.status_code == 422 and 'id="action.accepted-mistake"' in page.text
    assert 'value="never" selected' in page.text  # as it was chosen, to be sent again
    assert small_world.alice.get("/me/preferences")["notices"]["siblings"]["source"] == "built_in"


def test_an_action_that_has_moved_on_says_where_and_keeps_what_was_typed(small_world: World) -> None:
    action = small_world.action("Alice")
    accept, complete = (sent(small_world, small_world.alice, purpose, action) for purpose in ("accept", "complete"))
    small_world.alice.fire(action, "accept")
    shown = get(small_world, accept)
    assert shown.status_code == 200 and "<button" not in shown.text
    assert "not possible now" in shown.text and "Start, Decline" in shown.text
    refused = post(small_world, accept)
    assert refused.status_code == 409 and "not possible now" in refused.text and "Accepted" in refused.text
    small_world.olga.fire(action, "cancel", reason="Not needed.")
    refused = post(small_world, complete, outcome="fixed", resolution="But it is done.")
    assert refused.status_code == 409 and "But it is done.</textarea>" in refused.text and "Cancelled" in refused.text
    small_world.olga.fire(action, "reopen", reason="Needed.")
    assert post(small_world, complete, **END).status_code == 200  # it had not been used up


def test_an_outcome_that_was_taken_out_meanwhile_is_asked_for_again(small_world: World) -> None:
    link = sent(small_world, small_world.alice, "complete", small_world.action("Alice"))
    [outcome] = [each for each in small_world.ada.get("/outcomes")["items"] if each["key"] == "fixed"]
    assert 'value="fixed"' in get(small_world, link).text
    small_world.ada.expect(200, "PATCH", f"/outcomes/{outcome['id']}", {"active": False})
    page = post(small_world, link, **END)
    assert page.status_code == 422 and 'id="outcome-mistake"' in page.text


def test_a_body_that_is_no_form_or_too_large_is_refused_with_a_page(small_world: World) -> None:
    action = small_world.action("Alice")
    link = sent(small_world, small_world.alice, "accept", action)
    client = small_world.app.test_client()
    for answer, status in (
        (client.post(link, json={}), 415),
        (client.post(link, data="text", content_type="text/plain"), 415),
        (client.post(link, data={"comment": (b"x", "file")} | {}, content_type="multipart/form-data"), 415),
        (client.post(link, data={"comment": "x" * 200_000}), 413),
    ):
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert state(small_world, action) == "assigned"
    assert client.post(link, data=b"\xff=%ff&&&=", content_type="application/x-www-form-urlencoded").status_code == 200
