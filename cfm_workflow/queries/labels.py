"""Labels as everybody sees them, what is labelled, and how often over time. Never writes.

A label that was merged is a further name of its heir. Until its labellings have been moved they are read as the heir's.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, and_, bindparam, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from cfm_workflow.db import plain
from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.models import Account, Action, ActionFeedback, Feedback, Label, Labelling
from cfm_workflow.policy.labels import fold
from cfm_workflow.queries.pages import Page, Sort, fetch_page

FEW: Final = 20_000
"""So many labellings are better read and put in order than looked for while all items are gone through."""


def find(session: Session, label_id: int, *, lock: bool = False) -> Label:
    """Raises NotFound unless there is such a label, in use, retired or merged."""
    label = session.get(Label, label_id, with_for_update={"key_share": True} if lock else None, populate_existing=lock)
    if label is None:
        raise NotFound("label", label_id)
    return label


def view(label: Label) -> dict[str, Any]:
    """A label in the words of the API."""
    return {
        "id": label.id,
        "name": label.name,
        "colour": label.colour,
        "description": label.description,
        "active": label.active,
        "merged_into": label.into_id,
        "version": label.version,
        "created_at": label.created_at,
    }


SORTS: Final = {"id": Sort((Label.id,))}


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of labels, not of those that were merged; filters `active` and `q`, how the name begins."""
    query = select(Label).where(Label.into_id.is_(None))
    if wanted.get("active") is not None:
        query = query.where(Label.active if wanted["active"] else ~Label.active)
    if wanted.get("q"):
        query = query.where(Label.folded.startswith(_folded(wanted["q"], "q"), autoescape=True))
    return fetch_page(session, query, wanted, SORTS, present=lambda row: view(row[0]))


def _folded(name: str, field: str) -> str:
    try:
        return fold(name)
    except ValueError as problem:
        raise Invalid({field: [str(problem)]}) from None


_Heir = aliased(Label)
_Asked = aliased(Label)
_On = aliased(Labelling)  # beside the one that a list goes through


def of_items(session: Session, ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The labels on each of these items, in the order in which they were put on."""
    if not ids:
        return {}
    found: dict[int, dict[int, dict[str, Any]]] = {ident: {} for ident in ids}
    for row in plain(session, _ON_ITEMS, {"ids": list(ids)}):
        found[row.feedback_id].setdefault(row.id, _labelling(row))
    return {ident: list(labels.values()) for ident, labels in found.items()}


_ON_ITEMS = (
    select(
        Labelling.feedback_id,
        _Heir.id,
        _Heir.name,
        _Heir.colour,
        Labelling.labelled_by,
        Account.name.label("labeller"),
        Labelling.labelled_at,
    )
    .join(Label, Label.id == Labelling.label_id)
    .join(_Heir, _Heir.id == func.coalesce(Label.into_id, Label.id))
    .outerjoin(Account, Account.id == Labelling.labelled_by)
    .where(Labelling.feedback_id.in_(bindparam("ids", expanding=True)))
    .order_by(Labelling.feedback_id, Labelling.labelled_at, Labelling.label_id)
)


def _labelling(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "colour": row.colour,
        "labelled_by": None if row.labelled_by is None else {"id": row.labelled_by, "name": row.labeller},
        "labelled_at": row.labelled_at,
    }


# -- filters -----------------------------------------------------------------------------------------------------------


def named(session: Session, names: Sequence[str], *, field: str) -> list[frozenset[int]]:
    """Per label of these names, each once, the ids that its labellings have.

    That is one, and until a merger has been carried out those of what was merged besides.

    Raises:
        Invalid: there is no label of one of these names, so that a typing error does not look like nothing found.
    """
    folded = {_folded(name, field): name for name in names}
    heir = func.coalesce(_Asked.into_id, _Asked.id)
    members = (
        select(_Asked.folded, heir.label("heir"), Label.id)
        .join(Label, or_(Label.id == heir, and_(Label.into_id == heir, Label.moving)))
        .where(_Asked.folded.in_(list(folded)))
    )
    rows = session.execute(members).all()
    if unknown := sorted(folded[each] for each in folded.keys() - {row.folded for row in rows}):
        raise Invalid({field: [f"must be names of labels: there is no {', '.join(unknown)}"]})
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row.heir, set()).add(row.id)
    return [frozenset(ids) for ids in found.values()]


def are_few(session: Session, ids: Collection[int]) -> bool:
    """Whether these labels are on so few items that it is best to begin with them."""
    some = select(literal(1)).where(Labelling.label_id.in_(list(ids))).limit(FEW + 1).subquery()
    return session.scalars(select(func.count()).select_from(some)).one() <= FEW


def is_on(ids: Collection[int], *, few: bool) -> Any:
    """The condition that one of these labels is on an item: read first if there are few, else looked up for each."""
    labelled = _On.label_id.in_(list(ids))
    if few:
        return Feedback.id.in_(select(_On.feedback_id).where(labelled))
    return exists().where(_On.feedback_id == Feedback.id, labelled)


def is_served(name: str, *, few: bool) -> Any:
    """The condition that an action serves an item with one of the labels whose ids are bound under `name`."""
    labelled = _On.label_id.in_(bindparam(name, expanding=True))
    served = _On.feedback_id == ActionFeedback.feedback_id
    if few:
        return Action.id.in_(select(ActionFeedback.action_id).join(_On, served).where(labelled))
    # One inside the other: of a join SQLite would begin with the labellings, for each action anew.
    return exists().where(ActionFeedback.action_id == Action.id, exists().where(served, labelled))


# -- over time ---------------------------------------------------------------------------------------------------------


def counts(session: Session, ids: Collection[int], edges: Sequence[datetime], *, seen: Any) -> list[int]:
    """How often one of these labels was put on an item in each of the intervals between `edges`, for what is so now.

    `seen` is a condition on the items, None: all of them.
    """
    asked = []
    for n, (begin, end) in enumerate(pairwise(edges)):
        query = select(literal(n, Integer).label("n"), func.count().label("times")).where(
            Labelling.label_id.in_(list(ids)), Labelling.labelled_at >= begin, Labelling.labelled_at < end
        )
        if seen is not None:
            query = query.join_from(Labelling, Feedback, Feedback.id == Labelling.feedback_id).where(seen)
        asked.append(query)
    rows = session.execute(union_all(*asked)).all()
    return [row.times for row in sorted(rows, key=lambda row: row.n)]


USES: Final = 1_000
"""So far the uses of a label are counted; more is many."""


def uses(session: Session, ids: Collection[int], *, seen: Any) -> dict[int, int]:
    """Per label on how many items it is, up to `USES` + 1. `seen` is a condition on the items, None: all of them."""
    asked = []
    for ident in ids:
        query = select(Labelling.feedback_id).where(Labelling.label_id == ident)
        if seen is not None:
            query = query.join_from(Labelling, Feedback, Feedback.id == Labelling.feedback_id).where(seen)
        some = query.limit(USES + 1).subquery()
        asked.append(select(literal(ident, BigInteger).label("id"), func.count().label("times")).select_from(some))
    return {row.id: row.times for row in session.execute(union_all(*asked))} if asked else {}


def ids_of(session: Session, label: Label) -> frozenset[int]:
    """The ids that the labellings of a label have now; of a merged one those of its heir."""
    heir = label.into_id or label.id
    merged = select(Label.id).where(Label.into_id == heir, Label.moving)
    return frozenset({heir, *session.scalars(merged)})
