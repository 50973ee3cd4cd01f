"""The filters of lists of actions: what requests name by words, as ids. Never writes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.models.actions import PRIORITIES
from cfm_workflow.operations.people import named_team, named_user
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.queries import outcomes as outcomes_query


def filters(session: Session, caller: Caller, query: Mapping[str, Any]) -> dict[str, Any]:
    """What `queries.actions.page` wants, of a loaded `ActionQuery`.

    Raises:
        Invalid: a name nobody has; so that a typing error does not look like no work.
    """
    wanted = dict(query)
    wanted.setdefault("sort", "-created_at")
    for name in ("assignee", "assigner"):
        if name in wanted:
            wanted[name] = _person(session, caller, wanted[name], name)
    if "team" in wanted:
        wanted["team"] = named_team(session, wanted["team"], field="team").id
    if "outcome" in wanted:
        wanted["outcome"] = outcomes_query.ids_by_key(session, wanted["outcome"])
    if "label" in wanted:
        wanted |= _served(session, wanted.pop("label"))
    if "priority" in wanted:
        wanted["priority"] = [PRIORITIES[word] for word in wanted["priority"]]
    return wanted


def _served(session: Session, names: list[str]) -> dict[str, Any]:
    """The filter by labels of what an action serves, in the way that suits how many there are."""
    ids = frozenset[int]().union(*labels_query.named(session, names, field="label"))
    return {"rare_label" if labels_query.are_few(session, ids) else "common_label": sorted(ids)}


def _person(session: Session, caller: Caller, ref: int | str, field: str) -> int | None:
    if ref == "me":
        return caller.id
    return ref if isinstance(ref, int) else named_user(session, ref, field=field).id
