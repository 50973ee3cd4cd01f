"""Claims about the pages of settings: who may see them, and that what they change is what the API shows."""

from typing import Any

import pytest

from tests.web.browsing import Browser, signed_in
from tests.world import World

OWN = ("/settings/preferences", "/settings/absence", "/settings/tokens")
FOR_ALL = (
    "/settings/people",
    "/settings/teams",
    "/settings/workflows",
    "/settings/workflows/standard",
    "/settings/policies",
    "/settings/policies/1",
    "/settings/calendars",
    "/settings/calendars/1",
    "/settings/labels",
    "/settings/templates",
    "/settings/templates/1",
    "/settings/outcomes",
    "/settings/root-causes",
)
FOR_SUPERVISORS = (
    "/settings/policies/new",
    "/settings/calendars/new",
    "/settings/templates/new",
    "/settings/mails",
)
FOR_ADMINISTRATORS = (
    "/settings/teams/new",
    "/settings/outcomes/new",
    "/settings/outcomes/1",
    "/settings/root-causes/new",
    "/settings/webhooks",
    "/settings/webhooks/new",
    "/settings/integrations",
    "/settings/notices",
    "/settings/audit",
    "/settings/system",
)


@pytest.fixture
def ada(small_world: World) -> Browser:
    return signed_in(small_world, small_world.ada)


def only(items: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one item with these values."""
    (found,) = (item for item in items if all(item[name] == value for name, value in wanted.items()))
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everybody_sees_the_pages_of_their_rights_and_no_other(small_world: World, language: str) -> None:
    small_world.ada.expect(200, "PATCH", "/me", {"language": language})
    ada, sam, alice = (signed_in(small_world, who) for who in (small_world.ada, small_world.sam, small_world.alice))
    for path in (*OWN, *FOR_ALL):
        for browser in (ada, sam, alice):
            browser.open(path)
    for path in FOR_SUPERVISORS:
        ada.open(path), sam.open(path), alice.open(path, 403)
    for path in FOR_ADMINISTRATORS:
        ada.open(path), sam.open(path, 403), alice.open(path, 403)


def test_a_list_offers_only_what_the_reader_may_do(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)

    assert "/settings/audit" not in alice.open("/settings/people").text
    assert "/settings/people/invite" not in alice.open("/settings/people").text
    assert 'name="time_zone"' not in alice.open("/settings/calendars/1").text


# -- people and teams --------------------------------------------------------------------------------------------------


def test_a_person_is_changed_and_switched_off(small_world: World, ada: Browser) -> None:
    path = f"/settings/people/{small_world.bob.id}"
    ada.fill(path, name="Robert", role="supervisor", supervises="1")
    bob = small_world.ada.get(f"/users/{small_world.bob.id}")
    assert (bob["name"], bob["role"], [team["key"] for team in bob["supervises"]]) == ("Robert", "supervisor", ["care"])

    ada.fill(path, f"{path}/off")
    assert not small_world.ada.get(f"/users/{small_world.bob.id}")["active"]
    ada.fill(path, f"{path}/on")
    assert small_world.ada.get(f"/users/{small_world.bob.id}")["active"]


def test_the_last_administrator_stays_one_and_an_address_is_somebodys_alone(small_world: World, ada: Browser) -> None:
    path = f"/settings/people/{small_world.ada.id}"

    assert "role-error" in ada.fill(path, status=422, role="agent").text
    assert "email-error" in ada.fill(path, status=422, email=small_world.bob.email).text
    ada.fill(path, f"{path}/off", status=422)
    assert small_world.ada.get("/me")["role"] == "admin"


def test_people_are_found_by_name_team_and_role(small_world: World, ada: Browser) -> None:
    found = ada.open("/settings/people?q=ali&role=agent&team=1&active=true").text

    assert "alice@example.com" in found and "bob@example.com" not in found
    ada.open("/settings/people?role=emperor", 422)


def test_a_team_is_made_changed_and_its_members_come_and_go_with_undo(small_world: World, ada: Browser) -> None:
    ada.fill("/settings/teams/new", "/settings/teams", name="IT", key="it", mode="pool", restricted="yes")
    team = only(small_world.ada.get("/teams")["items"], key="it")
    assert (team["mode"], team["restricted"], team["lead"]) == ("pool", True, None)
    path = f"/settings/teams/{team['id']}"

    ada.fill(path, f"{path}/join", person="bob@example.com")
    ada.fill(path, f"{path}/join", person="nobody@example.com", status=422)
    assert [each["name"] for each in small_world.ada.get(f"/teams/{team['id']}")["members"]] == ["Bob"]
    ada.fill(path, f"{path}/leave")
    assert small_world.ada.get(f"/teams/{team['id']}")["members"] == []
    undo = ada.form(path, f"{path}/join")  # the first form of the page that goes there is that of the message
    ada.send(undo)
    assert [each["name"] for each in small_world.ada.get(f"/teams/{team['id']}")["members"]] == ["Bob"]
    ada.fill(path, f"{path}/delete")
    small_world.ada.expect(404, "GET", f"/teams/{team['id']}")


def test_a_team_with_work_is_not_deleted_and_a_key_is_taken_once(small_world: World, ada: Browser) -> None:
    small_world.pool_action()

    ada.fill("/settings/teams/1", "/settings/teams/1/delete", status=422)
    refused = ada.fill("/settings/teams/new", "/settings/teams", name="Care", key="care", mode="pool", status=422)
    assert "key-error" in refused.text


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_label_is_made_renamed_counted_retired_and_merged(small_world: World, ada: Browser) -> None:
    item = small_world.feedback()
    small_world.alice.expect(200, "PUT", f"/feedback/{item['id']}/labels/bills")
    ada.fill("/settings/labels", name="Billing", colour="#206bc4", coloured="yes")
    bills, billing = small_world.ada.get("/labels")["items"]
    page = ada.open("/settings/labels").text
    assert "bills" in page and "Billing" in page

    path = f"/settings/labels/{bills['id']}"
    ada.fill(path, name="invoices", description="Money.")
    assert small_world.ada.get(f"/labels/{bills['id']}")["name"] == "invoices"
    assert "name-error" in ada.fill(path, name="billing", status=422).text
    ada.fill(path, f"{path}/retire")
    assert not small_world.ada.get(f"/labels/{bills['id']}")["active"]
    ada.fill(path, f"{path}/revive")
    ada.fill(path, f"{path}/merge", into=str(bills["id"]), status=422)
    ada.fill(path, f"{path}/merge", into=str(billing["id"]))
    labels = small_world.ada.get(f"/feedback/{item['id']}")["labels"]
    assert [label["name"] for label in labels] == ["Billing"]
    assert "Billing" in ada.open(path).text


def test_outcomes_and_root_causes_are_kept(small_world: World, ada: Browser) -> None:
    ada.fill("/settings/outcomes/new", "/settings/outcomes", key="refunded", en="Refunded", ko="환불됨", active="yes")
    refunded = only(small_world.ada.get("/outcomes", limit=200)["items"], key="refunded")
    assert refunded["active"] and not refunded["benefits_customer"]
    path = f"/settings/outcomes/{refunded['id']}"
    ada.fill(path, benefits_customer="yes")
    assert small_world.ada.get(f"/outcomes/{refunded['id']}")["benefits_customer"]
    ada.fill(path, f"{path}/delete")

    ada.fill("/settings/root-causes/new", "/settings/root-causes", key="Bad Key", en="Bill", ko="청구", status=422)
    ada.fill("/settings/root-causes/new", "/settings/root-causes", key="bill", en="Bill", ko="청구", active="yes")
    cause = only(small_world.ada.get("/root-causes")["items"], key="bill")
    form = ada.form(f"/settings/root-causes/{cause['id']}", f"/settings/root-causes/{cause['id']}")
    del form.fields["active"]
    ada.send(form)
    assert not small_world.ada.get(f"/root-causes/{cause['id']}")["active"]


def test_a_template_is_tried_on_an_item_before_it_is_saved(small_world: World, ada: Browser) -> None:
    item = small_world.feedback("The miles of my flight are missing.")
    typed = {"name": "Miles", "subject": "Your miles", "body": "You wrote: {{ feedback.text }}", "active": "yes"}
    new = "/settings/templates/new"

    tried = ada.fill(new, "/settings/templates", status=200, do="try", feedback=str(item["id"]), **typed)
    assert "You wrote: The miles of my flight are missing." in tried.text
    assert "Miles" not in {each["name"] for each in small_world.ada.get("/templates", limit=200)["items"]}
    unknown = ada.fill(new, "/settings/templates", status=422, do="save", **typed | {"body": "{{ customer.secret }}"})
    assert "body-error" in unknown.text and "{{ customer.secret }}" in unknown.text
    ada.fill(new, "/settings/templates", do="save", **typed)
    made = only(small_world.ada.get("/templates", limit=200)["items"], name="Miles")
    path = f"/settings/templates/{made['id']}"
    ada.fill(path, do="save", name="Miles again")
    assert small_world.ada.get(f"/templates/{made['id']}")["name"] == "Miles again"
    ada.fill(path, f"{path}/delete")
    small_world.ada.expect(404, "GET", f"/templates/{made['id']}")
