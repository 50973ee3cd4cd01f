"""When a link does nothing: looked at, void, expired, damaged, guessed; and what does not end it."""

from datetime import datetime, timedelta

from cfm_workflow import clock
from cfm_workflow.operations import links
from cfm_workflow.security.failures import FAILURES
from cfm_workflow.security.key_files import keys_here
from cfm_workflow.security.keys import KeyRing, new_key
from cfm_workflow.setting_values import keys
from tests import invariants
from tests.api.statements import counted
from tests.web.sent_links import END, get, post, reminded, sent, state
from tests.world import World


def test_looking_at_a_link_changes_nothing_however_often(world: World, noon: datetime) -> None:
    action = world.action("Alice")
    purposes = ("accept", "complete", "comment", "preferences", "snooze")
    call = reminded(world, world.alice)
    found = [sent(world, world.alice, purpose, action, call) for purpose in purposes]
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
