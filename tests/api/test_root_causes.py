"""Root causes: said in one's own words until administrators keep a list. And which outcomes benefit the customer."""

from typing import Any

from cfm_workflow import clock
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers
from tests.plans import plan
from tests.web.sent_links import get, post, sent
from tests.world import World

END = {"through": True, "outcome": "fixed"}


def cause(world: World, key: str = "tariff", **fields: Any) -> Any:
    return world.ada.post("/root-causes", {"key": key, "label": {"en": "Wrong tariff", "ko": "요금 오류"}, **fields})


def test_a_root_cause_is_one_of_the_list_once_there_is_one(world: World) -> None:
    before = world.alice.fire(world.action(), "complete", root_cause="Wrong tariff!", **END)
    made = cause(world)

    assert world.alice.refused(422, world.action(), "complete", root_cause="Wrong tariff!", **END)["errors"].keys() == {
        "root_cause"
    }
    after = world.alice.fire(world.action(), "complete", root_cause="tariff", **END)
    assert after["root_cause"] == "tariff"
    assert world.alice.get(f"/actions/{before['id']}")["root_cause"] == "Wrong tariff!"
    world.alice.fire(world.action(), "complete", **END)  # nobody has to name one

    found = world.alice.get("/actions", root_cause="tariff", outcome="fixed,answered")["items"]
    assert [each["id"] for each in found] == [after["id"]]
    assert world.alice.expect(422, "GET", "/actions?outcome=fixd")["errors"].keys() == {"outcome"}
    world.ada.expect(200, "PATCH", f"/root-causes/{made['id']}", {"active": False})
    assert world.alice.fire(world.action(), "complete", root_cause="Something else", **END)["root_cause"]


def test_a_root_cause_that_is_named_stays(world: World) -> None:
    named, spare = cause(world), cause(world, "spare")
    world.alice.fire(world.action(), "complete", root_cause="tariff", **END)

    world.ada.expect(409, "DELETE", f"/root-causes/{named['id']}")
    world.ada.expect(204, "DELETE", f"/root-causes/{spare['id']}")
    world.ada.expect(409, "POST", "/root-causes", {"key": "tariff", "label": named["label"]})
    world.ada.expect(422, "PATCH", f"/root-causes/{named['id']}", {"key": "other"})  # actions hold it
    world.sam.expect(403, "PATCH", f"/root-causes/{named['id']}", {"active": False})
    assert [each["key"] for each in world.alice.get("/root-causes", active="true")["items"]] == ["tariff"]


def test_a_link_to_complete_offers_the_list(small_world: World) -> None:
    cause(small_world)
    action = small_world.action("Alice")
    link = sent(small_world, small_world.alice, "complete", action)

    assert 'value="tariff"' in get(small_world, link).text
    refused = post(small_world, link, outcome="fixed", root_cause="My own words")
    assert refused.status_code == 422 and 'id="root_cause-mistake"' in refused.text
    assert post(small_world, link, outcome="fixed", root_cause="tariff").status_code == 200
    assert small_world.alice.get(f"/actions/{action['id']}")["root_cause"] == "tariff"


def test_an_outcome_says_whether_it_benefits_the_customer(small_world: World) -> None:
    shipped = {each["key"]: each["benefits_customer"] for each in small_world.alice.get("/outcomes")["items"]}
    assert shipped == {
        "fixed": True, "answered": True, "duplicate": False, "wont_fix": False, "no_action_needed": False,
    }  # fmt: skip
    label = {"en": "Refunded", "ko": "환불됨"}
    made = small_world.ada.post("/outcomes", {"key": "refunded", "label": label, "benefits_customer": True})
    assert made["benefits_customer"] is True
    changed = small_world.ada.expect(200, "PATCH", f"/outcomes/{made['id']}", {"benefits_customer": False})
    assert changed["benefits_customer"] is False


def test_goal_and_benefit_are_set_with_the_work_and_changed_later(small_world: World) -> None:
    action = small_world.action("Alice", goal="She stays", benefit="A customer kept")
    assert (action["goal"], action["benefit"]) == ("She stays", "A customer kept")
    changed = small_world.alice.expect(403, "PATCH", f"/actions/{action['id']}", {"goal": "She stays a year"})
    assert changed["missing_right"] == "action.change"
    changed = small_world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"goal": "She stays a year"})
    assert (changed["goal"], changed["benefit"]) == ("She stays a year", "A customer kept")


def test_actions_are_found_by_their_end_through_indexes(world: World) -> None:
    with world.service.database.reading() as session:
        alice = callers.by_id(session, world.alice.id)
    assert alice is not None

    def how(wanted: dict[str, Any]) -> str:
        asked = wanted | {"sort": "-created_at"}
        return plan(world, lambda session: actions_query.page(session, alice, asked, now=clock.now()))

    assert "ix_actions_root_cause" in how({"root_cause": "tariff"})
    assert "ix_actions_outcome" in how({"outcome": [1]})
