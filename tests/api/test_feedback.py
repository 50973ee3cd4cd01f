"""Feedback items: stored once, found by words, changed; and the customers behind them."""

from typing import Any

import pytest

from tests.world import World


def found(world: World, q: str) -> list[int]:
    return sorted(item["id"] for item in world.mallory.get("/feedback", q=q)["items"])


def test_an_item_shows_what_was_sent(world: World) -> None:
    given = {
        "source": "web-form",
        "external_id": "A-1",
        "channel": "web",
        "touchpoint": "https://example.com/miles",
        "text": "Wo sind meine Meilen? 마일리지 👩‍👩‍👧",
        "language": "de",
        "metric": "nps",
        "score": 2,
        "attributes": {"flight": "KE 1", "legs": [1, 2.5, None], "nested": {"a": True}},
        "received_at": "2026-11-20T10:00:00Z",
    }
    item = world.olga.expect(201, "POST", "/feedback", given)
    assert {name: item[name] for name in given} == given
    assert (item["status"], item["needs_decision"], item["imported"], item["version"]) == ("new", False, False, 1)
    assert world.mallory.get(f"/feedback/{item['id']}") == item


def test_the_same_source_and_external_id_is_stored_once(world: World) -> None:
    body = {"source": "web-form", "external_id": "A-1", "text": "First."}
    first = world.olga.expect(201, "POST", "/feedback", body)
    again = world.alice.expect(200, "POST", "/feedback", body | {"text": "Changed."})
    assert again == first
    world.olga.expect(201, "POST", "/feedback", body | {"source": "mail"})
    world.olga.expect(201, "POST", "/feedback", body | {"external_id": "A-2"})
    world.olga.expect(201, "POST", "/feedback", {"text": "First."})
    world.olga.expect(201, "POST", "/feedback", {"text": "First."})
    assert len(world.events(types="feedback.received")) == 5


@pytest.mark.parametrize(
    ("metric", "score", "good"),
    [
        ("nps", 0, True), ("nps", 10, True), ("nps", 11, False), ("csat", 0, False), ("csat", 5, True),
        ("csat", 6, False), ("ces", 7, True), ("ces", 8, False), ("gcr", 1, True), ("gcr", 2, False),
        (None, 3, False), ("nps", None, None), ("nps", -1, False), ("nps", 2.5, False), ("nps", True, False),
        ("nps", "2", False), ("stars", 3, False),
    ],
)  # fmt: skip
def test_a_score_fits_its_metric(small_world: World, metric: str | None, score: Any, good: bool | None) -> None:
    response = small_world.olga.ask("POST", "/feedback", {"text": "x", "metric": metric, "score": score})
    if good is not None:
        assert response.status_code == (201 if good else 422)
    assert response.status_code != 500


def test_items_are_found_by_words_in_any_order(world: World) -> None:
    one = world.feedback("My MILES are missing since Monday.", external_id="ZX-81")["id"]
    two = world.feedback("The miles came, thank you!", customer={"name": "Kim Minji"})["id"]
    assert found(world, "miles") == [one, two]
    assert found(world, "monday miles") == [one]
    assert found(world, "mile") == []
    assert found(world, "minji") == [two]
    assert found(world, "zx-81") == [one]
    assert found(world, "miles elephants") == []


def test_korean_is_found_by_two_syllables_anywhere_in_a_word(world: World) -> None:
    item = world.feedback("마일리지가 적립되지 않았습니다", customer={"name": "김민지"})["id"]
    other = world.feedback("환불해 주세요")["id"]
    for q in ("마일", "일리", "마일리지", "적립되지", "적립 마일리지", "민지", "김민지"):
        assert found(world, q) == [item], q
    for q in ("마지", "리일", "환불 적립"):
        assert found(world, q) == [], q
    assert found(world, "환불") == [other]


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "*",
        "miles*",
        "NEAR(a b)",
        "a AND",
        "-miles",
        "(",
        "miles OR",
        "'; DROP TABLE feedback",
        "%",
        "^x",
        ":*",
        "&",
        "\\",
    ],
)
def test_what_means_something_to_the_search_engine_means_nothing_here(world: World, q: str) -> None:
    world.feedback("Nothing special.")
    assert world.mallory.get("/feedback", q=q)["items"] == []


def test_what_was_changed_is_found_under_its_new_words(world: World) -> None:
    item = world.feedback("Apples.", customer={"name": "Minji", "email": "m@example.com"})
    world.olga.expect(200, "PATCH", f"/feedback/{item['id']}", {"text": "Pears."})
    assert found(world, "apples") == [] and found(world, "pears") == [item["id"]]
    world.sam.expect(200, "PATCH", f"/customers/{item['customer']['id']}", {"name": "Juno"})
    assert found(world, "minji") == [] and found(world, "juno pears") == [item["id"]]


def test_lists_of_items_can_be_narrowed(world: World) -> None:
    a = world.feedback("a", channel="web", metric="nps", score=2, received_at="2026-11-01T00:00:00Z")
    b = world.feedback("b", channel="phone", metric="nps", score=9, source="crm", received_at="2026-11-02T00:00:00Z")
    c = world.feedback("c", customer={"name": "Minji"}, external_id="7", received_at="2026-11-03T00:00:00Z")
    world.action(item=a)
    wanted: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, [c, b, a]),
        ({"channel": "web"}, [a]),
        ({"metric": "nps"}, [b, a]),
        ({"score_max": 2}, [a]),
        ({"score_min": 3}, [b]),
        ({"status": "open"}, [a]),
        ({"status": "new,closed"}, [c, b]),
        ({"source": "crm"}, [b]),
        ({"external_id": "7"}, [c]),
        ({"customer": c["customer"]["id"]}, [c]),
        ({"received_from": "2026-11-02T00:00:00Z"}, [c, b]),
        ({"received_to": "2026-11-02T00:00:00Z"}, [a]),
        ({"needs_decision": "false", "metric": "nps", "score_min": 9}, [b]),
    ]
    for query, expected in wanted:
        seen = world.mallory.get("/feedback", count="true", **query)
        assert [item["id"] for item in seen["items"]] == [item["id"] for item in expected], query
        assert seen["total"] == len(expected)


def test_a_changed_item_tells_old_and_new(world: World) -> None:
    item = world.feedback(metric="nps", score=2)
    path = f"/feedback/{item['id']}"
    assert world.olga.expect(200, "PATCH", path, {"score": 3, "channel": "phone"})["version"] == 2
    [event] = world.events(types="feedback.changed")
    assert event["data"]["changes"] == {"score": {"from": 2, "to": 3}, "channel": {"from": None, "to": "phone"}}
    assert world.olga.expect(200, "PATCH", path, {"score": 3})["version"] == 2
    assert list(world.olga.expect(422, "PATCH", path, {"metric": "gcr"})["errors"]) == ["score"]
    assert list(world.olga.expect(422, "PATCH", path, {"source": "x"})["errors"]) == ["source"]


# customers


def test_a_customer_is_recognised_by_address_or_id_in_the_source(world: World) -> None:
    first = world.feedback(customer={"name": "Minji", "email": "Minji@Example.com"})["customer"]["id"]
    assert world.feedback(customer={"email": "minji@example.com", "name": "M."})["customer"]["id"] == first
    assert world.feedback(customer={"id": first})["customer"]["name"] == "Minji"
    known = world.feedback(source="crm", customer={"external_id": "7", "name": "Juno"})["customer"]["id"]
    assert world.feedback(source="crm", customer={"external_id": "7"})["customer"]["id"] == known
    assert world.feedback(source="shop", customer={"external_id": "7"})["customer"]["id"] not in (first, known)
    assert world.feedback(customer={"name": "Minji"})["customer"]["id"] not in (first, known)
    problem = world.olga.expect(422, "POST", "/feedback", {"text": "x", "customer": {"id": 10**12}})
    assert list(problem["errors"]) == ["customer.id"]


def test_an_address_belongs_to_one_customer(world: World) -> None:
    one = world.sam.post("/customers", {"name": "Minji", "email": "m@example.com", "source": "crm", "external_id": "7"})
    two = world.sam.post("/customers", {"name": "Juno"})
    world.sam.expect(409, "POST", "/customers", {"email": "M@example.com"})
    world.sam.expect(409, "POST", "/customers", {"name": "X", "source": "crm", "external_id": "7"})
    world.sam.expect(409, "PATCH", f"/customers/{two['id']}", {"email": "m@example.com"})
    world.sam.expect(200, "PATCH", f"/customers/{one['id']}", {"email": "m@example.com", "phone": "1"})
    assert [c["id"] for c in world.sam.get("/customers", external_id="7", source="crm")["items"]] == [one["id"]]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"language": "en"}, {"external_id": "7"}, {"email": "nobody"}])
def test_a_customer_is_somebody(small_world: World, body: dict[str, Any]) -> None:
    small_world.olga.expect(422, "POST", "/customers", body)


# forgetting


def test_an_erased_item_is_forgotten_everywhere_and_its_history_stays(world: World) -> None:
    secret = {"name": "Sealed Kim", "email": "sealed@example.com"}
    item = world.feedback("Hushhush.", customer=secret, external_id="EXT-9", touchpoint="https://x/sealed")
    world.olga.expect(200, "PATCH", f"/feedback/{item['id']}", {"text": "Hushhush again."})
    action = world.action(item=item)
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    before = world.events(feedback=item["id"])
    world.ada.expect(204, "DELETE", f"/feedback/{item['id']}")
    after = world.events(feedback=item["id"])

    seen = world.olga.get(f"/feedback/{item['id']}")
    assert (seen["text"], seen["customer"], seen["external_id"], seen["touchpoint"]) == ("[erased]", None, None, None)
    assert found(world, "hushhush") == found(world, "sealed") == found(world, "EXT-9") == []
    text = str(after) + str(world.olga.get(f"/feedback/{item['id']}/timeline"))
    for word in ("Hushhush", "EXT-9", "Sealed", "https://x"):
        assert word not in text
    facts = [(e["type"], e["timestamp"], e["data"]["event_id"], e["data"]["position"]) for e in before]
    assert [(e["type"], e["timestamp"], e["data"]["event_id"], e["data"]["position"]) for e in after][:-1] == facts
    assert after[-1]["type"] == "feedback.erased"
    assert world.history(action)[-1] == "action.completed"
    world.ada.expect(409, "DELETE", f"/feedback/{item['id']}")
    world.olga.expect(409, "PATCH", f"/feedback/{item['id']}", {"text": "Back."})


def test_an_erased_customer_takes_all_their_items_along(world: World) -> None:
    customer = {"name": "Sealed Kim", "email": "sealed@example.com", "phone": "+82 2 555 0199"}
    items = [world.feedback(f"Hushhush {n}.", customer=customer) for n in range(2)]
    other = world.feedback("Something else.", customer={"name": "Juno"})
    ident = items[0]["customer"]["id"]
    world.sam.expect(200, "PATCH", f"/customers/{ident}", {"phone": "+82 2 555 0198", "name": "Sealed Lee"})
    world.ada.expect(204, "DELETE", f"/customers/{ident}")
    everything = str(world.events()) + str(world.events(types="customer.*"))
    for word in ("Hushhush", "Sealed", "sealed@", "555 019"):
        assert word not in everything
    assert [e["type"] for e in world.events(types="*")][-3:] == ["feedback.erased"] * 2 + ["customer.erased"]
    gone = world.ada.get(f"/customers/{ident}")
    assert (gone["name"], gone["email"], gone["phone"]) == ("[erased]", None, None) and gone["erased_at"]
    assert world.olga.get(f"/feedback/{other['id']}")["customer"]["name"] == "Juno"
    world.ada.expect(409, "DELETE", f"/customers/{ident}")
    world.ada.expect(409, "PATCH", f"/customers/{ident}", {"name": "Back"})
    assert world.feedback(customer=customer)["customer"]["id"] != ident
