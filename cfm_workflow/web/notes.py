"""Notes on an item: written in Markdown, looked at first, written anew, deleted; with a reminder straight from them."""

from typing import Any

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.notes import NoteChange, NoteIn
from cfm_workflow.operations import notes as notes_operations
from cfm_workflow.policy.markdown import render
from cfm_workflow.policy.mentions import chosen
from cfm_workflow.queries import notes as notes_query
from cfm_workflow.texts import mark
from cfm_workflow.web import item, timeline
from cfm_workflow.web.door import Said
from cfm_workflow.web.feedback import is_number
from cfm_workflow.web.moments import read_moment
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import exact, say

_WRITTEN = mark("The note is there.")
_REMINDED = mark("The note is there; you are reminded on %(when)s.")
_UNKNOWN = mark("Nobody goes by the name of: %(names)s.")
_NOT_TOLD = mark("They were not told, because they may not see this: %(names)s.")
_DELETED = mark("The note is deleted.")


def _note_again(visit: Visit, feedback_id: int) -> Shown:
    return item.shown(visit, feedback_id, way="note")


@page("POST", "/feedback/<id:feedback_id>/notes", "add_note", right="note.write", again=_note_again)
def add(visit: Visit, feedback_id: int) -> See:
    """Write it; whom it mentions is told."""
    given: dict[str, Any] = {"body": visit.form.get("body", "")}
    if remind_at := visit.form.get("remind_at", "").strip():
        given["remind_at"] = read_moment(remind_at, visit.reader)
    body = load(NoteIn(), given)
    written = notes_operations.add(visit.session, visit.caller, feedback_id, body, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(_said(written)))


@page(
    "POST", "/feedback/<id:feedback_id>/notes/look", "look_at_note", right="note.write", again=_note_again, once=False
)
def look(visit: Visit, feedback_id: int) -> Shown:
    """How the note will read, beside the form that still holds it."""
    typed = load(NoteIn(), {"body": visit.form.get("body", "")})["body"]
    html = render(typed, notes_query.names_of(visit.session, list(chosen(typed))))
    shown = item.shown(visit, feedback_id, way="note", extra={"preview": html, "message": visit.form})
    return Shown(shown.template, shown.values, fragment="feedback/note_preview.html")


def _said(written: Any) -> str:
    """That it is there; when the reminder comes; and whom it could not reach."""
    reminder = written["reminder"]
    said = [say(_WRITTEN) if reminder is None else say(_REMINDED) % {"when": exact(reminder["remind_at"])}]
    if written["unresolved"]:
        said.append(say(_UNKNOWN) % {"names": ", ".join(written["unresolved"])})
    if written["not_told"]:
        said.append(say(_NOT_TOLD) % {"names": ", ".join(written["not_told"])})
    return " ".join(said)


@page("GET", "/notes/<id:note_id>", "edit_note", right="note.read")
def edit(visit: Visit, note_id: int) -> Shown:
    """The form in which a note is written anew; as a fragment in its place."""
    [note] = notes_query.show_all(visit.session, [notes_query.find(visit.session, visit.caller, note_id)])
    versions = notes_query.versions(visit.session, note_id, {"limit": 20})
    values = {"note": timeline.note_shown(visit, note), "versions": versions.items}
    return Shown("feedback/note.html", values)


@page("POST", "/notes/<id:note_id>", "change_note", right="note.write", again=edit)
def change(visit: Visit, note_id: int) -> See:
    """Write it anew, unless somebody did so meanwhile."""
    feedback_id = notes_query.find(visit.session, visit.caller, note_id).feedback_id
    body = load(NoteChange(), {"body": visit.form.get("body", "")})
    version = visit.form.get("version", "")
    if not is_number(version):
        raise Invalid({"body": ["is required"]})
    written = notes_operations.change(
        visit.session, visit.caller, note_id, body["body"], now=visit.now, if_match=int(version)
    )
    return See(f"/feedback/{feedback_id}", Said(_said({"reminder": None, **written})))


@page("POST", "/notes/<id:note_id>/delete", "delete_note", right="note.write")
def delete(visit: Visit, note_id: int) -> See:
    """Delete what it says."""
    feedback_id = notes_query.find(visit.session, visit.caller, note_id).feedback_id
    notes_operations.delete(visit.session, visit.caller, note_id, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_DELETED)))
