"""Imports: a file of feedback is handed in, with what its columns mean, and read by a worker; how far that is."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flask import request

from cfm_workflow import access, limits
from cfm_workflow.errors import Invalid
from cfm_workflow.forms.imports import ImportQuery
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations import imports as imports_operations
from cfm_workflow.queries import imports as imports_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

IMPORTS: Final = 20
PROBLEMS: Final = 50
STATES: Final = {
    "queued": mark("Waiting"),
    "running": mark("Running"),
    "finished": mark("Finished"),
    "failed": mark("Failed"),
}
TONES: Final = {"queued": "plain", "running": "blue", "finished": "green", "failed": "red"}
OPTIONS: Final = ("source", "date_format", "time_zone", "encoding", "delimiter")
MAPPED: Final = {
    "text": mark("Message"),
    "external_id": mark("Own number"),
    "received_at": mark("Received"),
    "channel": mark("Channel"),
    "touchpoint": mark("Page or place"),
    "metric": mark("Metric"),
    "score": mark("Score"),
    "language": mark("Language"),
    "customer.name": mark("Name of the customer"),
    "customer.email": mark("E-mail address of the customer"),
    "customer.phone": mark("Telephone of the customer"),
}
"""What a column can hold; what is left empty is found by the usual names of columns."""
_KINDS: Final = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_NO_FILE: Final = mark("Please choose a file.")
_KIND: Final = mark("Please choose a file that ends in .csv, .tsv, .txt, .jsonl or .ndjson.")
_QUEUED: Final = mark("The file is there; it is read now.")
_CHUNK: Final = 1024 * 1024


@page("GET", "/imports", "imports", right="feedback.import")
def imports(visit: Visit) -> Shown:
    """The form, and what was imported before."""
    found = imports_query.page(visit.session, _paged(visit, IMPORTS))
    values = {
        "rows": [_row(job) for job in found.items],
        "next": f"/imports?cursor={found.next_cursor}" if found.next_cursor else None,
        "first": "/imports" if visit.query.get("cursor") else None,
        "mapped": [(name, say(label)) for name, label in MAPPED.items()],
    }
    return Shown("imports/page.html", values, fragment="imports/rows.html")


def _paged(visit: Visit, size: int) -> dict[str, Any]:
    cursor = visit.query.get("cursor")
    return {**load(PageQuery(), {"cursor": cursor} if cursor else {}), "limit": size}


def _row(job: Mapping[str, Any]) -> dict[str, Any]:
    """An import with its state in words, and how much of the file is read, in hundredths."""
    share = 100 if job["state"] == "finished" else min(99, 100 * job["bytes_read"] // max(1, job["size"]))
    return {**job, "state_label": say(STATES[job["state"]]), "tone": TONES[job["state"]], "share": share}


def _spooled(visit: Visit) -> dict[str, Any]:
    """Write the file to one of its own in CFM_INSTANCE, before the transaction begins.

    Raises:
        Forbidden, Invalid: there is none, or of another kind.
    """
    access.require(visit.caller, "feedback.import")
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid({"file": [_NO_FILE]})
    kind = _KINDS.get(Path(sent.filename).suffix.lower())
    if kind is None:
        raise Invalid({"file": [_KIND]})
    folder = visit.service.settings.instance / imports_operations.SPOOL
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{secrets.token_hex(16)}.{kind}"
    path = folder / name
    with path.open("xb") as file:
        while chunk := sent.stream.read(_CHUNK):
            file.write(chunk)
    if not path.stat().st_size:
        path.unlink()
        raise Invalid({"file": [_NO_FILE]})
    stored_as = f"{imports_operations.SPOOL}/{name}"
    return {"path": path, "stored_as": stored_as, "format": kind, "name": Path(sent.filename).name[:255]}


@page(
    "POST",
    "/imports",
    "start_import",
    right="feedback.import",
    again=imports,
    prepare=_spooled,
    most=limits.IMPORT_BYTES,
)
def start(visit: Visit) -> See:
    """Queue the file to be imported."""
    form, file = visit.form, visit.prepared
    given = {name: typed for name in OPTIONS if (typed := form.get(name, "").strip())}
    given |= {f"map.{name}": typed for name in MAPPED if (typed := form.get(f"map.{name}", "").strip())}
    given |= {"live": "true"} if form.get("live") else {}
    options = {**load(ImportQuery(), given), "format": file["format"]}
    options.pop("file_name")
    job = imports_operations.queue(
        visit.session,
        visit.caller,
        file["path"],
        options,
        name=file["name"],
        stored_as=file["stored_as"],
        now=visit.now,
    )
    return See(f"/imports/{job['id']}", Said(say(_QUEUED)))


@page("GET", "/imports/<id:import_id>", "import_page", right="feedback.import")
def one(visit: Visit, import_id: int) -> Shown:
    """How far an import is, and the lines that were not stored."""
    job = imports_query.view(imports_query.find(visit.session, import_id))
    found = imports_query.problems(visit.session, import_id, _paged(visit, PROBLEMS))
    here = f"/imports/{import_id}"
    values = {
        "job": _row(job),
        "is_over": job["state"] in ("finished", "failed"),
        "problems": found.items,
        "next": f"{here}?cursor={found.next_cursor}" if found.next_cursor else None,
        "first": here if visit.query.get("cursor") else None,
    }
    return Shown("imports/one.html", values, fragment="imports/progress.html")
