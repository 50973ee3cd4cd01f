"""Notes on an item: written in Markdown, looked at first, written anew, deleted; with a reminder straight from them."""

from typing import Any

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.notes import NoteChange, NoteIn
from cfm_workflow.forms.when import WhenQuery
from cfm_workflow.operations import notes as notes_operations
from cfm_workflow.policy.markdown import render
from cfm_workflow.policy.mentions import chosen
from cfm_workflow.queries import notes as notes_query
from cfm_workflow.queries import when
from cfm_workflow.texts import mark
from cfm_workflow.web import item, timeline
from cfm_workflow.web.door import Said
from cfm_workflow.web.feedback import is_number
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.problems import NOT_A_TIME
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
    if words := visit.form.get("remind_in_words", "").strip():
        given["remind_in_words"] = words
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
    words = visit.form.get("remind_in_words", "").strip()
    extra = {"preview": html, "message": visit.form, "reminder_line": understood(visit, words) if words else None}
    shown = item.shown(visit, feedback_id, way="note", extra=extra)
    return Shown(shown.template, shown.values, fragment="feedback/note_preview.html")


@page("GET", "/feedback/remind", "foresee_reminder", right="note.write")
def foresee(visit: Visit) -> Shown:
    """When the words of a reminder mean it to come, before the note is sent."""
    asked = visit.query.get("remind_in_words", "").strip()
    values = {"reminder_line": understood(visit, asked) if asked else None}
    return Shown("feedback/remind.html", values, fragment="feedback/remind.html")


def understood(visit: Visit, words: str) -> str:
    """The instant that these words mean to the reader, or that they are not understood."""
    try:
        text = load(WhenQuery(), {"text": words})["text"]
        return exact(when.meant(visit.session, visit.caller, text, field="text", now=visit.now))
    except Invalid:
        return say(NOT_A_TIME)


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
