"""Claims about My work: what stands where, every step from its row, what others did meanwhile, many rows at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cfm_workflow import clock
from tests.web.browsing import HTMX, Browser, Form, Markup, signed_in
from tests.world import World

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def steps(browser: Browser, action: Any) -> Form:
    """The form of the buttons in the row of an action."""
    return browser.form("/work", f"/work/{action['id']}")


def sections(text: str) -> dict[str, str]:
    """The groups of the page by name."""
    parts = text.split('<section class="work-group is-')[1:]
    return {part.split('"')[0]: part for part in parts}


def test_work_is_grouped_by_when_it_matters_on_the_wall_of_whoever_reads(world: World) -> None:
    clock.freeze(MONDAY)
    world.alice.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})  # 18:00 there
    due = {
        "overdue": MONDAY - timedelta(hours=1),
        "today": MONDAY + timedelta(hours=5),
        "week": MONDAY + timedelta(hours=7),  # Tuesday in Seoul
        "later": MONDAY + timedelta(days=7),
    }
    made = {
        name: world.action("Alice", title=name, due_at=(max(at, MONDAY + timedelta(minutes=1))).isoformat())
        for name, at in due.items()
    }
    world.action("Alice", title="never", due_at=None)
    made["waiting"] = world.action("Alice", title="waits", due_at=(MONDAY + timedelta(hours=1)).isoformat())
    world.alice.fire(made["waiting"], "accept")
    world.alice.fire(made["waiting"], "wait", reason="Parts", until=(MONDAY + timedelta(days=2)).isoformat())
    made["offered"] = world.pool_action(title="anybody")
    clock.freeze(MONDAY + timedelta(minutes=2))

    found = sections(signed_in(world, world.alice).open("/work").text)

    assert list(found) == ["overdue", "today", "week", "later", "waiting", "offered"]
    for name, action in made.items():
        assert f'id="action-{action["id"]}"' in found[name]
    assert "never" in found["later"]


def test_long_groups_have_pages_of_their_own_and_filters_narrow_all(small_world: World) -> None:
    world = small_world
    for n in range(23):
        world.action("Alice", title=f"number {n}", priority="urgent" if n % 2 else "low")
    alice = signed_in(world, world.alice)

    assert alice.open("/work").text.count("<li id=") == 20
    assert alice.open("/work?group=later").text.count("<li id=") == 23
    assert alice.open("/work?priority=urgent").text.count("<li id=") == 11
    assert alice.open("/work?priority=nonsense&state=x&team=-1&group=y").text.count("<li id=") == 20
    assert alice.open("/work?group=later&cursor=nonsense", 422)


def test_a_step_from_its_row_is_one_round_trip_that_brings_the_row(world: World) -> None:
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    form = steps(alice, action)

    row = alice.send(form, 200, headers=HTMX, transition="start")

    assert f'id="action-{action["id"]}"' in row.text and "In progress" in row.text
    assert world.history(action)[-2:] == ["action.accepted", "action.started"]
    assert "desk:said" in row.headers["HX-Trigger"]


def test_a_step_works_without_script_and_can_be_taken_back(world: World) -> None:
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    alice.send(steps(alice, action), transition="accept")

    back = next(form for form in Markup(alice.open("/work").text).forms if form.fields.get("transition") == "release")
    alice.send(back)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "assigned"

    done = alice.send(steps(alice, action), 200, headers=HTMX, transition="complete", outcome="fixed")
    assert '"undo"' in done.headers["HX-Trigger"]


def test_a_form_in_a_row_asks_for_what_the_step_requires_and_keeps_what_was_typed(small_world: World) -> None:
    world = small_world
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    opened = alice.part(f"/work/{action['id']}?do=decline").text
    form = next(form for form in Markup(opened).forms if form.fields.get("transition") == "decline")

    missing = alice.send(form, 422, headers=HTMX, reason=" ")
    assert "aria-invalid" in missing.text

    alice.send(form, 200, headers=HTMX, reason="Not for us")
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "declined"


def test_waiting_takes_an_instant_on_the_wall_of_whoever_reads(small_world: World) -> None:
    world = small_world
    world.alice.expect(200, "PATCH", "/me", {"time_zone": "Asia/Seoul"})
    action = world.action("Alice")
    world.alice.fire(action, "accept")
    alice = signed_in(world, world.alice)
    opened = alice.part(f"/work/{action['id']}?do=wait").text
    form = next(form for form in Markup(opened).forms if form.fields.get("transition") == "wait")

    alice.send(form, 422, headers=HTMX, reason="Parts", until="tomorrow")
    alice.send(form, 200, headers=HTMX, reason="Parts", until="2099-01-02T09:00")

    assert world.alice.get(f"/actions/{action['id']}")["waiting_until"] == "2099-01-02T00:00:00Z"


def test_who_comes_too_late_reads_what_happened_and_keeps_what_they_typed(world: World) -> None:
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    opened = alice.part(f"/work/{action['id']}?do=decline").text
    form = next(form for form in Markup(opened).forms if form.fields.get("transition") == "decline")
    world.sam.fire(action, "reassign", assignee=world.bob.email, reason="Alice is away")

    late = alice.send(form, 409, headers=HTMX, reason="Not <for> us")

    assert "Sam" in late.text and "Alice is away" in late.text
    page = alice.send(form, 409, reason="Not <for> us")
    assert "Sam" in page.text and "Alice is away" in page.text
    assert world.sam.get(f"/actions/{action['id']}")["state"] == "assigned"


def test_what_changed_beside_a_form_that_is_still_possible_keeps_it_open(world: World) -> None:
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    opened = alice.part(f"/work/{action['id']}?do=decline").text
    form = next(form for form in Markup(opened).forms if form.fields.get("transition") == "decline")
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"title": "Restore all miles"})

    late = alice.send(form, 409, headers=HTMX, reason="Not <for> us")

    assert "Olga" in late.text and "Not &lt;for&gt; us" in late.text
    again = next(form for form in Markup(late.text).forms if form.fields.get("transition") == "decline")
    alice.send(again, 200, headers=HTMX)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "declined"


def test_a_comment_of_somebody_else_stands_in_nobodys_way(small_world: World) -> None:
    world = small_world
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    form = steps(alice, action)
    world.olga.post(f"/actions/{action['id']}/comments", {"comment": "Please hurry"})

    alice.send(form, 200, headers=HTMX, transition="accept")


def test_many_rows_are_moved_at_once_and_each_refusal_is_named(world: World) -> None:
    mine, other, bobs = world.action("Alice"), world.action("Alice"), world.action("Bob")
    alice = signed_in(world, world.alice)
    form = alice.form("/work", "/work/bulk")
    ids = [mine["id"], other["id"], bobs["id"]]

    answer = alice.send(form, 200, ids=ids, transition="accept")

    assert f"#{bobs['id']}" in answer.text
    assert world.alice.get(f"/actions/{mine['id']}")["state"] == "accepted"
    assert world.alice.get(f"/actions/{other['id']}")["state"] == "accepted"
    assert world.bob.get(f"/actions/{bobs['id']}")["state"] == "assigned"
    alice.send(form, 422, transition="accept")
    alice.send(form, 422, ids=["x"], transition="accept")
    alice.send(form, 422, ids=ids, transition="delete")


def test_whoever_may_not_do_a_step_is_told_so(small_world: World) -> None:
    world = small_world
    action = world.action("Alice")
    mallory = signed_in(world, world.mallory)
    form = mallory.form(f"/actions/{action['id']}", f"/actions/{action['id']}/transitions")

    mallory.send(form, 403, transition="accept")
    mallory.send(form, 422, transition="nonsense")
    assert world.history(action) == ["action.assigned"]
