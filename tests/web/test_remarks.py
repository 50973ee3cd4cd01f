"""What pages say above all else, and whom an inbox names."""

from datetime import datetime

from sqlalchemy import update

from cfm_workflow.models import Installation
from cfm_workflow.queries import callers, inbox
from cfm_workflow.web.layout import NO_CLOCK
from tests.plans import plan
from tests.web.browsing import signed_in
from tests.world import World


def test_a_clock_that_stands_still_is_said_on_every_page_to_those_who_can_do_something(
    small_world: World, noon: datetime
) -> None:
    def told(name: str) -> bool:
        return NO_CLOCK in signed_in(small_world, small_world.people[name]).open("/feedback").text

    assert not told("Ada")
    for since, is_said in ((noon, True), (None, False)):
        change = update(Installation).values(stalled_since=since)
        small_world.service.database.transaction(lambda session: session.execute(change))  # noqa: B023
        assert [told(name) for name in ("Ada", "Sam", "Alice")] == [is_said, is_said, False]


def test_the_inbox_tells_mentions_from_the_rest_by_an_index_of_their_own(world: World, noon: datetime) -> None:
    item = world.feedback()
    world.give("Alice", item=item)
    world.olga.post(f"/feedback/{item['id']}/notes", {"body": "@Alice please look."})
    alice = signed_in(world, world.alice)
    mentions, everything = alice.open("/inbox?only=mentions").text, alice.open("/inbox").text
    assert mentions.count("please look") == everything.count("please look") >= 1
    assert "Restore the miles" in everything and "Restore the miles" not in mentions
    assert "please look" not in signed_in(world, world.bob).open("/inbox?only=mentions").text
    with world.service.database.reading() as session:
        caller = callers.by_id(session, world.alice.id)
    assert caller is not None
    wanted = {"limit": 20, "cursor": None, "mentions": True}
    how = plan(world, lambda session: inbox.page(session, caller, wanted))
    assert "ix_notices_mentioned" in how and "TEMP B-TREE" not in how
