"""A POST that is sent again with its Idempotency-Key is answered again and done once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import IdempotencyKey
from cfm_workflow.worker.upkeep import forget_old_answers
from tests.world import Person, World

BODY = {"text": "My miles are missing."}


def ask(person: Person, key: str, body: Any = BODY, path: str = "/feedback") -> Any:
    return person.ask("POST", path, body, headers={"Idempotency-Key": key})


def stored(world: World) -> list[Any]:
    with world.service.database.reading() as session:
        return list(session.execute(select(IdempotencyKey.__table__)))


def test_the_same_key_gives_the_first_answer_again(world: World) -> None:
    first, again = ask(world.olga, "k-1"), ask(world.olga, "k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(world.olga.get("/feedback")["items"]) == 1


def test_a_replayed_transition_keeps_its_etag_and_happens_once(world: World) -> None:
    path = f"/actions/{world.action()['id']}/transitions"
    answers = [ask(world.alice, "k-1", {"transition": "accept"}, path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"] == '"2"'
    assert len(world.events(types="action.accepted")) == 1


def test_a_key_belongs_to_one_request(world: World) -> None:
    ask(world.olga, "k-1")
    for body, path in (({"text": "Another."}, "/feedback"), (BODY, "/customers"), ({"name": "Minji"}, "/customers")):
        problem = ask(world.olga, "k-1", body, path)
        assert problem.status_code == 422
    assert list(ask(world.olga, "k-1", {"text": "Another."}).json["errors"]) == ["Idempotency-Key"]


def test_a_key_belongs_to_one_account(small_world: World) -> None:
    first, second = ask(small_world.olga, "k-1"), ask(small_world.alice, "k-1")
    assert first.json["id"] != second.json["id"]
    token = small_world.olga.post("/me/tokens", {})["token"]
    other = Person("Olga", small_world.olga.id, small_world.olga.email, token, small_world.olga.client)
    assert ask(other, "k-1").data == first.data


def test_a_refused_request_stores_nothing(world: World) -> None:
    action = world.action()
    path = f"/actions/{action['id']}/transitions"
    assert ask(world.alice, "k-1", {"transition": "start"}, path).status_code == 409
    assert stored(world) == []
    world.alice.fire(action, "accept")
    assert ask(world.alice, "k-1", {"transition": "start"}, path).status_code == 200


def test_an_answer_that_holds_a_secret_is_stored_encrypted(world: World) -> None:
    first = ask(world.ada, "k-1", {"name": "laptop"}, "/me/tokens")
    again = ask(world.ada, "k-1", {"name": "laptop"}, "/me/tokens")
    assert first.data == again.data
    [row] = stored(world)
    assert row.encrypted
    assert first.json["token"] not in str(row) and "laptop" not in row.body


def test_an_answer_is_kept_for_a_day(world: World, noon: datetime) -> None:
    first = ask(world.olga, "k-1")
    clock.freeze(noon + timedelta(hours=24))
    forget_old_answers(world.service)
    assert ask(world.olga, "k-1").data == first.data
    clock.freeze(noon + timedelta(hours=24, seconds=1))
    later = ask(world.olga, "k-1")
    assert later.status_code == 201 and later.json["id"] != first.json["id"]
    clock.freeze(noon + timedelta(hours=50))
    forget_old_answers(world.service)
    assert stored(world) == []


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "\u00e9", "a\tb"])
def test_a_key_is_1_to_255_printable_characters(small_world: World, key: str) -> None:
    assert ask(small_world.olga, key).status_code == 422
    assert ask(small_world.olga, "x" * 255).status_code == 201


def test_somebody_who_lost_their_rights_gets_no_stored_answer(small_world: World) -> None:
    ask(small_world.olga, "k-1")
    small_world.ada.expect(204, "DELETE", f"/users/{small_world.olga.id}")
    assert ask(small_world.olga, "k-1").status_code == 401
