"""Who watches what, and what people chose to hear of, as everybody sees it. Never writes."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cfm_workflow.models import Account, ActionWatcher, FeedbackWatcher, NoticeChoice, NoticeDefault
from cfm_workflow.policy.audiences import KINDS, RANK, Choices, Level, levels_of
from cfm_workflow.queries.pages import Page, Sort, fetch_page

_Adder = aliased(Account)


def watchers_of_action(session: Session, action_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of those who watch an action; whoever watches its item is not among them."""
    return _watchers(session, ActionWatcher, ActionWatcher.action_id == action_id, wanted)


def watchers_of_item(session: Session, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of those who watch an item."""
    return _watchers(session, FeedbackWatcher, FeedbackWatcher.feedback_id == feedback_id, wanted)


def _watchers(session: Session, table: Any, condition: Any, wanted: Mapping[str, Any]) -> Page:
    query = (
        select(
            Account.id, Account.name, Account.email, Account.active,
            _Adder.id.label("adder_id"), _Adder.name.label("adder_name"), _Adder.email.label("adder_email"), table.at,
        )
        .select_from(table)
        .join(Account, Account.id == table.account_id)
        .outerjoin(_Adder, _Adder.id == table.added_by)
        .where(condition)
    )  # fmt: skip
    return fetch_page(session, query, wanted, {"user": Sort((table.account_id,))}, present=_watcher)


def _watcher(row: Any) -> dict[str, Any]:
    adder = {"id": row.adder_id, "name": row.adder_name, "email": row.adder_email}
    return {
        "user": {"id": row.id, "name": row.name, "email": row.email, "active": row.active},
        "added_by": None if row.adder_id is None else adder,
        "at": row.at,
    }


def own_choices(session: Session, account_id: int) -> Choices:
    """What a person chose, by kind."""
    chosen = select(NoticeChoice.kind, NoticeChoice.level).where(NoticeChoice.account_id == account_id)
    return {row.kind: Level(row.level) for row in session.execute(chosen)}


def defaults(session: Session) -> Choices:
    """What administrators decided for those who chose nothing, by kind."""
    return {row.kind: Level(row.level) for row in session.execute(select(NoticeDefault.kind, NoticeDefault.level))}


OWN: Final = "own"
DEFAULT: Final = "default"
BUILT_IN: Final = "built_in"
SOURCES: Final = (OWN, DEFAULT, BUILT_IN)


def preferences(own: Choices, everybody: Choices) -> dict[str, Any]:
    """Per kind what holds: the level, who decided it, and what comes of it for each relation that can hear of it.

    By what is built in the level depends on the relation; then it is the highest of them.
    """
    return {"notices": {kind: _preference(kind, own, everybody) for kind in KINDS}}


def _preference(kind: str, own: Choices, everybody: Choices) -> dict[str, Any]:
    chosen = own.get(kind) or everybody.get(kind)
    relations = {relation: chosen or level for relation, level in levels_of(kind).items()}
    source = OWN if kind in own else DEFAULT if kind in everybody else BUILT_IN
    level = chosen or max(relations.values(), key=RANK.__getitem__)
    return {"level": level, "source": source, "relations": relations}
