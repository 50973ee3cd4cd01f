"""Claims about the pages of feedback: the list, one item, and what is done on it."""

from __future__ import annotations

import re
from datetime import timedelta

from cfm_workflow import clock
from tests.api.statements import counted
from tests.web.browsing import signed_in
from tests.world import World

ODD = "‮Kim\"'<b>& 🦄"


def test_the_list_finds_by_words_labels_and_days(world: World) -> None:
    miles = world.feedback("My miles are missing.", metric="nps", score=2)
    world.feedback("Thank you for the seat!", metric="nps", score=10)
    world.olga.expect(200, "PUT", f"/feedback/{miles['id']}/labels/miles")
    browser = signed_in(world, world.alice)

    for query in ("q=miles", "label=miles", "score_max=3", "metric=nps&score_max=2"):
        text = browser.open(f"/feedback?{query}").text
        assert "My miles are missing." in text and "Thank you for the seat!" not in text, query
    assert "Thank you for the seat!" in browser.open("/feedback?label_none=miles").text
    day = clock.now().date()
    assert "My miles" in browser.open(f"/feedback?received_from={day}&received_to={day}").text
    assert "My miles" not in browser.open(f"/feedback?received_to={day - timedelta(days=1)}").text


def test_a_wrong_filter_is_named_and_nothing_breaks(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)
    for query in ("score_min=many", "label=unknown", "cursor=x", "received_from=soon", "status=lost", "metric=x"):
        browser.open(f"/feedback?{query}", 422)
    browser.open("/feedback?limit=1000000&unknown=1")


def test_many_items_are_labelled_at_once_each_for_itself(small_world: World) -> None:
    items = [small_world.feedback(f"Item {n}") for n in range(3)]
    browser = signed_in(small_world, small_world.alice)
    form = browser.form("/feedback", "/feedback/bulk")
    ids = [str(item["id"]) for item in items]

    answer = browser.send(form, 200, ids=[*ids, "999"], label="billing, urgent", back="status=new")
    assert "#999" in answer.text
    for item in items:
        labels = small_world.alice.get(f"/feedback/{item['id']}")["labels"]
        assert [label["name"] for label in labels] == ["billing", "urgent"]
    browser.send(browser.form("/feedback", "/feedback/bulk"), 422, ids=ids, label="")
    browser.send(browser.form("/feedback", "/feedback/bulk"), 422, label="billing")


def test_what_was_said_by_phone_is_recorded_once(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)
    form = browser.form("/feedback/new", "/feedback/new")
    said = {"text": "They lost my bag.\nTwice.", "metric": "csat", "score": "1", "customer.name": ODD}
    first = browser.send(form, **said)
    again = browser.send(form, **said)

    assert first.headers["Location"] == again.headers["Location"]
    page = browser.open(first.headers["Location"]).text
    assert "They lost my bag." in page and "<b>&" not in page
    browser.send(browser.form("/feedback/new", "/feedback/new"), 422, text=" ", score="9", metric="csat")


def test_an_item_shows_all_there_is_and_links_to_its_customer(small_world: World) -> None:
    item = small_world.feedback("Help", customer={"name": ODD, "email": "kim@example.com", "phone": "010-1234"})
    given = small_world.give("Alice", "Bob", item=item)
    browser = signed_in(small_world, small_world.mallory)
    page = browser.open(f"/feedback/{item['id']}").text

    assert "kim@example.com" not in page and "k***@e***" in page
    assert given["actions"][0]["title"] in page
    assert "kim@example.com" in signed_in(small_world, small_world.alice).open(f"/feedback/{item['id']}").text
    assert "k***@e***" in browser.open(f"/customers/{item['customer']['id']}").text
    browser.open("/feedback/999", 404)


def test_work_is_given_to_people_and_teams_on_one_or_many_items(world: World) -> None:
    items = [world.feedback(f"Item {n}") for n in range(2)]
    browser = signed_in(world, world.olga)
    form = browser.form(f"/feedback/give?ids={items[0]['id']}", "/feedback/give")
    work = {"title": "Call back", "people": [str(world.alice.id)], "teams": [str(world.care["id"])]}

    browser.send(form, 422, title="Call back")
    browser.send(form, **work, **{f"mode.{world.care['id']}": "pool"})
    actions = world.olga.get(f"/feedback/{items[0]['id']}/actions")["items"]
    assert {action["pool"] for action in actions} == {True, False}

    both = [str(item["id"]) for item in items]
    answer = browser.send(form, 200, **work, ids=[*both, "999"], due="business_days", due_in="2")
    assert "#999" in answer.text
    [latest] = world.olga.get(f"/feedback/{items[1]['id']}/actions", limit=1)["items"]
    assert latest["due_at"] is not None


def test_the_due_date_is_told_before_it_is_given(small_world: World) -> None:
    browser = signed_in(small_world, small_world.olga)
    year = str(clock.now().year)
    for query in ("due=hours&due_in=8", "due=business_days&due_in=2", "due=days&due_in=1"):
        assert year in browser.part(f"/feedback/give/due?{query}").text, query
    for query in ("due=hours&due_in=x", "due=on&due_on=never", "due=at", "teams=99&due=hours&due_in=1", "policy=no"):
        browser.part(f"/feedback/give/due?{query}")


def test_an_item_tells_which_steps_are_not_possible_and_why(small_world: World) -> None:
    item = small_world.feedback()
    small_world.give("Alice", "Bob", item=item)
    blocked = {
        person.name: re.findall(
            r"<li><b>([^<]+)</b> <span>[^<]+</span>",
            signed_in(small_world, person).part(f"/feedback/{item['id']}").text,
        )
        for person in (small_world.alice, small_world.mallory)
    }

    assert blocked["Alice"].count("Accept") == 1 and blocked["Alice"].count("Resume") == 2
    assert blocked["Mallory"].count("Accept") == 2


def test_labels_come_and_go_on_an_item_and_tell_who_put_them_there(small_world: World) -> None:
    item = small_world.feedback()
    path = f"/feedback/{item['id']}"
    browser = signed_in(small_world, small_world.alice)
    browser.fill(path, f"{path}/labels", label="miles; gold")
    assert "Alice ·" in browser.open(path).text
    browser.fill(path, f"{path}/labels/remove")
    assert [each["name"] for each in small_world.alice.get(path)["labels"]] == ["gold"]
    browser.fill(path, f"{path}/labels", 422, label="")


def test_an_item_is_watched_and_not_any_more(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    browser = signed_in(small_world, small_world.alice)
    browser.fill(path, f"{path}/watch")
    assert small_world.alice.get(f"{path}/watchers")["items"]
    browser.fill(path, f"{path}/unwatch")
    assert not small_world.alice.get(f"{path}/watchers")["items"]


def test_closing_needs_a_reason_and_the_right(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    assert "/close" not in signed_in(small_world, small_world.alice).open(path).text
    browser = signed_in(small_world, small_world.sam)
    browser.fill(path, f"{path}/close", 422)
    browser.fill(path, f"{path}/close", reason="Praise; nothing to do.")
    assert small_world.sam.get(path)["status"] == "closed"


def test_the_page_of_a_group_of_hundreds_shows_counts_and_pages(small_world: World) -> None:
    item = small_world.feedback()
    for n in range(40):
        small_world.person(f"Worker {n}", "agent", email=f"w{n}@example.com")
    names = [f"Worker {n}" for n in range(40)]
    small_world.give(*names, item=item)
    page = signed_in(small_world, small_world.alice).open(f"/feedback/{item['id']}").text

    assert page.count('id="action-') == 15
    assert "40" in page and "actions=" in page


def test_the_story_is_paged_the_newest_last(small_world: World) -> None:
    item = small_world.feedback()
    path = f"/feedback/{item['id']}"
    for n in range(40):
        small_world.alice.post(f"{path}/notes", {"body": f"Note number {n}."})
    browser = signed_in(small_world, small_world.alice)
    page = browser.open(path).text
    assert page.index("Note number 38.") < page.index("Note number 39.") and "Note number 3." not in page
    older = page.split('href="')
    [link] = {each.split('"')[0] for each in older if each.startswith(f"{path}/story?older=")}
    earlier = browser.part(link.replace("&amp;", "&")).text
    assert "Note number 3." in earlier and "Note number 39." not in earlier
    browser.part(f"{path}/story?older=nonsense", 422)


def test_pages_ask_the_database_no_more_for_more_rows(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)

    def asked(path: str) -> int:
        browser.open(path)
        with counted(small_world.service) as statements:
            browser.open(path)
        return sum(statements.values())

    item = small_world.feedback("One", customer={"name": "Kim"})
    path = f"/feedback/{item['id']}"
    small_world.give("Alice", item=item)
    small_world.alice.post(f"{path}/notes", {"body": "First"})
    one_row, one_action = asked("/feedback"), asked(path)
    for n in range(12):
        small_world.feedback(f"More {n}", customer={"name": f"Lee {n}"})
        small_world.give("Alice", "Bob", item=item)
        small_world.alice.post(f"{path}/notes", {"body": f"Note {n}"})

    assert asked("/feedback") == one_row
    assert asked(path) <= one_action + 1
    assert one_action < 40
