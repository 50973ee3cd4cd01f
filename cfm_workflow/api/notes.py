"""Routes of notes and of who can be mentioned in them."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.notes import (
    MentionableQuery,
    MentionablesOut,
    NoteChange,
    NoteIn,
    NoteOut,
    NoteQuery,
    NoteVersionOut,
    WrittenNoteOut,
)
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations import notes
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import notes as notes_query

TAG = "notes"
_ALL = "/feedback/<id:feedback_id>/notes"
_ONE = "/notes/<id:note_id>"


@route("GET", _ALL, "listNotes", tag=TAG, right="note.read", query=NoteQuery, answers={200: page_of(NoteOut)})
def list_notes(ask: Ask, feedback_id: int) -> Any:
    """The notes of an item, the newest last; deleted ones without what they said."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return notes_query.page(ask.session, feedback_id, ask.query).as_answer()


@route(
    "POST",
    _ALL,
    "addNote",
    tag=TAG,
    right="note.write",
    body=NoteIn,
    answers={201: WrittenNoteOut},
    example={"body": "Call back, please.", "remind_at": "2099-12-01T17:00:00+09:00"},
)
def add_note(ask: Ask, feedback_id: int) -> Any:
    """Write a note on an item; whom it mentions is told at once."""
    return Reply(notes.add(ask.session, ask.caller, feedback_id, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getNote", tag=TAG, right="note.read", answers={200: NoteOut}, etag=True)
def get_note(ask: Ask, note_id: int) -> Any:
    """One note."""
    [shown] = notes_query.show_all(ask.session, [notes_query.find(ask.session, ask.caller, note_id)])
    return shown


@route(
    "PATCH",
    _ONE,
    "changeNote",
    tag=TAG,
    right="note.change",
    body=NoteChange,
    answers={200: WrittenNoteOut},
    etag=True,
    matches=True,
    example={"body": "Call back today, please."},
)
def change_note(ask: Ask, note_id: int) -> Any:
    """Write a note anew; the former text stays to be read in its versions."""
    return notes.change(ask.session, ask.caller, note_id, ask.body["body"], now=ask.now, if_match=ask.if_match)


@route("DELETE", _ONE, "deleteNote", tag=TAG, right="note.delete", answers={204: None}, matches=True)
def delete_note(ask: Ask, note_id: int) -> Any:
    """Delete what a note says; that it was there, and who deleted it, stays."""
    notes.delete(ask.session, ask.caller, note_id, now=ask.now, if_match=ask.if_match)


@route(
    "GET",
    f"{_ONE}/versions",
    "listNoteVersions",
    tag=TAG,
    right="note.read",
    query=PageQuery,
    answers={200: page_of(NoteVersionOut)},
)
def list_note_versions(ask: Ask, note_id: int) -> Any:
    """A note as it was written, oldest first."""
    notes_query.find(ask.session, ask.caller, note_id)
    return notes_query.versions(ask.session, note_id, ask.query).as_answer()


@route(
    "GET",
    "/me/mentions",
    "listMyMentions",
    tag=TAG,
    right="note.read",
    query=PageQuery,
    answers={200: page_of(NoteOut)},
)
def list_my_mentions(ask: Ask) -> Any:
    """The notes that mention the caller or a team of theirs, the last first."""
    return notes_query.mentions_of(ask.session, ask.caller, ask.query).as_answer()


@route(
    "GET",
    "/mentionable",
    "listMentionable",
    tag=TAG,
    right="people.read",
    query=MentionableQuery,
    answers={200: MentionablesOut},
)
def list_mentionable(ask: Ask) -> Any:
    """Whom a note can mention: people with their teams, and teams, by how a word of their name begins."""
    return {"items": notes_query.mentionable(ask.session, ask.query["q"])}
