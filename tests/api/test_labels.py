"""Labels: put on and taken off, found by, counted; renamed, retired, merged without losing history."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cfm_workflow import clock, limits
from cfm_workflow.operations import labels as labels_operations
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.setting_values import LabelChoice
from cfm_workflow.worker.merging import merge_labels
from tests.plans import plan
from tests.world import Person, World


def label(person: Person, item: Any, *names: str) -> Any:
    """Put labels on an item; the item after it."""
    for name in names:
        item = person.expect(200, "PUT", f"/feedback/{item['id']}/labels/{name}")
    return item


def names(item: Any) -> list[str]:
    return [each["name"] for each in item["labels"]]


def found(world: World, **query: str) -> list[int]:
    return [item["id"] for item in world.bob.get("/feedback", sort="created_at", **query)["items"]]


def test_a_label_is_made_on_first_use_and_says_who_and_when(world: World) -> None:
    item = world.feedback()
    seen = label(world.alice, item, "Billing", " BILLING ", "분실")

    first = seen["labels"][0]
    assert first["name"] == "Billing" and first["labelled_by"] == {"id": world.alice.id, "name": "Alice"}
    assert names(seen) == ["Billing", "분실"] and seen["version"] == item["version"] + 2
    assert names(world.bob.get("/feedback")["items"][0]) == ["Billing", "분실"]

    world.bob.expect(200, "DELETE", f"/feedback/{item['id']}/labels/billing")
    world.bob.expect(404, "DELETE", f"/feedback/{item['id']}/labels/billing")
    world.bob.expect(404, "DELETE", f"/feedback/{item['id']}/labels/nothing-like-it")
    told = [event["data"] for event in world.events(types="feedback.labelled,feedback.unlabelled")]
    assert [each["label"]["name"] for each in told] == ["Billing", "분실", "Billing"]
    assert [each["feedback"]["version"] for each in told] == [2, 3, 4]
    assert world.alice.get(f"/feedback/{item['id']}/timeline")["items"][-1]["label"]["name"] == "Billing"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("가격", "\u1100\u1161\u1100\u1167\u11a8"), ("A/S", "a/s"), ("two  words", "Two words")],
)
def test_names_that_mean_the_same_are_one_label(small_world: World, one: str, other: str) -> None:
    assert len(label(small_world.alice, small_world.feedback(), one, other)["labels"]) == 1


@pytest.mark.parametrize("name", ["%20", "a,b", "a;b", "%00", "..%2e", "x" * 101, "%E2%80%8B"])
def test_what_cannot_be_a_name_is_refused(small_world: World, name: str) -> None:
    refused = small_world.alice.expect(422, "PUT", f"/feedback/{small_world.feedback()['id']}/labels/{name}")
    assert list(refused["errors"]) == ["name"]


def test_labels_can_be_kept_to_a_list(small_world: World) -> None:
    small_world.service.settings = replace(small_world.service.settings, labels=LabelChoice.LIST)
    item = small_world.feedback()
    small_world.alice.expect(422, "PUT", f"/feedback/{item['id']}/labels/billing")
    small_world.alice.expect(403, "POST", "/labels", {"name": "billing"})
    small_world.sam.post("/labels", {"name": "Billing", "colour": "#206bc4"})
    assert label(small_world.alice, item, "billing")["labels"][0]["colour"] == "#206bc4"


def test_items_are_found_by_any_all_and_none_of_some_labels(world: World) -> None:
    a, b, both, bare = (world.feedback() for _ in range(4))
    label(world.alice, a, "a"), label(world.alice, b, "b"), label(world.alice, both, "a", "b")
    expected = [
        ({"label": "A"}, [a, both]),
        ({"label": "a,b"}, [a, b, both]),
        ({"label_all": "a,b"}, [both]),
        ({"label_none": "a"}, [b, bare]),
        ({"label_none": "a,b"}, [bare]),
        ({"label": "b", "label_none": "a"}, [b]),
        ({"label": "a,b", "label_all": "b", "count": "true"}, [b, both]),
    ]
    for query, items in expected:
        assert found(world, **query) == [item["id"] for item in items], query
    for sort in ("-received_at", "received_at", "-created_at"):
        first = world.bob.get("/feedback", label="a", limit=1, sort=sort)
        rest = world.bob.get("/feedback", label="a", limit=1, sort=sort, cursor=first["next_cursor"])
        assert {first["items"][0]["id"], rest["items"][0]["id"]} == {a["id"], both["id"]}
    assert list(world.bob.expect(422, "GET", "/feedback?label=c")["errors"]) == ["label"]

    action = world.give("Alice", item=both)["actions"][0]
    world.give("Alice", item=bare)
    assert [each["id"] for each in world.bob.get("/actions", label="a,b")["items"]] == [action["id"]]


def test_many_items_are_labelled_each_for_itself(world: World) -> None:
    full, other = world.feedback(), world.feedback()
    for n in range(0, limits.LABELS_PER_ITEM, 10):
        world.alice.post("/feedback/bulk", {"ids": [full["id"]], "label": [f"l{n + m}" for m in range(10)]})
    label(world.alice, other, "old")

    body = {"ids": [full["id"], other["id"], 999_999], "label": ["new", "vip"], "unlabel": ["OLD"]}
    answer = world.alice.expect(207, "POST", "/feedback/bulk", body)["items"]

    assert [each["status"] for each in answer] == [409, 200, 404]
    assert names({"labels": answer[1]["labels"]}) == ["new", "vip"]
    refused = world.alice.expect(422, "POST", "/feedback/bulk", {"ids": [other["id"]], "unlabel": ["no such"]})
    assert list(refused["errors"]) == ["unlabel"]
    assert list(world.alice.expect(422, "POST", "/feedback/bulk", {"ids": [1]})["errors"]) == ["label"]


def test_a_renamed_and_a_retired_label_keep_their_history(world: World) -> None:
    item = label(world.alice, world.feedback(), "billing")
    [made] = world.alice.get("/labels", q="BILL")["items"]
    world.alice.expect(403, "PATCH", f"/labels/{made['id']}", {"name": "invoices"})
    world.sam.expect(200, "PATCH", f"/labels/{made['id']}", {"name": "Invoices", "description": "Money"})
    world.sam.expect(409, "POST", "/labels", {"name": "INVOICES"})
    assert names(world.alice.get(f"/feedback/{item['id']}")) == ["Invoices"]
    assert [event["data"]["label"]["name"] for event in world.events(types="feedback.labelled")] == ["billing"]

    world.sam.expect(204, "DELETE", f"/labels/{made['id']}")
    assert world.alice.get("/labels", active="true")["items"] == []
    assert names(world.alice.get(f"/feedback/{item['id']}")) == ["Invoices"]
    assert found(world, label="invoices") == [item["id"]]
    world.alice.expect(409, "PUT", f"/feedback/{world.feedback()['id']}/labels/invoices")
    world.sam.expect(200, "PATCH", f"/labels/{made['id']}", {"active": True})
    label(world.alice, world.feedback(), "invoices")


def test_a_merged_label_is_a_further_name_and_the_oldest_labelling_stays(world: World, noon: Any) -> None:
    both, one = world.feedback(), world.feedback()
    label(world.alice, both, "bill"), label(world.alice, one, "bill")
    clock.freeze(noon + timedelta(hours=1))
    label(world.bob, both, "billing")
    bill, billing = (each["id"] for each in world.sam.get("/labels")["items"])

    world.sam.expect(422, "POST", f"/labels/{bill}/merge", {"into": bill})
    assert world.sam.post(f"/labels/{bill}/merge", {"into": billing})["name"] == "billing"

    [kept] = world.alice.get(f"/feedback/{both['id']}")["labels"]
    assert (kept["name"], kept["labelled_by"]["name"]) == ("billing", "Alice")
    assert found(world, label="bill") == found(world, label="billing") == [both["id"], one["id"]]
    assert names(label(world.alice, world.feedback(), "Bill")) == ["billing"]
    assert world.sam.get(f"/labels/{bill}")["merged_into"] == billing
    assert [each["id"] for each in world.sam.get("/labels")["items"]] == [billing]
    for method, path, body in (
        ("POST", f"/labels/{bill}/merge", {"into": billing}),
        ("POST", f"/labels/{billing}/merge", {"into": bill}),
        ("PATCH", f"/labels/{bill}", {"active": True}),
    ):
        world.sam.expect(409, method, path, body)


def test_a_merger_under_way_reads_as_if_it_were_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_operations, "BATCH", 2)
    items = [label(world.alice, world.feedback(), "a") for _ in range(5)]
    label(world.alice, items[4], "b")
    ids = [item["id"] for item in items]
    a, b = (each["id"] for each in world.sam.get("/labels")["items"])
    world.sam.post(f"/labels/{a}/merge", {"into": b})

    def looks_merged() -> None:
        assert found(world, label="b") == found(world, label_all="a") == ids and found(world, label_none="a") == []
        assert {tuple(names(item)) for item in world.bob.get("/feedback")["items"]} == {("b",)}
        day = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        world.bob.expect(422, "GET", f"/labels/{b}/counts", query_string=day)

    looks_merged()
    assert label(world.bob, items[3], "b")["version"] == items[3]["version"]  # it is there already
    world.bob.expect(200, "DELETE", f"/feedback/{ids[3]}/labels/b")
    label(world.bob, items[3], "a")
    c = label(world.alice, world.feedback(), "c")["labels"][0]["id"]
    world.sam.post(f"/labels/{b}/merge", {"into": c})
    world.sam.expect(200, "PATCH", f"/labels/{c}", {"name": "B!"})
    assert set(found(world, label="a")) >= set(ids)
    merge_labels(world.service)
    with world.service.database.reading() as session:
        assert not labels_operations.is_left(session)
        assert labels_query.named(session, ["a", "b", "b!"], field="label") == [frozenset({c})]
    assert len(found(world, label="b")) == 6


def test_labels_are_counted_per_day_week_and_month_of_a_time_zone(world: World, noon: Any) -> None:
    for days, times in ((0, 2), (1, 1), (9, 1)):
        clock.freeze(noon + timedelta(days=days, hours=4))  # in Seoul the next day already
        for _ in range(times):
            label(world.alice, world.feedback(), "a")
    [made] = world.alice.get("/labels")["items"]

    def count(interval: str, **more: str) -> list[int]:
        asked = {"from": "2026-11-23T05:00:00Z", "to": "2026-11-25T00:00:00Z", "interval": interval, **more}
        answer = world.alice.get(f"/labels/{made['id']}/counts", **asked)
        return [each["count"] for each in answer["items"]]

    assert count("day") == [2, 1]
    assert count("day", time_zone="Asia/Seoul") == [0, 2, 1]
    assert count("week") == [3]
    assert count("month", to="2027-01-01T00:00:00Z") == [3, 1]
    refused = world.alice.expect(
        422, "GET", f"/labels/{made['id']}/counts?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
    )
    assert list(refused["errors"]) == ["to"]


def test_lists_by_label_and_counts_go_through_indexes(world: World) -> None:
    label(world.alice, world.feedback(), "a", "b")
    with world.service.database.reading() as session:
        alice = callers.by_id(session, world.alice.id)
    assert alice is not None
    for sort, index in (
        ("-received_at", "ix_labellings_received"),
        ("created_at", "ix_labellings_label_id_feedback_id"),
    ):
        how = page_plan(world, alice, {"label": ["a"], "sort": sort})
        if world.service.database.is_sqlite:  # PostgreSQL puts so few rows in order itself
            assert index in how and "TEMP B-TREE" not in how
    how = plan(world, lambda session: labels_query.counts(session, [1], [clock.now()] * 2, seen=None))
    assert "ix_labellings_label_id_labelled_at" in how
    for wanted in ({"rare_label": [1]}, {"common_label": [1]}):
        asked = wanted | {"sort": "-created_at"}
        how = plan(world, lambda session: actions_query.page(session, alice, asked, now=clock.now()))  # noqa: B023
        assert "labellings" in how


def page_plan(world: World, caller: Any, wanted: dict[str, Any]) -> str:
    """Of the list itself, not of the labels that are read for its rows."""
    shown = feedback_query.labels_query.of_items
    try:
        feedback_query.labels_query.of_items = lambda session, ids: {ident: [] for ident in ids}
        return plan(world, lambda session: feedback_query.page(session, caller, wanted))
    finally:
        feedback_query.labels_query.of_items = shown
