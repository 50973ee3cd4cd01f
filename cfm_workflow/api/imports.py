"""Routes of imports: a file comes in whole, is spooled, and read by a worker."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from cfm_workflow import limits
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.errors import Malformed, TooLarge, Unsupported
from cfm_workflow.forms.imports import ImportOut, ImportProblemOut, ImportQuery
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations import imports as imports_operations
from cfm_workflow.queries import imports as imports_query
from cfm_workflow.service import Service

TAG = "imports"
FORMATS: Final = {"text/csv": "csv", "application/x-ndjson": "jsonl", "application/jsonl": "jsonl"}
EXAMPLES: Final = {
    "text/csv": "external_id,text,metric,score\r\nA-1001,My miles are missing since Monday.,nps,2\r\n",
    "application/x-ndjson": '{"external_id": "A-1002", "text": "Thank you!", "metric": "nps", "score": 10}\n',
}
CHUNK: Final = 1024 * 1024


def spool(service: Service, query: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Write the body to a file of its own in CFM_INSTANCE; where it is, and its SHA-256.

    Raises:
        Unsupported, TooLarge, Malformed: the body is empty or broke off.
    """
    kind = FORMATS.get(request.mimetype)
    if kind is None:
        raise Unsupported(f"The body must be one of {', '.join(FORMATS)}.")
    folder = service.settings.instance / imports_operations.SPOOL
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{secrets.token_hex(16)}.{kind}"
    path = folder / name
    digest, size = hashlib.sha256(), 0
    request.max_content_length = limits.IMPORT_BYTES
    try:
        with path.open("xb") as file:
            while chunk := request.stream.read(CHUNK):
                size += len(chunk)
                if size > limits.IMPORT_BYTES:
                    raise RequestEntityTooLarge
                digest.update(chunk)
                file.write(chunk)
        if not size:
            raise Malformed("The body is empty: send the file itself.")
    except RequestEntityTooLarge:
        path.unlink()
        raise TooLarge(f"A file must be at most {limits.IMPORT_BYTES} bytes.") from None
    except ClientDisconnected:
        path.unlink()
        raise Malformed("The file broke off.") from None
    except Malformed:
        path.unlink()
        raise
    return {"path": path, "stored_as": f"{imports_operations.SPOOL}/{name}", "format": kind}, digest.digest()


@route(
    "POST",
    "/imports",
    "createImport",
    tag=TAG,
    right="feedback.import",
    query=ImportQuery,
    receive=spool,
    answers={202: ImportOut},
    example=EXAMPLES,
)
def create_import(ask: Ask) -> Any:
    """Import a CSV or JSONL file of feedback; the answer is a job that a worker carries out."""
    options = {**ask.query, "format": ask.body["format"]}
    name = options.pop("file_name")
    job = imports_operations.queue(
        ask.session, ask.caller, ask.body["path"], options, name=name, stored_as=ask.body["stored_as"], now=ask.now
    )
    return Reply(job, 202, {"Location": f"imports/{job['id']}"})


@route(
    "GET",
    "/imports",
    "listImports",
    tag=TAG,
    right="feedback.import",
    query=PageQuery,
    answers={200: page_of(ImportOut)},
)
def list_imports(ask: Ask) -> Any:
    """Imports, the newest first."""
    return imports_query.page(ask.session, ask.query).as_answer()


@route("GET", "/imports/<id:import_id>", "getImport", tag=TAG, right="feedback.import", answers={200: ImportOut})
def get_import(ask: Ask, import_id: int) -> Any:
    """How far an import is."""
    return imports_query.view(imports_query.find(ask.session, import_id))


@route(
    "GET",
    "/imports/<id:import_id>/errors",
    "listImportErrors",
    tag=TAG,
    right="feedback.import",
    query=PageQuery,
    answers={200: page_of(ImportProblemOut)},
)
def list_import_errors(ask: Ask, import_id: int) -> Any:
    """The lines that were not stored, and why."""
    imports_query.find(ask.session, import_id)
    return imports_query.problems(ask.session, import_id, ask.query).as_answer()
