"""What the pages behind links say to whom, what no log and no neighbour hears, and what is stored."""

import html
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock, logs
from cfm_workflow.models import Link
from cfm_workflow.operations import links
from cfm_workflow.setting_values import LogFormat
from cfm_workflow.worker.upkeep import forget_old_links
from tests.web.sent_links import get, post, sent
from tests.world import Person, World


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
