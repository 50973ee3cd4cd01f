"""Which people hear of what has just been recorded: a notice per person and event, one mail per person and transaction.

Everything that has to be looked up about all facts together is one statement.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, exists, func, insert, literal_column, select, union_all
from sqlalchemy.orm import Session, aliased

from cfm_workflow import limits
from cfm_workflow.db import DELIVERIES, plain, tell
from cfm_workflow.ledger import gathering
from cfm_workflow.ledger.audience import Audience
from cfm_workflow.models import (
    Account,
    Action,
    ActionFeedback,
    ActionGroup,
    ActionWatcher,
    Delivery,
    FeedbackWatcher,
    Notice,
    PassedOver,
    Team,
    TeamMember,
    Webhook,
)
from cfm_workflow.policy.audiences import Level, kind_of, level_for, relations_told
from cfm_workflow.policy.leaving import Leaving

if TYPE_CHECKING:
    from cfm_workflow.ledger.events import Fact

_INSERT_NOTICES: Final = insert(Notice.__table__)  # type: ignore[arg-type]
_INSERT_MAILS: Final = insert(Delivery.__table__)  # type: ignore[arg-type]

Unsaid = frozenset[tuple[int, int]]
"""Pairs of a person and an action: they were not told of its undone step and need not hear of the undoing."""


def line_up(
    session: Session, audience: Audience, facts: Sequence["Fact"], first: int, unsaid: Unsaid, *, now: datetime
) -> None:
    """Store who hears of these facts, whose positions begin at `first`; and a mail for whoever hears of one at once."""
    told = [(fact, first + n) for n, fact in enumerate(facts) if not fact.imported and relations_told(fact.type)]
    if not told:
        return
    people = _People(session, [fact for fact, _ in told])
    doers = {fact.actor.id for fact in facts}
    notices = [
        notice
        for fact, position in told
        for notice in _notices(fact, position, people.of(fact), audience, doers, unsaid, first, now)
    ]
    if not notices:
        return
    plain(session, _INSERT_NOTICES, notices)
    mailed: dict[int, list[gathering.Told]] = {}
    for notice in notices:
        if notice["batch"] is not None:
            about = facts[notice["position"] - first]
            mailed.setdefault(notice["account_id"], []).append((about, notice["relation"]))
    if mailed:
        wait: timedelta = session.info.get("known", {}).get("mail_wait", timedelta(0))
        leaves = gathering.leave(session, audience.hours, mailed, wait=wait, now=now)
        plain(session, _INSERT_MAILS, [_mail(person, first, leaves[person], now) for person in sorted(leaves)])
        if any(each.at <= now for each in leaves.values()):
            tell(session, DELIVERIES)


def _notices(
    fact: "Fact",
    position: int,
    related: Mapping[int, Iterable[str]],
    audience: Audience,
    doers: set[int | None],
    unsaid: Unsaid,
    batch: int,
    now: datetime,
) -> list[dict[str, Any]]:
    found = []
    for account_id, relations in related.items():
        if account_id in doers or (unsaid and fact.type == "action.undone" and (account_id, fact.action_id) in unsaid):
            continue
        own = audience.choices.get(account_id, {})
        level, relation = level_for(fact.type, relations, own=own, everybody=audience.everybody)
        if level is Level.NEVER:
            continue
        found.append(
            {
                "position": position,
                "account_id": account_id,
                "kind": kind_of(fact.type, relation),
                "relation": relation,
                "action_id": fact.action_id,
                "batch": batch if level is Level.AT_ONCE else None,
                "at": now,
            }
        )
    return found


def _mail(account_id: int, batch: int, leaves: Leaving, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "position": batch,
        "state": "pending",
        "next_at": leaves.at,
        "gathered": leaves.gathered,
        "tries": 0,
        "tries_before": 0,
        "created_at": now,
    }


class _People:
    """Who stands how to some facts. Only active users are among them."""

    def __init__(self, session: Session, facts: Sequence["Fact"]) -> None:
        asked: dict[str, set[int]] = defaultdict(set)
        for fact in facts:
            for branch, key in _asked(fact):
                asked[branch].add(key)
        self._found: dict[tuple[str, int], set[int]] = defaultdict(set)
        if asked:
            statement = _looking_up(frozenset((branch, len(keys) == 1) for branch, keys in asked.items()))
            wanted = {branch: sorted(keys) if len(keys) > 1 else min(keys) for branch, keys in asked.items()}
            for branch, key, account_id in plain(session, statement, wanted):
                self._found[branch, key].add(account_id)

    def of(self, fact: "Fact") -> dict[int, set[str]]:
        """Per person: their relations to what happened."""
        related: dict[int, set[str]] = defaultdict(set)
        for branch, key in _asked(fact):
            relation = _RELATION.get(branch)
            for account_id in self._found.get((branch, key), ()):
                for name in (relation,) if relation else _direct(fact, key):
                    related[account_id].add(name)
        return related


def _asked(fact: "Fact") -> list[tuple[str, int]]:
    """What has to be looked up to know whom this concerns: pairs of a branch of the statement and an id."""
    told = relations_told(fact.type)
    asked: list[tuple[str, int]] = []
    action, watcher = fact.about.get("action"), fact.about.get("watcher")
    if watcher is not None:
        return [("person", watcher["id"])]
    asked += [("person", person["id"]) for person in fact.about.get("mentioned", ())]
    if "told" in fact.about:
        asked = [("person", person["id"]) for person in fact.about["told"]]
        return [*asked, ("action_watcher", fact.subject_id)] if "watcher" in told else asked
    if action is not None:
        asked += [("person", ident) for ident in _named(fact)]
        if "watcher" in told:
            asked += [("action_watcher", action["id"])]
        if "lead" in told:
            asked += [("team_lead", action["team"]["id"])] if action["team"] is not None else []
            asked += [("own_lead", action["assignee"]["id"])] if not action["team"] and action["assignee"] else []
        if "pool_member" in told and action["pool"] and action["assignee"] is None:
            asked += [("pool_member", action["id"])]
        if "sibling" in told:
            asked += [("sibling", action["group_id"])]
    elif "owner" in told:
        asked += [("webhook_owner", fact.subject_id)]
    elif "group" in fact.about:
        asked += [("group_assigner", fact.subject_id)]
    elif fact.feedback_id is not None:
        asked += [
            (f"item_{relation}", fact.feedback_id) for relation in ("assignee", "assigner", "lead") if relation in told
        ]
    if "watcher" in told and fact.feedback_id is not None:
        asked += [("item_watcher", fact.feedback_id)]
    return asked


def _named(fact: "Fact") -> set[int]:
    """Those whom the event itself names; but not who did it, who is never told."""
    action = fact.about["action"]
    shown = (action["assignee"], action["assigned_by"], fact.about.get("former_assignee"))
    return {person["id"] for person in shown if person is not None and person["id"] != fact.actor.id}


def _direct(fact: "Fact", account_id: int) -> list[str]:
    if "told" in fact.about:
        return [person["as"] for person in fact.about["told"] if person["id"] == account_id]
    if any(person["id"] == account_id for person in fact.about.get("mentioned", ())):
        return ["mentioned"]
    action = fact.about.get("action") or {}
    places = {
        "assignee": action.get("assignee"),
        "assigner": action.get("assigned_by"),
        "former_assignee": fact.about.get("former_assignee"),
        "watcher": fact.about.get("watcher"),
    }
    return [name for name, person in places.items() if person is not None and person["id"] == account_id]


_RELATION: Final = {
    "action_watcher": "watcher",
    "item_watcher": "watcher",
    "team_lead": "lead",
    "own_lead": "lead",
    "item_lead": "lead",
    "pool_member": "pool_member",
    "sibling": "sibling",
    "group_assigner": "assigner",
    "item_assigner": "assigner",
    "item_assignee": "assignee",
    "webhook_owner": "owner",
}
"""What being found by a branch makes a person; `person` depends on where the event names them."""


def _served(who: Any) -> Any:
    """From an item to the actions that serve it, to `who` of them."""
    return (
        select(ActionFeedback.feedback_id, who)
        .join(Action, Action.id == ActionFeedback.action_id)
        .where(who.is_not(None))
    )


_Other = aliased(Action)
_Holder = aliased(Account)
"""Whose endpoint it is: of an integration's hears the person who answers for the integration."""
_SMALL: Final = func.count(_Other.id) <= limits.SIBLINGS_TOLD
"""A thousand people are not told of each other's thousand steps."""


def _branches(among: Callable[[Any, str], Any]) -> dict[str, Any]:
    """Per branch a statement for a key and a person; `among` compares a column with the keys that are asked for."""
    return {
        "person": select(Account.id, Account.id).where(among(Account.id, "person")),
        "action_watcher": select(ActionWatcher.action_id, ActionWatcher.account_id).where(
            among(ActionWatcher.action_id, "action_watcher")
        ),
        "item_watcher": select(FeedbackWatcher.feedback_id, FeedbackWatcher.account_id).where(
            among(FeedbackWatcher.feedback_id, "item_watcher")
        ),
        "team_lead": select(Team.id, Team.lead_id).where(among(Team.id, "team_lead"), Team.lead_id.is_not(None)),
        "own_lead": select(TeamMember.account_id, Team.lead_id)
        .join(Team, Team.id == TeamMember.team_id)
        .where(among(TeamMember.account_id, "own_lead"), Team.lead_id.is_not(None)),
        "pool_member": select(Action.id, TeamMember.account_id)
        .join(TeamMember, TeamMember.team_id == Action.team_id)
        .where(
            among(Action.id, "pool_member"),
            ~exists().where(PassedOver.action_id == Action.id, PassedOver.account_id == TeamMember.account_id),
        ),
        "sibling": select(Action.group_id, Action.assignee_id).where(
            among(Action.group_id, "sibling"),
            Action.finished_at.is_(None),
            Action.assignee_id.is_not(None),
            select(_SMALL).where(_Other.group_id == Action.group_id).scalar_subquery(),
        ),
        "group_assigner": select(ActionGroup.id, ActionGroup.created_by).where(
            among(ActionGroup.id, "group_assigner"), ActionGroup.created_by.is_not(None)
        ),
        "webhook_owner": select(Webhook.id, func.coalesce(_Holder.owner_id, _Holder.id))
        .join(_Holder, _Holder.id == Webhook.owner_id)
        .where(among(Webhook.id, "webhook_owner")),
        "item_assignee": _served(Action.assignee_id).where(among(ActionFeedback.feedback_id, "item_assignee")),
        "item_assigner": _served(Action.assigner_id).where(among(ActionFeedback.feedback_id, "item_assigner")),
        "item_lead": select(ActionFeedback.feedback_id, Team.lead_id)
        .join(Action, Action.id == ActionFeedback.action_id)
        .outerjoin(TeamMember, (TeamMember.account_id == Action.assignee_id) & Action.team_id.is_(None))
        .join(Team, Team.id == func.coalesce(Action.team_id, TeamMember.team_id))
        .where(among(ActionFeedback.feedback_id, "item_lead"), Team.lead_id.is_not(None)),
    }


_OF_SOME: Final = _branches(lambda column, branch: column.in_(bindparam(branch, expanding=True)))
_OF_ONE: Final = _branches(lambda column, branch: column == bindparam(branch))
"""For a single key, which is what is asked nearly always: its text need not be made anew at each execution."""


@cache
def _looking_up(branches: frozenset[tuple[str, bool]]) -> Any:
    """One statement for these branches, each of a single key or of some: rows of branch, key, and an active user."""
    parts = []
    for branch, of_one in sorted(branches):
        key, who = (_OF_ONE if of_one else _OF_SOME)[branch].subquery().c
        found = select(literal_column(f"'{branch}'").label("branch"), key.label("key"), Account.id.label("who"))
        parts.append(found.join(Account, Account.id == who).where(Account.active, Account.kind == "user"))
    return union_all(*parts)
