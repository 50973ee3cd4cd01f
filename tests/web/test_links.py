"""Links in mails: GET shows and changes nothing, POST acts once and as the one it was sent to, and nothing is told."""

import html
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from cfm_workflow import clock, limits, logs
from cfm_workflow.models import Link
from cfm_workflow.operations import links
from cfm_workflow.policy.audiences import KINDS
from cfm_workflow.security.failures import FAILURES
from cfm_workflow.security.key_files import keys_here
from cfm_workflow.security.keys import KeyRing, new_key
from cfm_workflow.setting_values import LogFormat, keys
from cfm_workflow.web.kinds import SECTIONS
from cfm_workflow.worker.upkeep import forget_old_links
from tests import invariants
from tests.api.statements import counted
from tests.concurrency.at_once import at_once
from tests.web.sent_links import sent
from tests.world import Person, World

END = {"outcome": "fixed"}


def get(world: World, path: str, **more: Any) -> TestResponse:
    return world.app.test_client().get(path, **more)


def post(world: World, path: str, **form: str) -> TestResponse:
    return world.app.test_client().post(path, data=form)


def state(world: World, action: Any) -> str:
    shown: str = world.ada.get(f"/actions/{action['id']}")["state"]
    return shown


def reason_needed(world: World) -> str:
    label = {"en": "Something else", "ko": "기타"}
    world.ada.post("/outcomes", {"key": "other", "label": label, "requires_reason": True})
    return "other"


# --- what a link does ---


def test_a_link_shows_what_it_is_about_and_accepts_once(world: World, noon: datetime) -> None:
    item = world.feedback("My miles are <missing>.")
    action = world.give("Alice", item=item, due_at="2026-12-01T16:00:00Z")["actions"][0]
    link = sent(world, world.alice, "accept", action)
    page = get(world, link)
    assert page.status_code == 200
    for told in ("Restore the miles", "My miles are &lt;missing&gt;.", "Tue 1 Dec 2026, 16:00", "Olga", "Assigned"):
        assert told in page.text
    assert state(world, action) == "assigned"

    done = post(world, link)
    assert (done.status_code, state(world, action)) == (200, "accepted")
    *_, event = world.events(types="action.accepted")
    assert event["data"]["actor"] == {"type": "user", "id": world.alice.id, "name": "Alice"}
    for again in (post(world, link), get(world, link)):
        assert again.status_code == 410
        assert "used already" in again.text and "Accepted" in again.text and "<form" not in again.text
    assert world.history(action) == ["action.assigned", "action.accepted"]


def test_a_link_completes_from_whatever_state_with_what_was_typed(world: World) -> None:
    action = world.action("Alice")
    link = sent(world, world.alice, "complete", action)
    form = {"outcome": "fixed", "resolution": "Restored.\r\nAll of them.", "reason": "", "root_cause": " Sync "}
    assert post(world, link, **form).status_code == 200
    shown = world.ada.get(f"/actions/{action['id']}")
    assert (shown["state"], shown["outcome"]) == ("done", "fixed")
    assert (shown["resolution"], shown["root_cause"]) == ("Restored.\nAll of them.", "Sync")
    assert world.history(action)[-3:] == ["action.accepted", "action.started", "action.completed"]
    assert post(world, link, **form).status_code == 410


def test_to_complete_is_to_hand_in_where_work_is_approved(small_world: World) -> None:
    action = small_world.action("Alice", workflow="callback")
    link = sent(small_world, small_world.alice, "complete", action)
    assert "Submit for approval" in get(small_world, link).text
    assert post(small_world, link, **END).status_code == 200
    assert state(small_world, action) == "awaiting_approval"


def test_a_link_leaves_one_comment(world: World) -> None:
    action = world.action("Alice")
    link = sent(world, world.alice, "comment", action)
    assert post(world, link, comment="내일 다시 전화합니다.").status_code == 200
    assert post(world, link, comment="Once more.").status_code == 410
    comments = [event["data"]["comment"] for event in world.events(types="action.commented")]
    assert comments == ["내일 다시 전화합니다."]


def test_the_link_to_the_preferences_is_good_until_it_expires(world: World, noon: datetime) -> None:
    link = sent(world, world.alice, "preferences")
    for level in ("never", "at_once", ""):
        answer = post(world, link, **{"action.accepted": level, "no.such.kind": "never"})
        assert answer.status_code == 200 and "Saved." in answer.text
        shown = world.alice.get("/me/preferences")["notices"]
        assert (shown["action.accepted"]["level"], shown["action.accepted"]["source"]) == (
            level or "digest",
            "own" if level else "built_in",
        )
    assert {kind for kind, held in shown.items() if held["source"] != "built_in"} == set()
    actors = {event["data"]["actor"]["id"] for event in world.events(types="user.changed")}
    assert actors == {world.alice.id}
    clock.freeze(noon + timedelta(days=14))
    assert post(world, link, siblings="never").status_code == 410


def test_every_kind_of_notice_can_be_chosen_by_name(small_world: World) -> None:
    assert {kind for section in SECTIONS.values() for kind in section} == set(KINDS)
    page = get(small_world, sent(small_world, small_world.alice, "preferences")).text
    assert set(re.findall(r'<select id="([^"]+)" name="\1"', page)) == set(KINDS)


def test_of_those_whom_a_pool_is_offered_the_first_has_it(world: World) -> None:
    action = world.pool_action()
    alice, bob = (sent(world, person, "accept", action) for person in (world.alice, world.bob))
    assert post(world, sent(world, world.mallory, "accept", action)).status_code == 410  # is no member
    assert post(world, bob).status_code == 200
    late = post(world, alice)
    assert late.status_code == 410 and "Bob" in late.text
    assert world.ada.get(f"/actions/{action['id']}")["assignee"]["name"] == "Bob"


# --- when it does nothing ---


def test_looking_at_a_link_changes_nothing_however_often(world: World, noon: datetime) -> None:
    action = world.action("Alice")
    purposes = ("accept", "complete", "comment", "preferences")
    found = [sent(world, world.alice, purpose, action) for purpose in purposes]
    before = invariants.dump(world.service.database)
    for link in found * 2:
        assert get(world, link).status_code == 200
        assert world.app.test_client().head(link).status_code == 200
        assert world.app.test_client().options(link).status_code == 405
    assert invariants.dump(world.service.database) == before


def test_a_link_is_void_once_the_action_is_somebody_elses(world: World) -> None:
    action = world.action("Alice")
    found = [sent(world, world.alice, purpose, action) for purpose in ("accept", "complete", "comment")]
    world.olga.fire(action, "reassign", assignee="bob@example.com", reason="Alice is away.")
    for link in found:
        for answer in (get(world, link), post(world, link, comment="Mine!", **END)):
            assert answer.status_code == 410 and "Bob" in answer.text and "<form" not in answer.text
    assert world.history(action) == ["action.assigned", "action.reassigned"]
    world.olga.fire(action, "reassign", assignee="alice@example.com", reason="Alice is back.")
    for link in found:
        assert post(world, link, comment="Mine again.", **END).status_code == 200


def test_an_administrator_is_not_more_by_a_link_than_whom_it_was_sent_to(small_world: World) -> None:
    """Who may do everything could fire it without having it: the link is for the assignee alone."""
    action = small_world.action("Ada")
    link = sent(small_world, small_world.ada, "accept", action)
    small_world.olga.fire(action, "reassign", assignee="bob@example.com", reason="Ada is away.")
    assert post(small_world, link).status_code == 410
    assert state(small_world, action) == "assigned"


def test_who_was_switched_off_can_do_nothing_and_sees_nothing(world: World) -> None:
    action = world.action("Alice")
    found = [sent(world, world.alice, purpose, action) for purpose in ("accept", "complete", "comment", "preferences")]
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    for link in found:
        for answer in (get(world, link), post(world, link, comment="Still here.", siblings="never", **END)):
            assert answer.status_code == 410 and "Restore the miles" not in answer.text
    assert world.history(action) == ["action.assigned"]


def test_what_its_reader_may_not_see_any_more_is_not_on_the_page(world: World) -> None:
    action = world.action("Bob")
    link = sent(world, world.bob, "accept", action)
    legal = {"key": "legal", "name": "Legal", "restricted": True, "members": ["lea@example.com"]}
    world.ada.post("/teams", legal)
    world.give(item={"id": action["feedback_id"]}, assignees=[{"team": "legal", "mode": "pool"}])
    world.olga.fire(action, "reassign", assignee="lea@example.com", reason="Sealed.")
    for answer in (get(world, link), post(world, link)):
        assert answer.status_code == 410
        assert "Restore the miles" not in answer.text and "My miles" not in answer.text and "Lea" not in answer.text


def test_an_expired_link_says_so(small_world: World, noon: datetime) -> None:
    action = small_world.action("Alice")
    link = sent(small_world, small_world.alice, "accept", action)
    clock.freeze(noon + timedelta(days=14, seconds=-1))
    assert get(small_world, link).status_code == 200
    clock.freeze(noon + timedelta(days=14))
    for answer in (get(small_world, link), post(small_world, link)):
        assert answer.status_code == 410 and "expired" in answer.text
    assert state(small_world, action) == "assigned"


def test_a_link_damaged_at_any_place_is_not_there_and_nothing_is_read(small_world: World) -> None:
    link = sent(small_world, small_world.alice, "accept", small_world.action("Alice"))
    client = small_world.app.test_client()
    with counted(small_world.service) as seen:
        for place in range(len("/l/"), len(link)):
            damaged = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
            origin = {"REMOTE_ADDR": f"10.0.0.{place}"}
            for method in ("GET", "POST"):
                assert client.open(damaged, method=method, environ_overrides=origin).status_code == 404
    assert not seen


def test_what_was_never_a_link_is_not_there(small_world: World) -> None:
    for token in ("x", "x.y", "%00", "%ff", "." * 300, "A" * 8000, "%ED%A0%80", "..", "한국어"):
        for answer in (get(small_world, f"/l/{token}"), post(small_world, f"/l/{token}")):
            assert answer.status_code == 404
    assert get(small_world, "/l/").status_code == 404


def test_a_link_that_the_database_does_not_know_is_not_there(small_world: World) -> None:
    """One that was made with our keys on another database, such as a copy for trying out."""
    link = sent(small_world, small_world.alice, "accept", small_world.action("Alice"))
    small_world.service.database.transaction(
        lambda session: links.forget_old(session, now=clock.now() + timedelta(days=50))
    )
    for answer in (get(small_world, link), post(small_world, link)):
        assert answer.status_code == 404


def test_guessing_is_slowed_down_by_address_and_who_has_a_link_is_not(small_world: World, noon: datetime) -> None:
    link = sent(small_world, small_world.alice, "comment", small_world.action("Alice"))
    for n in range(FAILURES):
        assert get(small_world, f"/l/guess{n}").status_code == 404
    slowed = get(small_world, "/l/one-more")
    assert slowed.status_code == 429 and 0 < int(slowed.headers["Retry-After"]) <= 61
    assert small_world.app.test_client().get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code == 429
    assert get(small_world, "/l/one-more", environ_overrides={"REMOTE_ADDR": "10.0.0.9"}).status_code == 404
    assert get(small_world, link).status_code == 200
    clock.freeze(noon + timedelta(minutes=1))
    assert get(small_world, "/l/one-more").status_code == 404


def test_a_link_is_still_good_after_the_keys_were_rotated(small_world: World) -> None:
    action = small_world.action("Alice")
    before = sent(small_world, small_world.alice, "accept", action)
    here = keys_here(small_world.service.settings)
    small_world.service.ring = KeyRing(keys(new_key()) + here)  # as `cfm keys rotate` leaves them
    after = sent(small_world, small_world.alice, "complete", action)
    assert post(small_world, before).status_code == post(small_world, after, **END).status_code == 200
    assert state(small_world, action) == "done"


# --- one of many ---


def test_a_link_used_twice_at_once_acts_once(world: World) -> None:
    for _ in range(10):
        action = world.action("Alice")
        link = sent(world, world.alice, "comment", action)
        answers = at_once([lambda: post(world, link, comment="Once.") for _ in range(2)])  # noqa: B023
        assert sorted(answer.status_code for answer in answers) == [200, 410]
        assert world.history(action) == ["action.assigned", "action.commented"]


def test_a_link_and_a_reassignment_at_once_never_move_what_is_somebody_elses(world: World) -> None:
    for _ in range(10):
        action = world.action("Ada")
        link = sent(world, world.ada, "accept", action)
        give: Callable[[], Any] = lambda: world.olga.ask(  # noqa: E731
            "POST",
            f"/actions/{action['id']}/transitions",  # noqa: B023
            {"transition": "reassign", "assignee": "bob@example.com", "reason": "Away."},
        )
        at_once([give, lambda: post(world, link)])  # noqa: B023
        history = world.events(action=action["id"])
        by_assignee = [
            event["data"]["action"]["assignee"]["id"] == world.ada.id
            for event in history
            if event["type"] == "action.accepted"
        ]
        assert all(by_assignee)


# --- forms ---


def field(page: str, name: str) -> str:
    """The element of a field, as it begins."""
    found = re.search(rf'<(?:select|textarea|input)[^>]* name="{name}"[^>]*>', page)
    assert found is not None
    return found[0]


FORMS: list[tuple[dict[str, str], set[str]]] = [
    ({}, {"outcome"}),
    ({"outcome": ""}, {"outcome"}),
    ({"outcome": "nothing-like-it"}, {"outcome"}),
    ({"outcome": "other"}, {"reason"}),
    ({"outcome": "other", "reason": " \r\n"}, {"reason"}),
    ({"outcome": "fixed", "resolution": "x" * (limits.RESOLUTION + 1)}, {"resolution"}),
    ({"outcome": "fixed", "root_cause": "x" * (limits.ROOT_CAUSE + 1), "reason": "a\0"}, {"root_cause", "reason"}),
]


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


# --- what is said and what is kept quiet ---


def test_each_page_keeps_to_itself(small_world: World) -> None:
    link = sent(small_world, small_world.alice, "accept", small_world.action("Alice"))
    for answer in (get(small_world, "/l/x"), get(small_world, link), post(small_world, link), post(small_world, link)):
        policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
        assert (policy["default-src"], policy["style-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in answer.headers
        assert re.findall(r'(?:src|href|action)="([^"]+)"', answer.text) == ["data:,", "../assets/links.css"]
        assert "<script" not in answer.text and "style=" not in answer.text
        assert link.removeprefix("/l/") not in answer.text


def test_the_pages_work_below_a_path_that_a_proxy_puts_in_front(small_world: World) -> None:
    link = sent(small_world, small_world.alice, "accept", small_world.action("Alice"))
    client = small_world.app.test_client()
    page = client.get(link, base_url="https://example.com/cfm")
    assert page.status_code == 200
    assert '<form method="post" novalidate>' in page.text  # to where it stands
    with client.get("/assets/links.css") as sheet:
        assert sheet.status_code == 200
    assert client.post(link, base_url="https://example.com/cfm").status_code == 200


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_link_reaches_the_log_whatever_goes_wrong(
    small_world: World, form: LogFormat, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        logs.configure("DEBUG", form)
        link = sent(small_world, small_world.alice, "accept", small_world.action("Alice"))
        token = link.removeprefix("/l/")
        logging.getLogger("server").info("GET %s HTTP/1.1", link)
        logging.getLogger("server").info("sent %s", token)
        logging.getLogger("server").info("GET %s", link[:-20])
        for answer in (get(small_world, link + "x"), post(small_world, link), post(small_world, link)):
            assert answer.status_code < 500
        monkeypatch.setattr(links, "look", lambda *about, **more: 1 / 0)
        failed = get(small_world, link)
        assert (failed.status_code, failed.mimetype) == (500, "text/html")
        assert "ZeroDivision" not in failed.text
    finally:
        root.handlers, root.level = handlers, level
    logged = capsys.readouterr().err
    assert "a signed link failed" in logged and "ZeroDivisionError" in logged
    for part in (token, token[:60], token[-43:]):
        assert part not in logged


def test_a_reader_reads_their_own_language_and_clock(small_world: World) -> None:
    about = {"language": "ko", "time_zone": "Asia/Seoul", "name": "김민지"}
    small_world.ada.expect(200, "PATCH", f"/users/{small_world.bob.id}", about)
    action = small_world.give("Bob", due_at="2026-12-01T16:00:00Z")["actions"][0]
    for purpose, words in {
        "accept": ("수락", "할당됨", "2026년 12월 2일 (수) 01:00", "Olga 님", "김민지 님의 이름으로"),
        "complete": ("완료", "처리 결과", "처리 내용"),
        "comment": ("의견", "보내기"),
        "preferences": ("알림 설정", "즉시", "받지 않음"),
    }.items():
        page = get(small_world, sent(small_world, small_world.bob, purpose, action)).text
        assert '<html lang="ko">' in page and all(word in page for word in words)
    wrong = post(small_world, sent(small_world, small_world.bob, "complete", action))
    assert "처리 결과를 선택해 주시기 바랍니다." in wrong.text
    done = post(small_world, sent(small_world, small_world.bob, "accept", action))
    assert "감사합니다" in done.text and "수락됨" in done.text


def test_who_is_not_known_is_spoken_to_as_their_browser_asks(small_world: World) -> None:
    for asked, language in (("ko-KR,ko;q=0.9", "ko"), ("fr,en;q=0.5", "en"), ("fr", "en"), ("", "en")):
        page = get(small_world, "/l/nothing", headers={"Accept-Language": asked})
        assert f'<html lang="{language}">' in page.text


# --- upkeep ---


def test_only_a_hash_of_a_link_is_stored_and_old_ones_are_forgotten(world: World, noon: datetime) -> None:
    action = world.action("Alice")
    used = sent(world, world.alice, "accept", action)
    unused = sent(world, world.alice, "preferences")
    assert post(world, used).status_code == 200
    with world.service.database.reading() as session:
        rows = session.execute(select(Link.__table__).order_by(Link.purpose)).all()
    assert [(row.purpose, row.action_id, row.used_at) for row in rows] == [
        ("accept", action["id"], noon),
        ("preferences", None, None),
    ]
    for row in rows:
        assert re.fullmatch("[0-9a-f]{64}", row.hash) and row.expires_at == noon + timedelta(days=14)
        assert row.hash not in used + unused
    for after, left in ((timedelta(days=44), 2), (timedelta(days=44, seconds=1), 0)):
        clock.freeze(noon + after)
        forget_old_links(world.service)
        with world.service.database.reading() as session:
            assert len(session.scalars(select(Link)).all()) == left


def test_links_are_issued_together_and_a_purpose_that_is_none_is_refused(small_world: World) -> None:
    action = small_world.action("Alice")

    def issue(session: Any, *purposes: str, person: Person = small_world.alice) -> dict[str, str]:
        return links.issue(
            session,
            small_world.service.ring,
            account_id=person.id,
            purposes=purposes,
            action_id=action["id"],
            now=clock.now(),
        )

    transaction = small_world.service.database.transaction
    every = ("accept", "complete", "comment", "preferences")
    tokens = transaction(lambda session: issue(session, *every))
    assert tuple(tokens) == every and len(set(tokens.values())) == 4
    assert transaction(lambda session: issue(session)) == {}
    with pytest.raises(ValueError, match="delete"):
        transaction(lambda session: issue(session, "delete"))
    assert html.unescape(get(small_world, f"/l/{tokens['accept']}").text).count("Restore the miles") == 2
