"""Letters: every event type for every relation and language, what they are about, that nobody breaks out of them."""

import re
from html.parser import HTMLParser

import pytest

from cfm_workflow.letters import LINES, Letter, News, headers, message_id
from cfm_workflow.letters.words import BUTTONS, CALENDAR_CHANGED, WORDS
from cfm_workflow.policy.audiences import AUDIENCES, RELATIONS
from cfm_workflow.texts import LANGUAGES
from tests.letters.samples import BASE, OWN_STEP, READER, TOKENS, TYPES, about, event, letter

HANGUL = re.compile("[가-힣]")
HOSTILE = 'Ha\r\nBcc: x@y\u2028\x00\u202e<script>alert("1")</script>{{ 7 }} %(who)s %s'


class Seen(HTMLParser):
    """The text of a page, its links, and whatever tags it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.language: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang")
        if given.get("href"):
            self.links.append(given["href"] or "")

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() != "<style>":
            self.text += data


def assert_sound(found: Letter, language: str) -> None:
    """What holds for every letter, whatever it tells."""
    seen = Seen(found.html)
    assert 0 < len(found.subject) <= 150 and found.subject.isprintable()
    assert seen.language == language
    assert not seen.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert all(link.startswith(f"{BASE}/") for link in seen.links)
    for text in (found.subject, found.text, seen.text):
        assert not re.search(r"[{}]|%\(|\bNone\b|\bUndefined\b", text), text
        assert not re.search(r"이\(가\)|을\(를\)|은\(는\)", text)
        if language == "ko":
            assert HANGUL.search(text)
    for link in seen.links:
        assert link in found.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event_type", TYPES)
def test_every_event_can_be_told_to_everybody(event_type: str, language: str) -> None:
    for relation in (*RELATIONS, "owner"):
        assert_sound(about(event_type, relation, language), language)


def test_every_event_that_is_told_has_words_of_its_own() -> None:
    assert set(AUDIENCES) <= set(WORDS)


def test_a_step_that_only_a_workflow_knows_is_called_as_the_workflow_calls_it() -> None:
    assert "Inspect" in about(OWN_STEP).subject and "검사" in about(OWN_STEP, language="ko").text


@pytest.mark.parametrize(
    ("event_type", "relation", "words"),
    [
        ("action.assigned", "assignee", "Olga assigned “Restore the missing miles” to you."),
        ("action.assigned", "watcher", "Olga assigned “Restore the missing miles” to Ada."),
        ("action.reassigned", "former_assignee", "Olga gave “Restore the missing miles” to Ada. You have nothing more"),
        ("action.cancelled", "assignee", "Olga cancelled “Restore the missing miles”. You have nothing more"),
        ("feedback.resolved", "assigner", "Feedback #17 is resolved"),
    ],
)
def test_a_letter_says_what_happened_from_where_its_reader_stands(event_type: str, relation: str, words: str) -> None:
    assert words in about(event_type, relation).text


def test_an_offer_names_the_team_and_a_program_or_the_system_is_no_person() -> None:
    action = event("action.assigned")["data"]["action"] | {
        "assignee": None,
        "team": {"id": 1, "key": "care", "name": "고객지원"},
        "pool": True,
    }
    offered = about("action.assigned", "pool_member", "ko", action=action)
    assert "‘고객지원’ 팀에 맡겼습니다" in offered.text
    by_program = about("action.declined", "assigner", "ko", actor={"type": "integration", "id": 8, "name": "CRM"})
    assert "CRM 연동 프로그램이" in by_program.text
    by_system = about("action.cancelled", "assignee", actor={"type": "system", "name": "group policy"})
    assert by_system.text.startswith("The group policy cancelled")


def test_a_letter_holds_what_one_needs_to_go_on() -> None:
    data = event("action.reassigned")["data"]
    action = data["action"] | {"outcome": "refunded", "description": "Look\nhere", "resolution": "Sent them"}
    found = about("action.reassigned", action=action, reason="Ada is away", comment="Thanks!")
    for words in (
        "Due: Tue 1 Dec 2026, 16:00",
        "State: Accepted",
        "Priority: High",
        "Outcome: Refunded",
        "Assignee: Ada",
        "Group: 1 of 3 done",
        "> Ada is away",
        "> Thanks!",
        "> Look\n> here",
        "> Sent them",
        "Feedback #17 · NPS 2 · Kim Minji:\n> My miles are missing since Monday.",
        f"{BASE}/actions/4",
    ):
        assert words in found.text, words
    assert all(found.text.count(f"{BASE}/l/{TOKENS[purpose]}") == 1 for purpose in (*BUTTONS, "preferences"))


def test_times_are_those_of_the_reader() -> None:
    news = [News("assignee", event("action.assigned"))]
    assert "2026년 12월 2일 (수) 01:00" in letter(news, "ko", zone="Asia/Seoul").text
    assert "Asia/Seoul" in letter(news, "ko", zone="Asia/Seoul").text


def test_old_and_new_values_stand_beside_each_other() -> None:
    changes = {
        "due_at": {"from": None, "to": "2026-12-01T16:00:00Z"},
        "priority": {"from": "normal", "to": "urgent"},
        "description": {"from": "a", "to": "b"},
        "attributes": {"from": {}, "to": {"a": {"b": 1}}},
    }
    text = about("action.changed", changes=changes).text
    assert "Due: – → Tue 1 Dec 2026, 16:00" in text and "Priority: Normal → Urgent" in text
    assert "Description: was changed" in text and "attributes: was changed" in text


def test_several_events_are_one_letter_about_the_most_important() -> None:
    news = [
        News("assigner", event("action.completed", position=1)),
        News("assigner", event("action_group.completed", position=2)),
        News("assigner", event("feedback.resolved", position=3)),
    ]
    found = letter(news)
    assert found.subject.startswith("Resolved: ") and found.feedback_id == 17
    assert "- Olga completed “Restore the missing miles”." in found.text
    assert "- The group of actions on feedback #17 is completed" in found.text


def test_many_things_are_a_list_that_ends() -> None:
    news = [
        News("assignee", event("action.reassigned", position=n, action_id=n, item_id=n)) for n in range(1, LINES + 2)
    ]
    found = letter(news, unsaid=149)
    assert found.subject == "Assigned to you: Restore the missing miles (and 199 more)"
    assert found.text.startswith("200 things have happened")
    assert found.text.count("\n- ") == LINES and "… and 150 more." in found.text
    assert found.feedback_id is None
    assert not any(f"{BASE}/l/{TOKENS[purpose]}" in found.text for purpose in BUTTONS)
    korean = letter(news, "ko", unsaid=149)
    assert korean.subject.endswith("외 199건") and "150건이 더 있습니다" in korean.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event_type", TYPES)
def test_whatever_people_write_stays_what_they_wrote(event_type: str, language: str) -> None:
    body = event(event_type, reason=HOSTILE, comment=HOSTILE, actor={"type": "user", "id": 1, "name": HOSTILE})
    data = body["data"]
    person = {"id": 3, "name": HOSTILE, "email": "a@example.com"}
    if "action" in data:
        data["action"] |= {"title": HOSTILE, "assignee": person, "assigned_by": person, "description": HOSTILE}
        data["action"] |= {"outcome": HOSTILE, "resolution": HOSTILE, "team": person}
    if "feedback" in data:
        data["feedback"] |= {"text": HOSTILE * 100, "customer": person}
    data["changes"] = {"title": {"from": HOSTILE, "to": HOSTILE}, HOSTILE: {"from": 1, "to": 2}}
    for relation in RELATIONS:
        found = letter([News(relation, body)], language)
        seen = Seen(found.html)
        assert "script" not in seen.tags and "<script>alert" in seen.text
        assert found.subject.isprintable() and len(found.subject) <= 150
        assert not re.search("^Bcc:", found.text, re.MULTILINE)
        assert not re.search("[\x00\r\u2028\u202e]", found.text + found.html)


def test_a_long_title_is_cut_and_how_much_more_there_is_stays() -> None:
    long = event("action.reassigned")["data"]["action"] | {"title": "가" * 200}
    news = [News("assignee", event("action.reassigned", position=n, action=long | {"id": n})) for n in (1, 2)]
    found = letter(news, "ko")
    assert len(found.subject) == 150 and found.subject.endswith("… 외 1건")


def test_headers_thread_by_item_and_ask_for_no_answer() -> None:
    known = {"installation": "2026-11-23", "base_url": "https://cfm.example.com/care"}
    first, second = (headers(about(kind), **known) for kind in ("action.assigned", "feedback.closed"))
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert first["Auto-Submitted"] == "auto-generated" and first["X-Auto-Response-Suppress"] == "All"
    assert first["List-Unsubscribe"] == f"<{BASE}/l/{TOKENS['preferences']}>"
    assert re.fullmatch(r"<feedback-17\.[0-9a-f]{16}@cfm\.example\.com>", first["References"])


def test_a_message_id_is_the_same_for_the_same_delivery_and_no_other() -> None:
    known = {"installation": "2026-11-23", "base_url": "http://[::1]:8080"}
    again = message_id("delivery", 12, **known)
    assert again == message_id("delivery", 12, **known) and again.endswith("@[IPv6:::1]>")
    assert again not in (
        message_id("delivery", 13, **known),
        message_id("feedback", 12, **known),
        message_id("delivery", 12, installation="another", base_url=known["base_url"]),
    )


def test_a_failing_webhook_is_told_to_its_owner() -> None:
    body = event("feedback.resolved", webhook={"id": 3, "url": "https://example.org", "disabled_reason": "gone"})
    body["type"] = "webhook.disabled"
    del body["data"]["feedback"]
    found = letter([News("owner", body)])
    assert "https://example.org" in found.subject and found.feedback_id is None
    assert "Reason: gone" in found.text


def test_what_a_calendar_moved_says_which_one_and_why_in_the_readers_words() -> None:
    changes = {"accept_by": {"from": "2026-11-24T12:00:00Z", "to": "2026-11-25T12:00:00Z"}}
    data = {
        "changes": changes,
        "reason": CALENDAR_CHANGED,
        "calendar": {"id": 1, "name": "Seoul"},
        "actor": {"type": "system", "name": "calendar"},
    }
    text = about("action.changed", **data).text
    assert "The calendar changed “" in text and "Calendar: Seoul" in text and f"> {CALENDAR_CHANGED}" in text
    assert "Accept by: Tue 24 Nov 2026, 12:00 → Wed 25 Nov 2026, 12:00" in text
    korean = about("action.changed", language="ko", **data).text
    assert "업무 달력: Seoul" in korean and "> 업무 달력이 변경되었습니다." in korean


@pytest.mark.parametrize(("language", "line"), [("en", "In place of: Bob"), ("ko", "부재 중인 담당자: Bob")])
def test_a_letter_says_in_whose_place_the_work_is_to_be_done(language: str, line: str) -> None:
    action = event("action.assigned")["data"]["action"] | {"on_behalf_of": {"id": 5, "name": "Bob", "email": "b@x.org"}}
    assert line in about("action.assigned", "assignee", language, action=action).text
    to_bob = action | {"on_behalf_of": {"id": READER, "name": "Bob", "email": "b@x.org"}}
    assert line not in about("action.assigned", "watcher", language, action=to_bob).text
