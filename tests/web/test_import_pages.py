"""Claims about the pages of imports."""

from __future__ import annotations

from html import unescape
from io import BytesIO

from cfm_workflow.worker.importing import run_imports
from tests.web.browsing import signed_in
from tests.world import World

ROWS = "id,comment,nps\r\nA-1,My miles are missing.,2\r\nA-2,,9\r\n"


def test_a_file_is_read_and_its_lines_are_accounted_for(small_world: World) -> None:
    browser = signed_in(small_world, small_world.sam)
    form = browser.form("/imports", "/imports")
    sent = {"file": (BytesIO(ROWS.encode()), "survey.csv"), "map.text": "comment", "map.external_id": "id"}
    answer = browser.send(form, **sent)
    place = answer.headers["Location"]
    waiting = browser.part(place).text
    assert "hx-trigger" in waiting and "<html" not in waiting

    run_imports(small_world.service)
    page = browser.open(place).text
    assert "hx-trigger" not in page and "survey.csv" in page
    assert "survey.csv" in browser.open("/imports").text
    assert small_world.sam.get("/feedback")["items"][0]["text"] == "My miles are missing."
    [problem] = small_world.sam.get(place + "/errors")["items"]
    assert problem["reason"] in unescape(page)


def test_only_those_who_may_import_see_it(small_world: World) -> None:
    browser = signed_in(small_world, small_world.alice)
    browser.open("/imports", 403)
    assert 'href="/imports"' not in browser.open("/feedback").text


def test_a_wrong_file_is_said_at_its_field(small_world: World) -> None:
    browser = signed_in(small_world, small_world.sam)
    form = browser.form("/imports", "/imports")
    browser.send(form, 422)
    for file in ((BytesIO(b"x"), "photo.png"), (BytesIO(b""), "empty.csv")):
        browser.send(form, 422, file=file)
    browser.send(form, 422, file=(BytesIO(ROWS.encode()), "survey.csv"), **{"map.text": "comment", "time_zone": "Mars"})
    browser.open("/imports/999", 404)


def test_a_file_may_be_larger_than_any_other_form(small_world: World) -> None:
    browser = signed_in(small_world, small_world.sam)
    fields = browser.form("/imports", "/imports").fields
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{each}\r\n' for name, each in fields.items()]
    rows = "id,text\r\n" + "1,My miles are missing.\r\n" * 100_000
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\n'
    body = "".join(part for part in parts if 'name="file"' not in part) + f"{head}{rows}\r\n--x--\r\n"
    answer = browser.client.post("/imports", data=body.encode(), content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 303
