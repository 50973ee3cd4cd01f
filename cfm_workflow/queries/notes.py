"""Notes as everybody sees them who may read their item; who can be mentioned. Never writes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session, aliased

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Account, Feedback, Note, NoteMention, NoteVersion, Team, TeamMember
from cfm_workflow.policy.markdown import render
from cfm_workflow.policy.mentions import Who, chosen, first_name
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

MENTIONABLE: Final = 20

_Remover = aliased(Account)
SELECT: Final = (
    select(*Note.__table__.c, Account.name.label("author_name"), _Remover.name.label("remover_name"))
    .join_from(Note, Account, Account.id == Note.author_id)
    .outerjoin(_Remover, _Remover.id == Note.deleted_by)
)


def find(session: Session, caller: Caller, note_id: int) -> Any:
    """One note, deleted or not.

    Raises:
        NotFound: there is none, or the caller may not know of its item.
    """
    row = session.execute(SELECT.where(Note.id == note_id, _may_see(caller))).one_or_none()
    if row is None:
        raise NotFound("note", note_id)
    return row


def _may_see(caller: Caller) -> Any:
    if not caller.hidden_teams:
        return true()
    return exists().where(Feedback.id == Note.feedback_id, feedback_query.may_see(caller))


def names_of(session: Session, mentioned: Collection[Who]) -> dict[Who, str]:
    """What people and teams are called now; those who are there no more are left out."""
    found: dict[Who, str] = {}
    for kind, of in (("user", Account), ("team", Team)):
        ids = [ident for noun, ident in mentioned if noun == kind]
        if ids:
            query = select(of.id, of.name).where(of.id.in_(ids))
            if of is Account:
                query = query.where(Account.kind == "user")
            found |= {(kind, ident): name for ident, name in session.execute(query)}
    return found


def show_all(session: Session, notes: Sequence[Any]) -> list[dict[str, Any]]:
    """Notes in the words of the API."""
    names = names_of(session, {who for note in notes for who in chosen(note.body)})
    return [_view(note, names) for note in notes]


def shown(session: Session, caller: Caller, note_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Per id: the note, which is on an item that the caller may see."""
    rows = session.execute(SELECT.where(Note.id.in_(note_ids))).all()
    return {note["id"]: note for note in show_all(session, rows)}


def _view(note: Any, names: Mapping[Who, str]) -> dict[str, Any]:
    gone = note.deleted_at is not None
    mentioned = [] if gone else [who for who in chosen(note.body) if who in names]
    return {
        "id": note.id,
        "feedback": note.feedback_id,
        "body": None if gone else note.body,
        "html": None if gone else render(note.body, names),
        "author": {"id": note.author_id, "name": note.author_name},
        "mentions": [{"type": kind, "id": ident, "name": names[kind, ident]} for kind, ident in mentioned],
        "created_at": note.created_at,
        "changed_at": note.changed_at,
        "deleted_at": note.deleted_at,
        "deleted_by": {"id": note.deleted_by, "name": note.remover_name} if gone else None,
        "version": note.version,
    }


SORTS: Final = {"created_at": Sort((Note.id,)), "-created_at": Sort((Note.id,), descending=True)}


def page(session: Session, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """The notes of an item."""
    query = SELECT.where(Note.feedback_id == feedback_id)
    found = fetch_page(session, query, wanted, SORTS, present=lambda row: row)
    return Page(show_all(session, found.items), found.next_cursor)


MENTION_SORTS: Final = {"-note": Sort((NoteMention.note_id,), descending=True)}


def mentions_of(session: Session, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """The notes that mention the caller, the last written first."""
    mine = NoteMention.account_id == caller.id
    query = SELECT.join(NoteMention, NoteMention.note_id == Note.id)
    query = query.where(mine, NoteMention.current, Note.deleted_at.is_(None), _may_see(caller))
    found = fetch_page(session, query, wanted, MENTION_SORTS, present=lambda row: row)
    return Page(show_all(session, found.items), found.next_cursor)


VERSION_SORTS: Final = {"version": Sort((NoteVersion.version,))}


def versions(session: Session, note_id: int, wanted: Mapping[str, Any]) -> Page:
    """A note as it was written, oldest first; the bodies of a deleted one are gone."""
    query = select(*NoteVersion.__table__.c, Account.name).join(Account, Account.id == NoteVersion.written_by)
    found = fetch_page(
        session, query.where(NoteVersion.note_id == note_id), wanted, VERSION_SORTS, present=lambda row: row
    )
    names = names_of(session, {who for row in found.items for who in chosen(row.body or "")})
    shown = [
        {
            "version": row.version,
            "body": row.body,
            "html": None if row.body is None else render(row.body, names),
            "written_by": {"id": row.written_by, "name": row.name},
            "written_at": row.written_at,
        }
        for row in found.items
    ]
    return Page(shown, found.next_cursor)


def everybody(session: Session) -> tuple[dict[str, frozenset[Who]], dict[Who, str]]:
    """Who goes by which name, casefolded, and what they are shown as: active people, and teams.

    A first name counts where nobody goes by it otherwise.
    """
    called: dict[str, set[Who]] = defaultdict(set)
    first: dict[str, set[Who]] = defaultdict(set)
    names: dict[Who, str] = {}
    people = select(Account.id, Account.name, Account.email).where(Account.kind == "user", Account.active)
    for ident, name, email in session.execute(people):
        names["user", ident] = name
        for word in (name, email or "", (email or "").partition("@")[0]):
            called[word.casefold()].add(("user", ident))
        first[(first_name(name) or "").casefold()].add(("user", ident))
    for ident, name, key in session.execute(select(Team.id, Team.name, Team.key)):
        names["team", ident] = name
        for word in (name, key):
            called[word.casefold()].add(("team", ident))
    return {word: frozenset(who) for word, who in (first | called).items() if word}, names


def members(session: Session, team_ids: Collection[int]) -> set[int]:
    """The active members of some teams."""
    query = select(TeamMember.account_id).join(Account, Account.id == TeamMember.account_id)
    return set(session.scalars(query.where(TeamMember.team_id.in_(list(team_ids)), Account.active)))


def mentionable(session: Session, asked: str) -> list[dict[str, Any]]:
    """People and teams of whose name a word begins with `asked`, or their handle or key; at most MENTIONABLE."""
    called, names = everybody(session)
    start = asked.casefold()
    found = {who for name, people in called.items() if _begins(name, start) for who in people}
    first = sorted(found, key=lambda who: (names[who].casefold(), who))[:MENTIONABLE]
    teams: dict[int, list[str]] = defaultdict(list)
    query = select(TeamMember.account_id, Team.name).join(Team, Team.id == TeamMember.team_id).order_by(Team.name)
    for ident, team in session.execute(query.where(TeamMember.account_id.in_([who[1] for who in first]))):
        teams[ident].append(team)
    return [
        {"type": kind, "id": ident, "name": names[kind, ident], "teams": teams[ident] if kind == "user" else []}
        for kind, ident in first
    ]


def _begins(name: str, start: str) -> bool:
    return name.startswith(start) or any(word.startswith(start) for word in name.split())
