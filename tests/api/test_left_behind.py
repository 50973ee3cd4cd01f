"""Whoever is switched off leaves work behind, and somebody must see it."""

from tests.world import World


def test_the_work_of_somebody_switched_off_is_on_the_leads_list(world: World) -> None:
    named, offered = world.action("Alice"), world.pool_action()
    world.alice.fire(offered, "accept")
    elsewhere = world.action("Mallory")
    for name in ("Alice", "Mallory"):
        world.ada.expect(200, "PATCH", f"/users/{world.people[name].id}", {"active": False})
    of = {
        person.name: [action["id"] for action in person.get("/me/actions", left_behind="true")["items"]]
        for person in (world.lea, world.sam, world.ada, world.bob)
    }
    theirs = [named["id"], offered["id"]]
    assert of == {"Lea": theirs, "Sam": [*theirs, elsewhere["id"]], "Ada": [*theirs, elsewhere["id"]], "Bob": []}
    world.lea.fire(named, "reassign", assignee="bob@example.com", reason="Alice has left.")
    assert [action["id"] for action in world.lea.get("/me/actions", left_behind="true")["items"]] == [offered["id"]]
