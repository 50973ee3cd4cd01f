"""From a request to the mailbox: who gets which mail, when, how often; and what is not sent. On real sockets."""

import stat
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from cfm_workflow import clock
from cfm_workflow.delivery.email import Outbox
from cfm_workflow.models import Attempt, DeadAddress, Delivery, Event, Link, Notice
from cfm_workflow.policy.deliveries import MAILS_AN_HOUR
from cfm_workflow.worker.dispatch import Dispatcher
from cfm_workflow.worker.importing import run_imports
from cfm_workflow.worker.mail import Mail
from tests import smtp
from tests.mailing import Post, links, receivers
from tests.world import World


def test_adding_three_people_makes_three_mails(post: Post) -> None:
    post.world.give("Alice", "Bob", "Lea")
    assert post.send() == []
    taken = post.later()
    assert receivers(taken) == ["alice", "bob", "lea"]
    assert {each.message["Subject"] for each in taken} == {"Assigned to you: Restore the miles"}
    assert post.states() == ["delivered"] * 3 and post.later(timedelta(days=1)) == []


def test_the_doer_never_hears_of_what_they_did(small_post: Post) -> None:
    small_post.world.give("Olga")
    assert small_post.later() == []


def test_a_bulk_of_reassignments_is_one_mail_per_person(post: Post) -> None:
    actions = [post.world.action("Alice")["id"] for _ in range(12)]
    post.later()
    post.later(timedelta(hours=2))
    body = {"ids": actions, "transition": "reassign", "assignee": "bob@example.com", "reason": "Alice is away"}
    assert post.world.sam.ask("POST", "/actions/bulk", body).status_code == 207
    taken = post.later()
    assert receivers(taken) == ["alice", "bob"]
    assert {each.message["Subject"] for each in taken} == {
        "Assigned to you: Restore the miles (and 11 more)",
        "No longer yours: Restore the miles (and 11 more)",
    }
    assert all(each.part("plain").count("/actions/") == 12 for each in taken)


def test_who_is_asked_for_time_can_grant_it_from_the_mail_and_the_answer_is_mailed(post: Post) -> None:
    action = post.world.action("Alice", due_at="2100-12-01T16:00:00Z")
    post.later()
    path = f"/actions/{action['id']}/extension"
    post.world.alice.post(path, {"due_at": "2100-12-03T16:00:00Z", "reason": "The part is late."})
    taken = post.later(timedelta(hours=2))
    assert receivers(taken) == ["lea", "olga"]
    for each in taken:
        assert "Grant more time" in links(each)
        assert "The part is late." in each.part("plain") and "3 Dec 2100, 16:00" in each.part("plain")
    post.world.olga.post(f"{path}/grant", {})
    [told] = post.later()
    assert told.recipient == post.world.alice.email and "1 Dec 2100, 16:00" in told.part("plain")
    post.world.alice.post(path, {"due_at": "2100-12-05T16:00:00Z", "reason": "Later still."})
    post.world.alice.fire(action, "complete", outcome="fixed", through=True)
    [told] = post.later()
    assert (told.recipient, told.message["Subject"].partition(":")[0]) == (post.world.olga.email, "Resolved")


def test_what_is_undone_in_time_is_never_told(post: Post) -> None:
    action = post.world.action("Alice")
    post.later()
    post.world.alice.fire(action, "decline", reason="Not mine")
    post.world.alice.fire(action, "undo")
    assert post.later() == [] and "cancelled" in post.states()


def test_at_most_ten_an_hour_and_the_last_tells_all_the_rest(post: Post) -> None:
    for _ in range(MAILS_AN_HOUR + 5):
        post.world.action("Alice")
    taken = post.later()
    assert len(taken) == MAILS_AN_HOUR
    [gathered] = [each for each in taken if "more)" in each.message["Subject"]]
    assert gathered.message["Subject"].endswith("(and 5 more)")
    post.world.action("Alice")
    assert post.later() == []
    assert len(post.later(timedelta(hours=1))) == 1


def test_whoever_was_switched_off_gets_nothing(post: Post) -> None:
    post.world.action("Alice")
    post.world.ada.expect(200, "PATCH", f"/users/{post.world.alice.id}", {"active": False})
    assert post.later() == [] and post.states() == ["cancelled"]


def test_what_one_may_no_longer_see_is_not_told(post: Post) -> None:
    """Mallory follows an item; before the mail leaves, it becomes the work of a restricted team."""
    item = post.world.feedback()
    action = post.world.give("Mallory", item=item)["actions"][0]
    post.later()
    post.world.ada.expect(200, "PATCH", f"/teams/{post.world.care['id']}", {"restricted": True})
    post.world.give(assignees=[{"team": "care", "mode": "pool"}], item=item)
    body = {"transition": "reassign", "assignee": "sam@example.com", "reason": "For the team"}
    post.world.olga.post(f"/actions/{action['id']}/transitions", body)
    assert "mallory" not in receivers(post.later())
    assert post.rows(select(Delivery.answer).where(Delivery.account_id == post.world.mallory.id, Delivery.tries == 1))


def test_a_mail_says_what_matters_and_where_to_go_on(small_post: Post) -> None:
    item = small_post.world.feedback("My miles are missing.", metric="nps", score=2)
    due = "2026-12-01T16:00:00Z"
    action = small_post.world.give("Alice", item=item, due_at=due, description="Ask the airline.")["actions"][0]
    [taken] = small_post.later()
    text = taken.part("plain").replace("\r\n", "\n")
    for words in ("Olga assigned “Restore the miles” to you.", "Due: Tue 1 Dec 2026, 16:00", "> Ask the airline."):
        assert words in text
    base = small_post.service.settings.base_url
    assert f"{base}/actions/{action['id']}\n" in text
    assert list(links(taken)) == ["Accept", "Finish", "Write a comment", "Choose what you hear of"]
    assert taken.message["List-Unsubscribe"] == f"<{links(taken)['Choose what you hear of']}>"
    assert taken.message["Message-ID"].startswith("<delivery-") and taken.message["Date"].datetime == clock.now()
    purposes = {row.purpose: row.action_id for row in small_post.rows(select(Link.purpose, Link.action_id))}
    assert purposes == {"accept": action["id"], "complete": action["id"], "comment": action["id"], "preferences": None}


def test_only_the_assignee_of_now_gets_links_to_act(small_post: Post) -> None:
    action = small_post.world.action("Alice")
    small_post.later()
    small_post.world.alice.fire(action, "accept")
    small_post.world.olga.fire(action, "reassign", assignee="bob@example.com", reason="Holidays")
    to = {each.recipient: links(each) for each in small_post.later()}
    assert list(to["alice@example.com"]) == ["Choose what you hear of"]
    assert list(to["bob@example.com"]) == ["Accept", "Finish", "Write a comment", "Choose what you hear of"]


def test_mails_about_one_item_are_one_thread(small_post: Post) -> None:
    action = small_post.world.action("Alice")
    [first] = small_post.later()
    small_post.world.alice.fire(action, "decline", reason="Not mine")
    to_olga = next(each for each in small_post.later() if each.recipient == "olga@example.com")
    assert first.message["References"] == to_olga.message["References"]
    assert first.message["Message-ID"] != to_olga.message["Message-ID"]


def test_mail_speaks_the_language_of_its_reader(small_post: Post) -> None:
    world = small_post.world
    world.alice.expect(200, "PATCH", "/me", {"language": "ko", "time_zone": "Asia/Seoul"})
    world.action("Alice", due_at="2026-12-01T16:00:00Z")
    [taken] = small_post.later()
    assert taken.message["Subject"] == "새 조치 할당: Restore the miles"
    assert "기한: 2026년 12월 2일 (수) 01:00" in taken.part("plain") and "상태: 할당됨" in taken.part("plain")
    assert '<html lang="ko">' in taken.part("html")


def test_hostile_names_and_titles_end_no_header(small_post: Post) -> None:
    world = small_post.world
    world.person("Eve\r\nBcc: x@y", "agent", email="eve@example.com")
    world.action("Alice", by="Eve\r\nBcc: x@y", title="Hello\r\nBcc: x@y")
    [taken] = small_post.later()
    assert taken.message["Bcc"] is None and taken.message["Subject"] == "Assigned to you: Hello Bcc: x@y"


def test_a_running_dispatcher_sends_as_soon_as_something_happened(small_world: World) -> None:
    with smtp.sink() as sink:
        post = Post(small_world, sink)
        post.service.database.known["mail_wait"] = timedelta(0)
        dispatcher = Dispatcher(post.service, [post.channel])
        dispatcher.start()
        try:
            small_world.give("Alice", "Bob", "Lea")
            taken = sink.wait_for(3)
        finally:
            dispatcher.stop()
            post.channel.close()
    assert receivers(taken) == ["alice", "bob", "lea"] and set(post.states()) == {"delivered"}


# -- when it goes wrong ------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_tried_again_until_it_is(post: Post) -> None:
    post.world.action("Alice")
    post.sink.faults["banner"] = ["421 closed", smtp.HANG_UP]
    assert post.later() == [] and post.states() == ["pending"]
    assert post.later(timedelta(seconds=30)) == []
    assert post.later(timedelta(minutes=2)) == []
    assert len(post.later(timedelta(minutes=10))) == 1
    attempts = post.rows(select(Attempt.verdict, Attempt.status, Attempt.answer).order_by(Attempt.number))
    assert [(row.verdict, row.status) for row in attempts] == [("later", 421), ("later", None), ("delivered", 250)]


def test_a_mail_that_is_tried_again_has_the_same_id(small_post: Post) -> None:
    small_post.world.action("Alice")
    small_post.sink.faults["text"] = ["451 not now"]
    small_post.later()
    [taken] = small_post.later(timedelta(minutes=2))
    ids = [row.id for row in small_post.rows(select(Delivery.id))]
    assert taken.message["Message-ID"].startswith(f"<delivery-{ids[0]}.")


def test_a_dead_address_gets_nothing_more_until_it_changes(post: Post) -> None:
    world = post.world
    post.sink.faults["RCPT"] = ["550 5.1.1 nobody here"]
    world.action("Alice")
    assert post.later() == [] and post.states() == ["dead"]
    assert [row.address for row in post.rows(select(DeadAddress.address))] == ["alice@example.com"]
    world.action("Alice")
    assert post.later() == [] and post.states() == ["dead", "cancelled"]
    world.ada.expect(200, "PATCH", f"/users/{world.alice.id}", {"email": "alice@example.org"})
    world.alice.email = "alice@example.org"
    world.action("Alice")
    assert [each.recipient for each in post.later()] == ["alice@example.org"]


def test_a_server_that_refuses_us_makes_no_address_dead(small_post: Post) -> None:
    small_post.world.action("Alice")
    small_post.sink.faults["MAIL"] = ["550 5.7.1 who are you"]
    small_post.later()
    assert small_post.states() == ["pending"] and small_post.rows(select(DeadAddress)) == []


def test_a_mail_that_cannot_be_written_is_given_up_with_the_reason(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.world.action("Alice")
    post.world.action("Bob")
    broken = update(Event).where(Event.position == select(func.min(Notice.position)).scalar_subquery())
    post.service.database.transaction(
        lambda session: session.execute(broken.values(body='{"type": "action.assigned"}'))
    )
    assert receivers(post.later()) == ["bob"]
    assert post.states() == ["dead", "delivered"]
    [row] = post.rows(select(Delivery.answer).where(text("state = 'dead'")))
    assert row.answer == "The mail could not be written: KeyError."
    assert "a mail could not be written" in caplog.text
    assert post.later(timedelta(days=30)) == []


def test_an_import_sends_nothing(small_post: Post) -> None:
    lines = "".join(f"A-{n},My miles are missing.\n" for n in range(200))
    file = {"data": f"external_id,text\n{lines}", "content_type": "text/csv"}
    small_post.world.sam.expect(202, "POST", "/imports", **file)
    run_imports(small_post.service)
    assert small_post.later() == [] and small_post.rows(select(Notice)) == []
    kept = select(func.count()).where(Event.type == "feedback.received", Event.imported)
    assert small_post.rows(kept)[0][0] == 200


def test_without_a_server_mail_is_kept_and_never_counts_as_sent(world: World, noon: datetime) -> None:
    with smtp.sink() as sink:
        post = Post(world, sink)
        post.channel = Mail(world.service)
        world.action("Alice")
        assert post.later() == [] and post.states() == ["kept"]
        post.way.close()
    [kept] = (world.service.settings.instance / "outbox").glob("*.eml")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert b"Subject: Assigned to you: Restore the miles" in kept.read_bytes()
    assert isinstance(Mail(world.service)._transport, Outbox)
