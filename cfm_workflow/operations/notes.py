"""Notes: written, changed and deleted with their history; the mentioned are told, each once.

Locked after their item.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, Stale
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Feedback, Note, NoteMention, NoteVersion
from cfm_workflow.operations import personal_reminders
from cfm_workflow.policy.markdown import first_line, plain
from cfm_workflow.policy.mentions import Resolved, is_there, resolve
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import notes as notes_query
from cfm_workflow.queries import when

REMINDED_OF: Final = 200
"""Characters of the first line that a reminder repeats."""


def add(session: Session, caller: Caller, feedback_id: int, fields: Mapping[str, Any], *, now: datetime) -> Any:
    """A new note, and the reminder that is asked for with it; `fields` as the form loads them.

    Raises:
        NotFound, Forbidden, Conflict: the item has been erased. Invalid.
    """
    item = _take_item(session, caller, feedback_id)
    access.require(caller, "note.write")
    remind_at = _when(session, caller, fields, now)
    found = _resolve(session, fields["body"])
    values = {
        "feedback_id": feedback_id,
        "author_id": caller.id,
        "body": found.body,
        "created_at": now,
        "changed_at": None,
        "deleted_at": None,
        "deleted_by": None,
        "version": 1,
    }
    note_id: int = session.scalars(insert(Note).values(values).returning(Note.id)).one()
    _keep_version(session, note_id, 1, found.body, caller, now)
    told, not_told = _mention(session, caller, note_id, feedback_id, found, now)
    reminder = None
    if remind_at is not None:
        wanted = {"feedback": feedback_id, "remind_at": remind_at, "every": None, "if_answered": "keep"}
        words = first_line(found.body, REMINDED_OF)
        reminder = personal_reminders.create(session, caller, wanted | {"text": words}, now=now)
    _record(session, caller, "note.added", note_id, item, told, now)
    return _shown(session, note_id) | {
        "unresolved": list(found.unresolved),
        "not_told": not_told,
        "reminder": reminder,
    }


def change(
    session: Session, caller: Caller, note_id: int, body: str, *, now: datetime, if_match: int | None = None
) -> Any:
    """Write a note anew; only those are told who are mentioned for the first time.

    Raises:
        NotFound, Stale, Forbidden, Conflict: it was deleted, or its item erased. Invalid.
    """
    note, item = _take(session, caller, note_id, "note.change", if_match)
    found = _resolve(session, body)
    not_told: list[str] = []
    if found.body != note.body:
        version = note.version + 1
        new = {"body": found.body, "changed_at": now, "version": version}
        session.execute(update(Note).where(Note.id == note_id).values(new))
        _keep_version(session, note_id, version, found.body, caller, now)
        told, not_told = _mention(session, caller, note_id, note.feedback_id, found, now)
        _record(session, caller, "note.changed", note_id, item, told, now)
    return _shown(session, note_id) | {"unresolved": list(found.unresolved), "not_told": not_told, "reminder": None}


def delete(session: Session, caller: Caller, note_id: int, *, now: datetime, if_match: int | None = None) -> None:
    """Delete a note: what it said is gone, that it was there stays.

    Raises:
        NotFound, Stale, Forbidden, Conflict: it was deleted already.
    """
    note, item = _take(session, caller, note_id, "note.delete", if_match)
    gone = {"body": "", "deleted_at": now, "deleted_by": caller.id, "version": note.version + 1}
    session.execute(update(Note).where(Note.id == note_id).values(gone))
    session.execute(update(NoteVersion).where(NoteVersion.note_id == note_id).values(body=None))
    _record(session, caller, "note.deleted", note_id, item, [], now)


def erase(session: Session, feedback_ids: Sequence[int], *, instead: str) -> None:
    """Put `instead` in the place of what the notes of some items say and said; deleted ones say nothing already."""
    theirs = select(Note.id).where(Note.feedback_id.in_(feedback_ids))
    said = (NoteVersion.note_id.in_(theirs), NoteVersion.body.is_not(None))
    session.execute(update(NoteVersion).where(*said).values(body=instead))
    kept = (Note.feedback_id.in_(feedback_ids), Note.deleted_at.is_(None))
    session.execute(update(Note).where(*kept).values(body=instead))


def _when(session: Session, caller: Caller, fields: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the writer wants to be reminded, if they do."""
    name = next((name for name in ("remind_at", "remind_in_words") if name in fields), None)
    if name is None:
        return None
    if caller.is_integration:
        raise Invalid({name: ["must be left out: a program is not reminded"]})
    if name == "remind_in_words":
        return when.meant(session, caller, fields[name], field=name, now=now)
    at: datetime = fields[name]
    return at


def _take_item(session: Session, caller: Caller, feedback_id: int) -> Any:
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = feedback_query.find(session, caller, feedback_id)
    if item.erased_at is not None:
        raise Conflict("This feedback has been erased.")
    return item


def _take(session: Session, caller: Caller, note_id: int, right: str, if_match: int | None) -> tuple[Any, Any]:
    seen = notes_query.find(session, caller, note_id)
    session.execute(select(Feedback.id).where(Feedback.id == seen.feedback_id).with_for_update(key_share=True))
    note = session.execute(select(Note.__table__).where(Note.id == note_id).with_for_update(key_share=True)).one()
    if if_match is not None and if_match != note.version:
        raise Stale(note.version)
    relations = access.by_role(caller) | ({"author"} if note.author_id == caller.id else set())
    access.require(caller, right, relations)
    item = feedback_query.find(session, caller, note.feedback_id)
    if item.erased_at is not None:
        raise Conflict("This feedback has been erased.")
    if note.deleted_at is not None:
        raise Conflict("This note has been deleted.")
    return note, item


def _resolve(session: Session, body: str) -> Resolved:
    if not is_there(body):
        return Resolved(body, (), ())
    found = resolve(body, *notes_query.everybody(session))
    if len(found.mentions) > limits.MENTIONS:
        raise Invalid({"body": [f"must mention at most {limits.MENTIONS} people and teams"]})
    if len(found.body) > limits.NOTE:
        raise Invalid({"body": [f"must have at most {limits.NOTE} characters, each mention written out"]})
    return found


def _keep_version(session: Session, note_id: int, version: int, body: str, caller: Caller, now: datetime) -> None:
    values = {"note_id": note_id, "version": version, "body": body, "written_by": caller.id, "written_at": now}
    session.execute(insert(NoteVersion).values(values))


def _mention(
    session: Session, caller: Caller, note_id: int, feedback_id: int, found: Resolved, now: datetime
) -> tuple[list[dict[str, Any]], list[str]]:
    """Store who is mentioned; those to be told, who are new and may see the item, and the names of who may not."""
    people = {ident for kind, ident in found.mentions if kind == "user"}
    teams = {ident for kind, ident in found.mentions if kind == "team"}
    people |= notes_query.members(session, teams) if teams else set()
    before = set(session.scalars(select(NoteMention.account_id).where(NoteMention.note_id == note_id)))
    named = session.execute(select(Account.id, Account.name).where(Account.id.in_(people)))
    names = {row.id: row.name for row in named}
    seen = feedback_query.readers(session, feedback_id, people)
    session.execute(update(NoteMention).where(NoteMention.note_id == note_id).values(current=False))
    again = NoteMention.account_id.in_(seen & before)
    session.execute(update(NoteMention).where(NoteMention.note_id == note_id, again).values(current=True))
    new = sorted(seen - before)
    if new:
        row = {"note_id": note_id, "current": True, "at": now}
        session.execute(insert(NoteMention), [row | {"account_id": ident} for ident in new])
    told = [{"id": ident, "name": names[ident]} for ident in new if ident != caller.id]
    return told, [names[ident] for ident in sorted(people - seen)]


def _record(
    session: Session,
    caller: Caller,
    event_type: str,
    note_id: int,
    item: Any,
    told: list[dict[str, Any]],
    now: datetime,
) -> None:
    note = session.execute(notes_query.SELECT.where(Note.id == note_id)).one()
    brief = {
        "id": note_id,
        "feedback": item.id,
        "text": plain(note.body)[: limits.EVENT_TEXT],
        "author": {"id": note.author_id, "name": note.author_name},
        "version": note.version,
    }
    about = {"note": brief, "feedback": feedback_query.brief(item), "mentioned": told}
    ledger.record(session, [Fact(event_type, note_id, about, caller, feedback_id=item.id)], now=now)


def _shown(session: Session, note_id: int) -> dict[str, Any]:
    [shown] = notes_query.show_all(session, [session.execute(notes_query.SELECT.where(Note.id == note_id)).one()])
    return shown
