"""Claims about the pages of tokens, integrations, webhooks, preferences, absences, and of the logs."""

import re
from datetime import datetime, timedelta

import pytest

from cfm_workflow import clock
from cfm_workflow.queries import audit as audit_query
from tests.plans import plan
from tests.web.browsing import Browser, signed_in
from tests.world import World


@pytest.fixture
def ada(small_world: World) -> Browser:
    return signed_in(small_world, small_world.ada)


def secret_of(text: str) -> str:
    """The secret that a page shows."""
    found = re.search(r'readonly value="([^"]+)"', text)
    assert found is not None
    return found[1]


def test_a_token_is_shown_once_works_and_ends(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    path = "/settings/tokens"

    made = alice.fill(path, status=200, name="dashboard", reach="some", scopes="actions:read", days="30")
    secret = secret_of(made.text)
    bearer = {"Authorization": f"Bearer {secret}"}
    assert small_world.app.test_client().get("/api/v1/me", headers=bearer).json["scopes"] == ["actions:read"]
    assert secret not in alice.open(path).text
    alice.fill(path, status=422, name="nothing", reach="some")
    (token,) = (each for each in small_world.alice.get("/me/tokens")["items"] if each["name"] == "dashboard")
    alice.fill(path, f"{path}/{token['id']}/end")
    assert small_world.app.test_client().get("/api/v1/me", headers=bearer).status_code == 401


def test_a_double_click_makes_one_token(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    form = alice.form("/settings/tokens", "/settings/tokens")

    alice.send(form, 200, name="once")
    alice.send(form, 303, name="once")
    assert [each["name"] for each in small_world.alice.get("/me/tokens")["items"]].count("once") == 1


def test_the_calendar_gets_an_address_and_loses_it(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    path = "/settings/tokens"

    address = secret_of(alice.fill(path, f"{path}/calendar", status=200).text)
    feed = "/feeds/" + address.partition("/feeds/")[2]
    assert alice.client.get(feed).status_code == 200
    alice.fill(path, f"{path}/calendar/end")
    assert alice.client.get(feed).status_code == 404


def test_an_integration_is_added_gets_another_token_and_is_switched_off(small_world: World, ada: Browser) -> None:
    path = "/settings/integrations"
    ada.fill(path, status=422, name="CRM")
    secret_of(ada.fill(path, status=200, name="CRM", scopes="events:read").text)
    (crm,) = small_world.ada.get("/integrations")["items"]
    one = f"{path}/{crm['id']}"

    secret_of(ada.fill(one, f"{one}/tokens", status=200, name="second").text)
    first, _ = small_world.ada.get(f"/integrations/{crm['id']}/tokens")["items"]
    ada.fill(one, f"{one}/tokens/{first['id']}/end")
    assert len(small_world.ada.get(f"/integrations/{crm['id']}/tokens")["items"]) == 1
    ada.fill(one, f"{one}/off")
    assert not small_world.ada.get(f"/integrations/{crm['id']}")["active"]
    ada.open(one)


def test_what_people_hear_of_is_theirs_to_choose(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    path = "/settings/preferences"
    typed = {"notice:action.accepted": "never", "every": "week", "on": "fri", "at": "07:30", "has_hours": "yes"}

    alice.fill(path, **typed, mon="09:00-12:00, 13:00-18:00")
    chosen = small_world.alice.get("/me/preferences")
    assert chosen["notices"]["action.accepted"]["level"] == "never"
    assert chosen["notices"]["action.started"]["source"] != "own"
    assert chosen["digest"] == {"every": "week", "on": "fri", "at": "07:30"}
    assert chosen["working_hours"] == {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}
    assert 'value="late"' in alice.fill(path, status=422, at="late").text
    alice.fill(path, status=422, has_hours="yes", mon="09:00-12:00, 11:00-13:00")


def test_administrators_decide_for_those_who_chose_nothing(small_world: World, ada: Browser) -> None:
    ada.fill("/settings/notices", **{"notice:action.accepted": "at_once"})

    accepted = small_world.alice.get("/me/preferences")["notices"]["action.accepted"]
    assert (accepted["level"], accepted["source"]) == ("at_once", "default")


def test_an_absence_is_added_changed_and_ended(small_world: World, noon: datetime) -> None:
    alice = signed_in(small_world, small_world.alice)
    path, below = "/settings/absence", f"/settings/people/{small_world.alice.id}/absence"
    typed = {"from": "2026-11-24T09:00", "to": "2026-11-26T18:00"}

    alice.fill(path, below, status=422, **typed | {"to": "2026-11-20T09:00"})
    alice.fill(path, below, status=422, **typed, deputy="nobody@example.com")
    alice.fill(path, below, **typed, note="On holiday.")
    alice.fill(path, below, status=422, **typed)
    (absence,) = small_world.ada.get(f"/users/{small_world.alice.id}/absences")["items"]
    assert absence["from"] == "2026-11-24T09:00:00Z" and noon.year == 2026
    one = f"{below}/{absence['id']}"
    alice.fill(path, one, deputy="bob@example.com")
    assert small_world.ada.get(f"/users/{small_world.alice.id}/absences")["items"][0]["deputy"]["name"] == "Bob"
    alice.fill(path, f"{one}/end")
    assert small_world.ada.get(f"/users/{small_world.alice.id}/absences")["items"] == []


def test_nobody_decides_when_others_are_away_but_supervisors(small_world: World) -> None:
    mallory, sam = signed_in(small_world, small_world.mallory), signed_in(small_world, small_world.sam)
    path = f"/settings/people/{small_world.alice.id}/absence"
    form = sam.form(path, path)

    assert 'name="deputy"' not in mallory.open(path).text
    form.fields["_csrf"] = mallory.form("/work", "/sign-out").fields["_csrf"]
    mallory.send(form, 403, **{"from": "2027-11-24T09:00", "to": "2027-11-25T18:00"})


# -- webhooks ----------------------------------------------------------------------------------------------------------


def hook(ada: Browser, **typed: str) -> str:
    """The path of a new webhook."""
    fields = {"url": "https://hooks.example.com/cfm", "event_types": "action.*\nfeedback.received", **typed}
    made = ada.fill("/settings/webhooks/new", "/settings/webhooks", status=200, **fields)
    assert secret_of(made.text).startswith("whsec_")
    found = re.search(r"/settings/webhooks/\d+", made.text.partition("</section>")[2])
    assert found is not None
    return found[0]


def test_a_webhook_is_added_tested_and_its_delivery_looked_at(
    small_world: World, ada: Browser, names: dict[str, list[str]]
) -> None:
    names["hooks.example.com"] = ["93.184.216.34"]
    path = hook(ada)
    seen = small_world.ada.get(path.removeprefix("/settings"))
    assert seen["event_types"] == ["action.*", "feedback.received"]

    delivery = ada.fill(path, f"{path}/test").headers["Location"]
    assert "hx-trigger" in ada.part(delivery).text  # it looks again while it is under way
    assert "webhook.test" in ada.open(f"{path}?state=pending").text
    assert "webhook.test" not in ada.open(f"{path}?state=dead").text
    ada.fill(delivery, f"{delivery}/again")


def test_a_webhook_is_changed_paused_rotated_replayed_and_deleted(
    small_world: World, ada: Browser, names: dict[str, list[str]]
) -> None:
    names["hooks.example.com"] = ["93.184.216.34"]
    path = hook(ada, own_headers="X-Token: abc")
    api = path.removeprefix("/settings")
    ada.fill(f"{path}/change", event_types="*", description="The CRM", teams="1")
    seen = small_world.ada.get(api)
    assert (seen["event_types"], seen["description"], list(seen["headers"])) == (["*"], "The CRM", ["X-Token"])
    assert [team["key"] for team in seen["teams"]] == ["care"]

    ada.fill(path, f"{path}/pause")
    assert small_world.ada.get(api)["state"] == "paused"
    ada.fill(path, f"{path}/resume")
    secret_of(ada.fill(path, f"{path}/rotate", status=200).text)
    assert small_world.ada.get(api)["previous_secret_until"] is not None
    ada.fill(path, f"{path}/replay", status=422, of="all", after="soon")
    ada.fill(path, f"{path}/replay", of="all", after="0")
    ada.fill(path, f"{path}/replay", status=422, of="dead")
    ada.fill(path, f"{path}/delete")
    ada.open(path, 404)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("url", "http://127.0.0.1/hook"),
        ("url", "nothing"),
        ("event_types", "action.eaten"),
        ("own_headers", "Host: other.example"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_said_beside_the_field(
    ada: Browser, names: dict[str, list[str]], field: str, typed: str
) -> None:
    names["hooks.example.com"] = ["93.184.216.34"]
    fields = {"url": "https://hooks.example.com/cfm", field: typed}
    refused = ada.fill("/settings/webhooks/new", "/settings/webhooks", status=422, **fields)

    assert f"{field}-error" in refused.text


# -- the logs ----------------------------------------------------------------------------------------------------------


def test_the_audit_log_tells_what_was_changed_by_whom_and_how_it_was(small_world: World, ada: Browser) -> None:
    small_world.ada.expect(200, "PATCH", f"/users/{small_world.bob.id}", {"name": "Robert"})
    for number in range(60):
        small_world.ada.post("/outcomes", {"key": f"o{number}", "label": {"en": f"O{number}", "ko": f"오{number}"}})
    page = ada.open("/settings/audit?noun=user").text

    assert "<del>Bob</del>" in page and "<ins>Robert</ins>" in page
    first = ada.open("/settings/audit?noun=outcome").text
    assert re.search(r'class="desk-pager"[^>]*><span[^>]*>50 ', first)
    further = re.search(r"/settings/audit\?noun=outcome&amp;cursor=[\w-]+", first)
    assert further is not None
    second = ada.open(further[0].replace("&amp;", "&")).text
    assert not set(re.findall(r"outcomes/\d+", first)) & set(re.findall(r"outcomes/\d+", second))
    ada.open("/settings/audit?noun=weather", 422)


def test_the_audit_log_is_narrowed_to_a_person_and_days(small_world: World, ada: Browser) -> None:
    today = clock.now().date()
    small_world.ada.post("/outcomes", {"key": "mended", "label": {"en": "Mended", "ko": "고침"}})

    for query, found in {
        f"person={small_world.ada.email}": True,
        f"person={small_world.ada.id}&noun=outcome": True,
        f"person={small_world.bob.id}": False,
        f"since={today - timedelta(days=1)}&until={today + timedelta(days=1)}": True,
        f"since={today + timedelta(days=2)}": False,
        f"until={today - timedelta(days=2)}&noun=outcome": False,
    }.items():
        assert ("mended" in ada.open(f"/settings/audit?{query}").text.lower()) is found, query
    for wrong in ("person=nobody@example.com", "since=yesterday", "cursor=1"):
        ada.open(f"/settings/audit?{wrong}", 422)


def test_the_audit_log_reads_a_short_range_of_an_index_per_type(world: World) -> None:
    kinds, when = ["user.changed", "team.created"], {"since": clock.now() - timedelta(days=1), "until": clock.now()}
    for actor, index in ((None, "ix_events_audit"), (world.ada.id, "ix_events_audit_actor")):
        asked = audit_query.newest(kinds, actor, when)
        how = plan(world, lambda session, asked=asked: session.execute(asked, {"page_limit": 51}))

        assert len(re.findall(rf"{index}\b", how)) == 2, how
        assert "Seq Scan on events" not in how and "SCAN events" not in how
    assert "care" in signed_in(world, world.ada).open("/settings/audit").text.lower()


def test_mails_are_listed_by_person_and_state(small_world: World, ada: Browser) -> None:
    small_world.action("Alice")

    assert "Alice" in ada.open("/settings/mails?person=alice@example.com&state=pending").text.partition("<table")[2]
    assert "<table" not in ada.open("/settings/mails?state=dead").text


def test_the_system_page_tells_how_the_service_is_doing(world: World) -> None:
    ada = signed_in(world, world.ada)
    kind = "SQLite" if world.service.database.is_sqlite else "PostgreSQL"

    assert kind in ada.open("/settings/system").text
    assert ada.part("/settings/system").text.count('id="system"') == 1
