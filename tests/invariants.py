"""What must hold in a database at every moment, whatever was going on; computed anew from the rows. Never writes."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.db import Base, Database
from cfm_workflow.models import (
    Action,
    ActionFeedback,
    ActionGroup,
    Check,
    Delivery,
    Event,
    Feedback,
    IdempotencyKey,
    Notice,
    Webhook,
)
from cfm_workflow.policy.groups import group_state, item_status
from cfm_workflow.queries.groups import progress_of

# What is told of an item when its status has become another one, or when somebody must decide.
STATUS_EVENTS = ("feedback.resolved", "feedback.undecided", "feedback.reopened", "feedback.closed")


def check(database: Database) -> None:
    """Fail with every sentence that is broken."""
    with database.reading() as session:
        broken = [sentence for claim in CLAIMS for sentence in claim(session)]
    assert not broken, "\n".join(broken[:20])


def _actions_and_events(session: Session) -> Iterator[str]:
    """The events of an action are numbered 1, 2, 3, ...; it has the state, count and version that they left."""
    events: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for row in session.execute(
        select(Event.action_id, Event.sequence, Event.body).where(Event.sequence.is_not(None)).order_by(Event.sequence)
    ):
        events[row.action_id].append((row.sequence, orjson.loads(row.body)["data"]))
    columns = (Action.id, Action.state, Action.category, Action.sequence, Action.assignee_id, Action.finished_at)
    for action in session.execute(select(*columns, Action.due_at, Action.extension_request)):
        numbers = [sequence for sequence, _ in events[action.id]]
        if numbers != list(range(1, action.sequence + 1)):
            yield f"action {action.id} counts {action.sequence} events, the ledger has {numbers}"
            continue
        moves = [data for _, data in events[action.id]]
        for earlier, later in pairwise(moves):
            if earlier["to"] != later["from"]:
                yield f"action {action.id} went to {earlier['to']} and came from {later['from']}"
        last = moves[-1]
        if last["to"] != action.state:
            yield f"action {action.id} is {action.state}, its last event says {last['to']}"
        assignee = (last["action"]["assignee"] or {}).get("id")
        if assignee != action.assignee_id:
            yield f"action {action.id} belongs to {action.assignee_id}, its last event says {assignee}"
        if (action.finished_at is not None) != (action.category in ("done", "dropped")):
            yield f"action {action.id} is {action.category}, finished at {action.finished_at}"
        if (request := action.extension_request) is not None and (
            action.finished_at is not None
            or action.assignee_id != request["asked_by"]
            or action.due_at is None
            or action.due_at >= datetime.fromisoformat(request["due_at"])
        ):
            yield f"action {action.id} waits for an answer to {request}, which has become pointless"


def _groups(session: Session) -> Iterator[str]:
    """A group is as far as its actions say; its ends and reopenings were told one for one."""
    members = defaultdict(list)
    for action in session.execute(select(Action.group_id, Action.category)):
        members[action.group_id].append(action.category)
    told = _types(session, "action_group")
    for group in session.execute(select(ActionGroup.__table__)):
        state = group_state(group.completion, group.at_least, progress_of(members[group.id]))
        if state != group.state:
            yield f"group {group.id} is {group.state}, its actions say {state}"
        reopened = told[group.id].count("action_group.reopened")
        ended = len(told[group.id]) - reopened
        if ended - reopened != (group.state != "open"):
            yield f"group {group.id} is {group.state}, it was told {told[group.id]}"


def _items(session: Session) -> Iterator[str]:
    """An item is as far as its actions say, was received once, and each change of its status was told once."""
    served = defaultdict(list)
    links = select(ActionFeedback.feedback_id, Action.category).join(Action, Action.id == ActionFeedback.action_id)
    for link in session.execute(links):
        served[link.feedback_id].append(link.category)
    told, statuses = _types(session, "feedback"), _statuses(session)
    for item in session.execute(select(Feedback.id, Feedback.status, Feedback.needs_decision)):
        progress = progress_of(served[item.id])
        expected = item_status(progress)
        if item.status == "closed" and not progress.unfinished:
            expected = ("closed", False)
        changes = statuses.get(item.id, [])
        if expected[0] == "resolved" and changes[-1:] == ["feedback.undecided"]:
            expected = ("open", True)  # the customer says no, and the workflow lets nobody but people open it again
        if (item.status, item.needs_decision) != expected:
            yield f"item {item.id} is {item.status}, {item.needs_decision}; its actions say {expected}"
        if told[item.id].count("feedback.received") != 1:
            yield f"item {item.id} was received {told[item.id].count('feedback.received')} times"
        for earlier, later in pairwise(changes):
            if earlier == later != "feedback.undecided":  # new work on an undecided item is no change of its status
                yield f"item {item.id} has {earlier} twice in a row"
        if item.status == "resolved" and changes[-1:] != ["feedback.resolved"]:
            yield f"item {item.id} is resolved, its last event says {changes[-1:]}"


def _links(session: Session) -> Iterator[str]:
    """An action serves the item it was made on."""
    linked = {tuple(row) for row in session.execute(select(ActionFeedback.action_id, ActionFeedback.feedback_id))}
    for action in session.execute(select(Action.id, Action.feedback_id)):
        if tuple(action) not in linked:
            yield f"action {action.id} does not serve its own item {action.feedback_id}"


def _keys(session: Session) -> Iterator[str]:
    """A stored Idempotency-Key has its answer."""
    for key in session.scalars(select(IdempotencyKey.key).where(IdempotencyKey.status == 0)):
        yield f"the key {key} was kept without an answer"


def _bodies(session: Session) -> Iterator[str]:
    """The body of an event says of itself what its row says."""
    for row in session.execute(select(Event.position, Event.event_id, Event.type, Event.body)):
        body = orjson.loads(row.body)
        said = (body["data"]["position"], body["data"]["event_id"], body["type"])
        if said != (row.position, row.event_id, row.type):
            yield f"event {row.position} says of itself {said}"


def _deliveries(session: Session) -> Iterator[str]:
    """Whoever asked for everything has a delivery of every event since."""
    lined_up = {tuple(row) for row in session.execute(select(Delivery.webhook_id, Delivery.position))}
    for webhook in session.scalars(select(Webhook).where(Webhook.state == "active")):
        if webhook.event_types != ["*"]:
            continue
        happened = select(Event.position, Event.type).where(
            ~Event.audit, ~Event.imported, Event.at > webhook.created_at
        )
        for event in session.execute(happened):
            if (webhook.id, event.position) not in lined_up:
                yield f"{event.type} at {event.position} is not on its way to webhook {webhook.id}"


def _mails(session: Session) -> Iterator[str]:
    """What somebody is to hear of at once is in a mail, and a mail that is on its way has something to tell."""
    at_once = select(Notice.account_id, Notice.batch).where(Notice.batch.is_not(None))
    told = {tuple(row) for row in session.execute(at_once)}
    is_news = (Delivery.account_id.is_not(None), Delivery.week.is_(None))  # a weekly report tells of no event
    mails = select(Delivery.account_id, Delivery.position, Delivery.state).where(*is_news)
    state = {(row.account_id, row.position): row.state for row in session.execute(mails)}
    for person, batch in told - state.keys():
        yield f"what person {person} is to hear of {batch} is in no mail"
    for mail, its_state in state.items():
        if its_state == "pending" and mail not in told:
            yield f"the mail {mail} has nothing to tell"


def _endings(session: Session) -> Iterator[str]:
    """Only what is resolved is to settle, only what is not closed is silent, and one question at most is open."""
    for item in session.scalars(select(Feedback)):
        if item.settles_at is not None and item.status != "resolved":
            yield f"item {item.id} is {item.status} and still to settle"
        if item.silent_at is not None and item.status in ("new", "closed"):
            yield f"item {item.id} is {item.status} and silent"
        if (item.closed_at is not None) != (item.status == "closed"):
            yield f"item {item.id} is {item.status}, closed at {item.closed_at}"
    planned = Counter(session.scalars(select(Check.feedback_id).where(Check.state == "planned")))
    for item_id, count in planned.items():
        if count > 1 or session.get_one(Feedback, item_id).status not in ("resolved", "closed"):
            yield f"item {item_id} has {count} planned checks"


CLAIMS = (_actions_and_events, _groups, _items, _endings, _links, _keys, _bodies, _deliveries, _mails)


def _types(session: Session, subject: str) -> dict[int, list[str]]:
    found = defaultdict(list)
    for row in session.execute(select(Event.subject_id, Event.type).where(Event.subject_type == subject)):
        found[row.subject_id].append(row.type)
    return found


def _statuses(session: Session) -> dict[int, list[str]]:
    """The changes of status of each item in the order they happened: of its version, not of the feed."""
    found = defaultdict(list)
    for row in session.execute(select(Event.subject_id, Event.type, Event.body).where(Event.type.in_(STATUS_EVENTS))):
        found[row.subject_id].append((orjson.loads(row.body)["data"]["feedback"]["version"], row.type))
    return {item: [event_type for _, event_type in sorted(changes)] for item, changes in found.items()}


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored, by table."""
    with database.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(table.select())), key=repr)
            for table in Base.metadata.sorted_tables
        }
