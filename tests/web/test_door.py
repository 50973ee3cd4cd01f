"""Claims about the door of the pages, whatever page is behind it."""

import re
from datetime import datetime, timedelta

import pytest

from cfm_workflow import clock
from cfm_workflow.access import RIGHTS
from cfm_workflow.web.pages import PAGES
from tests.web.browsing import HTMX, signed_in, stranger
from tests.world import World


def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_where_they_wanted(small_world: World) -> None:
    answer = stranger(small_world).open("/work?cursor=x", 303)

    assert answer.headers["Location"] == "/sign-in?next=%2Fwork%3Fcursor%3Dx"


WITHOUT_SIGN_IN = {
    "start",
    "sign_in",
    "sign_in_now",
    "sign_out",
    "ask_for_link",
    "mail_link",
    "ask_for_reset",
    "mail_reset",
    "entrance",
    "enter",
    "choose_language",
    "choose_theme",
}


def test_every_page_says_its_right_and_nobody_else_gets_in(small_world: World) -> None:
    assert {page.name for page in PAGES if page.right is None} == WITHOUT_SIGN_IN
    assert {page.right for page in PAGES} - {None} <= RIGHTS.keys()
    client = small_world.app.test_client()
    for page in PAGES:
        if page.right is not None:
            path = re.sub(r"<[^>]+>", "1", page.path)
            answer = client.open(path, method=page.method)
            assert answer.status_code == 303, page.name
            assert answer.headers["Location"].startswith("/sign-in"), page.name


def test_every_form_wants_its_proof(small_world: World) -> None:
    ada = signed_in(small_world, small_world.ada)
    for page in PAGES:
        if page.method == "POST":
            path = re.sub(r"<[^>]+>", "1", page.path)
            assert ada.client.post(path).status_code == 403, page.name


def test_a_fragment_is_told_to_go_to_sign_in_as_a_whole(small_world: World) -> None:
    headers = HTMX | {"HX-Current-URL": "http://localhost/work"}
    answer = stranger(small_world).open("/work", 200, headers=headers)

    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fwork"
    assert answer.data == b""


@pytest.mark.parametrize("path", ["/work", "/sign-in", "/nowhere/at/all"])
def test_every_page_may_load_run_and_be_framed_by_nothing_foreign_and_is_not_stored(
    small_world: World, path: str
) -> None:
    answer = stranger(small_world).client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})

    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_form_without_its_proof_does_nothing(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    form = alice.form("/work", "/sign-out")

    alice.send(form, 403, _csrf="")
    alice.send(form, 403, _csrf=form.fields["_csrf"][:-1] + ("0" if form.fields["_csrf"][-1] != "0" else "1"))
    alice.send(form, 403, headers={"Sec-Fetch-Site": "cross-site"})
    alice.send(form, 403, headers={"Origin": "https://evil.example"})
    alice.open("/work")


def test_the_proof_of_somebody_else_is_none(small_world: World) -> None:
    alice, mallory = (signed_in(small_world, who) for who in (small_world.alice, small_world.mallory))
    form = alice.form("/work", "/sign-out")
    form.fields["_csrf"] = mallory.form("/work", "/sign-out").fields["_csrf"]

    alice.send(form, 403)
    alice.open("/work")


def test_a_page_is_compressed_for_whoever_takes_that(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)

    packed = alice.open("/work", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(alice.open("/work").data) / 2


def test_a_file_of_a_page_is_asked_for_once_and_its_address_changes_with_it(small_world: World) -> None:
    text = signed_in(small_world, small_world.alice).open("/work").text
    address = next(part for part in text.split('"') if part.startswith("/assets/desk.css"))
    client = small_world.app.test_client()

    kept = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in kept.headers["Cache-Control"]
    assert kept.headers["Content-Encoding"] == "gzip"

    unversioned = client.get("/assets/desk.css")
    assert unversioned.headers["Cache-Control"] == "no-cache"
    assert client.get("/assets/desk.css", headers={"If-None-Match": unversioned.headers["ETag"]}).status_code == 304
    assert client.get("/assets/../pages.py").status_code == 404


def test_a_first_visit_is_small_and_later_ones_are_smaller(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    page = alice.open("/work", headers={"Accept-Encoding": "gzip"})
    text = alice.open("/work").text
    named = {part.split("#")[0] for part in text.split('"') if part.startswith("/assets/")}
    sizes = [len(alice.client.get(path, headers={"Accept-Encoding": "gzip"}).data) for path in named]

    assert len(page.data) < 60_000
    assert len(page.data) + sum(sizes) < 250_000


def test_what_happens_is_told_to_open_pages_by_id_and_only_to_those_who_may_see_it(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    begun = alice.open("/live").json
    assert begun["subjects"] == []

    action = small_world.action("Alice")

    heard = alice.open(f"/live?after={begun['last_position']}").json
    assert f"action:{action['id']}" in heard["subjects"]
    assert f"feedback:{action['feedback_id']}" in heard["subjects"]
    assert alice.open(f"/live?after={heard['last_position']}").json["subjects"] == []
    assert alice.open("/live?after=nonsense").json["subjects"] == []


def test_a_stream_tells_the_same_as_it_happens_and_ends_with_the_session(small_world: World, noon: datetime) -> None:
    alice = signed_in(small_world, small_world.alice)
    begun = alice.open("/live").json["last_position"]
    answer = alice.client.get(f"/live/stream?after={begun}")
    pieces = answer.iter_encoded()
    next(pieces)

    action = small_world.action("Alice")

    assert f'"action:{action["id"]}"' in next(pieces).decode()
    alice.fill("/work", "/sign-out")
    clock.freeze(noon + timedelta(seconds=16))
    assert list(pieces) == []
    answer.close()


def test_places_for_streams_are_few_and_are_given_back(small_world: World) -> None:
    alice = signed_in(small_world, small_world.alice)
    places = small_world.service.settings.threads // 4
    opened = [alice.client.get("/live/stream") for _ in range(places)]
    assert {each.status_code for each in opened} == {200}

    refused = alice.open("/live/stream", 503)

    assert int(refused.headers["Retry-After"]) > 0
    for each in opened:
        each.close()
    answer = alice.client.get("/live/stream")
    assert answer.status_code == 200
    answer.close()
