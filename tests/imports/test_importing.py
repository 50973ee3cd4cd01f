"""Files come in over the API and the command line: once, with every problem named, and gone on with after any end."""

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from cfm_workflow import access, clock
from cfm_workflow.operations import imports
from cfm_workflow.worker.importing import forget_uploads, run_imports
from tests import invariants
from tests.world import World

CSV = (
    "id,comment,score,when\nA-1,My miles are missing,2,2026-01-05T10:00:00Z\nA-2,Friendly crew,9,2026-01-06T10:00:00Z\n"
)
QUERY = {
    "map.external_id": "id",
    "map.text": "comment",
    "map.score": "score",
    "map.received_at": "when",
    "constant.metric": "nps",
    "source": "survey",
}


def upload(world: World, text: str | bytes = CSV, status: int = 202, **query: str) -> Any:
    body = text if isinstance(text, bytes) else text.encode()
    return world.sam.expect(
        status, "POST", "/imports", query_string={**QUERY, **query}, data=body, content_type="text/csv"
    )


def test_an_uploaded_file_becomes_history(world: World) -> None:
    job = upload(world)
    assert (job["state"], job["records"]) == ("queued", 0)
    run_imports(world.service)
    done = world.sam.get(f"/imports/{job['id']}")
    assert not done["error"], done["error"]
    assert (done["state"], done["error"], done["records"], done["stored"]) == ("finished", None, 2, 2)
    assert done["found"]["encoding"] == "utf-8"
    items = world.olga.get("/feedback", source="survey", sort="received_at")["items"]
    assert [(item["external_id"], item["score"], item["imported"]) for item in items] == [
        ("A-1", 2, True),
        ("A-2", 9, True),
    ]
    events = world.events(types="feedback.received,import.finished")
    assert [(event["type"], event["data"]["imported"]) for event in events] == [
        ("feedback.received", True),
        ("feedback.received", True),
        ("import.finished", True),
    ]
    invariants.check(world.service.database)


def test_the_same_file_again_stores_nothing_twice(world: World) -> None:
    upload(world)
    run_imports(world.service)
    again = upload(world)
    run_imports(world.service)
    done = world.sam.get(f"/imports/{again['id']}")
    assert (done["stored"], done["duplicates"]) == (0, 2)


ODD = (
    "a\tb",
    "a\\b",
    "\\N",
    "\\.",
    "line\nbreak",
    "\u2028",
    "%(id)s",
    "'\";--",
    "{}",
    "감사합니다 \N{WHITE SMILING FACE}",
)


def test_what_comes_in_large_batches_is_stored_letter_by_letter(world: World) -> None:
    said = [f"<{odd}> {n}" for n in range(4) for odd in ODD]
    lines = [orjson.dumps({"comment": text, "more": text}) for text in said]
    query = {"map.text": "comment", "map.attributes.more": "more", "source": "odd"}
    body = {"data": b"\n".join(lines), "content_type": "application/x-ndjson"}
    job = world.sam.expect(202, "POST", "/imports", query_string=query, **body)
    run_imports(world.service)
    assert world.sam.get(f"/imports/{job['id']}")["stored"] == len(said)
    items = world.olga.get("/feedback", source="odd", sort="created_at")["items"]
    assert [(item["text"], item["attributes"]["more"]) for item in items] == [(text, text) for text in said]
    events = world.events(types="feedback.received")
    assert [event["data"]["feedback"]["text"] for event in events] == said
    invariants.check(world.service.database)


def test_a_column_that_cannot_be_named_is_refused_by_its_parameter(small_world: World) -> None:
    query = {"map.text": "comment", "map.customer.phone": "\0phone"}
    body = {"data": "comment\nHello\n", "content_type": "text/csv"}
    refused = small_world.sam.expect(422, "POST", "/imports", query_string=query, **body)
    assert set(refused["errors"]) == {"map.customer.phone"}


def test_equal_rows_without_an_id_are_stored_as_often_as_they_stand_there(world: World) -> None:
    text = "comment\nLate again\nLate again\nFine\n"
    body: dict[str, Any] = {"query_string": {"map.text": "comment", "source": "box"}, "content_type": "text/csv"}
    for stored in (3, 0):
        job = world.sam.expect(202, "POST", "/imports", data=text.encode(), **body)
        run_imports(world.service)
        assert world.sam.get(f"/imports/{job['id']}")["stored"] == stored


def test_live_means_that_it_counts_as_coming_in_now(world: World) -> None:
    upload(world, live="true")
    run_imports(world.service)
    assert {event["data"]["imported"] for event in world.events(types="feedback.received")} == {False}


def test_bad_lines_are_named_and_the_others_stored(small_world: World) -> None:
    lines = [
        "id,comment,score,when",
        "A-1,fine,2,2026-01-05T10:00:00Z",
        "A-2,,2,2026-01-05T10:00:00Z",
        "A-3,too much,11,2026-01-05T10:00:00Z",
        "A-4,no zone,2,2026-01-05T10:00:00",
        "A-5,too few",
    ]
    job = upload(small_world, "\n".join(lines))
    run_imports(small_world.service)
    done = small_world.sam.get(f"/imports/{job['id']}")
    assert (done["state"], done["stored"], done["refused"]) == ("finished", 1, 4)
    problems = small_world.sam.get(f"/imports/{job['id']}/errors")["items"]
    assert [(problem["line"], problem["field"]) for problem in problems] == [
        (3, "text"),
        (4, "score"),
        (5, "received_at"),
        (6, None),
    ]


@pytest.mark.parametrize(
    ("text", "query", "field"),
    [
        (CSV, {"map.text": "remark"}, "map.text"),
        (CSV, {"map.colour": "id"}, "map.colour"),
        (CSV, {"encoding": "utf-16"}, "encoding"),
        ("comment,comment\na,b\n", {}, "file"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_a_reason(
    small_world: World, text: str, query: dict[str, str], field: str
) -> None:
    job = upload(small_world, text, **query)
    run_imports(small_world.service)
    done = small_world.sam.get(f"/imports/{job['id']}")
    assert done["state"] == "failed"
    assert field in done["error"]
    assert small_world.events(types="feedback.received") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [({"colour": "red"}, "colour"), ({"time_zone": "Mars/Base"}, "time_zone"), ({"live": "yes"}, "live")],
)
def test_a_wrong_parameter_is_refused_before_the_file_is_kept(
    small_world: World, query: dict[str, str], field: str
) -> None:
    problem = upload(small_world, status=422, **query)
    assert list(problem["errors"]) == [field]
    assert not (small_world.service.settings.instance / imports.SPOOL).exists()


def test_only_supervisors_import(small_world: World) -> None:
    small_world.mallory.expect(403, "POST", "/imports", data=CSV.encode(), content_type="text/csv")
    job = upload(small_world)
    small_world.mallory.expect(403, "GET", f"/imports/{job['id']}")


def test_other_media_types_and_nothing_at_all_are_refused(small_world: World) -> None:
    small_world.sam.expect(415, "POST", "/imports", data=b"<a/>", content_type="application/xml")
    small_world.sam.expect(400, "POST", "/imports", data=b"", content_type="text/csv")


def many_rows(folder: Path, count: int) -> Path:
    file = folder / "many.csv"
    file.write_text("text\n" + "".join(f"row {n // 2}\n" for n in range(count)))
    return file


def new_run(world: World, file: Path, **more: Any) -> imports.Run:
    """The import of a file as the command line would begin or go on with it."""
    options = {"source": "file", "fields": {"text": "text"}, "constants": {}, "live": False}
    caller = access.system("test")

    def work(session: Any) -> tuple[int, str, int]:
        job = imports.queue(session, caller, file, options, name=file.name, stored_as=str(file), now=clock.now())
        return job["id"], imports.take(session, job["id"], now=clock.now()), job["records"]

    ident, lease, skip = world.service.database.transaction(work)
    transaction = world.service.database.transaction
    return imports.Run(transaction, caller, ident, lease, file, options, False, skip, **more)


def test_a_stopped_import_goes_on_where_it_ended(world: World, tmp_path: Path) -> None:
    file = many_rows(tmp_path, 700)
    reports: list[imports.Progress] = []
    stopped = new_run(world, file, report=reports.append, is_stopping=lambda: len(reports) == 2).go()
    assert (stopped["state"], stopped["records"]) == ("queued", reports[-1].records)
    assert 0 < stopped["records"] < 700
    gone_on = new_run(world, file)
    assert (gone_on.import_id, gone_on.skip) == (stopped["id"], stopped["records"])
    done = gone_on.go()
    assert (done["state"], done["records"], done["stored"], done["duplicates"]) == ("finished", 700, 700, 0)
    invariants.check(world.service.database)


def test_whoever_lost_an_import_writes_nothing_more(world: World, tmp_path: Path) -> None:
    file = many_rows(tmp_path, 300)
    slow = new_run(world, file)
    fast = new_run(world, file)
    with pytest.raises(imports.TakenOver):
        slow.go()
    assert fast.go()["stored"] == 300


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be killed")
def test_a_killed_import_keeps_what_it_reported(world: World, tmp_path: Path) -> None:
    file = many_rows(tmp_path, 2000)
    read, write = os.pipe()
    world.service.database.dispose()
    child = os.fork()
    if child == 0:
        seen: list[imports.Progress] = []

        def report(progress: imports.Progress) -> None:
            seen.append(progress)
            os.write(write, f"{progress.stored}\n".encode())
            if len(seen) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        new_run(world, file, report=report).go()
        os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as reports:
        acknowledged = int(reports.read().split()[-1])
    assert os.WTERMSIG(status) == signal.SIGKILL
    gone_on = new_run(world, file)
    assert gone_on.skip >= acknowledged
    done = gone_on.go()
    assert (done["stored"], done["duplicates"], done["state"]) == (2000, 0, "finished")


def test_an_import_whose_worker_died_is_taken_up_by_another(world: World) -> None:
    job = upload(world)
    now = clock.now()
    assert world.service.database.transaction(lambda session: imports.claim_next(session, now=now)) is not None
    run_imports(world.service)
    assert world.sam.get(f"/imports/{job['id']}")["state"] == "running"
    clock.freeze(now + imports.LEASE + timedelta(seconds=1))
    run_imports(world.service)
    assert world.sam.get(f"/imports/{job['id']}")["state"] == "finished"


def test_uploads_are_deleted_when_read_or_abandoned(small_world: World) -> None:
    upload(small_world)
    folder = small_world.service.settings.instance / imports.SPOOL
    [spooled] = folder.iterdir()
    abandoned = folder / "abandoned.csv"
    abandoned.write_text(CSV)
    clock.freeze(clock.now() + timedelta(days=2))
    forget_uploads(small_world.service)
    assert list(folder.iterdir()) == [spooled]
    run_imports(small_world.service)
    assert list(folder.iterdir()) == []


def test_requests_go_on_beside_an_import(world: World, tmp_path: Path) -> None:
    """Nothing is held between two batches: somebody is answered after each of them."""
    answered: list[int] = []

    def report(progress: imports.Progress) -> None:
        answered.append(world.feedback(f"beside {progress.records}")["id"])

    assert new_run(world, many_rows(tmp_path, 500), report=report).go()["stored"] == 500
    assert len(set(answered)) == len(answered) > 1
