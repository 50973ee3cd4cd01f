"""A mail before it is sent and afterwards: whether it still matters, what it tells, and what became of it.

Between the two it is sent by others, with no transaction open. Nothing here composes, sends or commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from cfm_workflow import access, limits, texts
from cfm_workflow.access import Caller
from cfm_workflow.ledger import outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.letters import LINES, Arrangement, Digest, Entrance, Names, News, Reader, Weekly, arrange
from cfm_workflow.models import Account, Action, DeadAddress, Delivery, Event, Installation, Notice, Outcome
from cfm_workflow.operations import links
from cfm_workflow.operations.actions.extensions import REQUESTED
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.reports import weekly as weekly_operations
from cfm_workflow.policy.audiences import IMPORTANCE
from cfm_workflow.policy.deliveries import MAIL_RETRY_SECONDS, Answer, Verdict
from cfm_workflow.policy.event_types import REMINDERS
from cfm_workflow.policy.weekly import is_wanted
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers, relations
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries.groups import progress_of
from cfm_workflow.queries.reports.scope import scope_of, teams_of
from cfm_workflow.queries.reports.weekly import week_of, weekly
from cfm_workflow.security.keys import KeyRing
from cfm_workflow.security.links import Purpose
from cfm_workflow.workflow import choices, path


@dataclass(frozen=True, slots=True)
class Needless:
    """There is nothing to be sent, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a letter is made of, but for its signed links: those are for `purposes`, on `action_id` and
    `reminder_id`.

    `unsaid` is how many news there are beside those told; `installation` tells message ids from those of others.
    """

    address: str
    reader: Reader
    told: Arrangement | Digest | Entrance | Weekly
    names: Names
    unsaid: int
    purposes: Sequence[str]
    action_id: int | None
    reminder_id: int | None
    installation: str


def prepare(session: Session, claimed: Claimed, *, now: datetime) -> Draft | Needless:
    """What a mail tells, as things are now: to nobody who is gone, and nothing that they may not see any more."""
    person = session.execute(_PERSON, {"id": claimed.receiver}).one()
    caller = callers.by_id(session, claimed.receiver)
    if caller is None or person.email is None:
        return Needless("The account is switched off.")
    if (dead := session.get(DeadAddress, person.email)) is not None:
        return Needless(f"The address is dead: {dead.reason}")
    if claimed.position < 0:
        mail = session.execute(_MAIL, {"id": claimed.id}).one()
        if mail.purpose is not None:
            return _entrance(session, person, mail.purpose)
        if mail.week is not None:
            return _weekly(session, caller, person, mail.week, now)
        return _digest(session, caller, person, claimed, now)
    notices = _notices(session, caller, claimed, now)
    if not notices:
        return Needless("Nothing is left to be told.")
    news = _read(session, notices[: LINES + 1])
    reader = Reader(person.id, person.language, texts.zone_named(person.time_zone))
    arrangement = arrange(news)
    action_id = None if arrangement.is_list else arrangement.main.action_id
    reminder_id = None if arrangement.is_list else arrangement.main.reminder_id
    return Draft(
        address=person.email,
        reader=reader,
        told=arrangement,
        names=names_of(
            session, arrangement.news, reader.language, group_id=arrangement.main.part("action").get("group_id")
        ),
        unsaid=len(notices) - len(news),
        purposes=[
            *(["snooze"] if reminder_id is not None else []),
            *_possible(session, caller, action_id, arrangement.main.type, now),
            "preferences",
        ],
        action_id=action_id,
        installation=_installation(session),
        reminder_id=reminder_id,
    )


_PERSON: Final = select(
    Account.id, Account.name, Account.email, Account.language, Account.time_zone, Account.role, Account.weekly_report
).where(Account.id == bindparam("id"))


_MAIL: Final = select(Delivery.purpose, Delivery.week).where(Delivery.id == bindparam("id"))


def _entrance(session: Session, person: Any, purpose: str) -> Draft:
    return Draft(
        address=person.email,
        reader=Reader(person.id, person.language, texts.zone_named(person.time_zone)),
        told=Entrance(purpose, person.name, links.VALID_FOR[Purpose(purpose)]),
        names=Names({}, {}, {}, {}),
        unsaid=0,
        purposes=[purpose],
        action_id=None,
        reminder_id=None,
        installation=_installation(session),
    )


def _weekly(session: Session, caller: Caller, person: Any, week: str, now: datetime) -> Draft | Needless:
    """The report of a week, with the work that the person supervises now."""
    if not is_wanted(person.role, person.weekly_report):
        return Needless("The weekly report is not wanted any more.")
    period = week_of(week, weekly_operations.zone_of(session), now=now)
    teams = None if caller.supervises is None or caller.is_administrator else teams_of(session, caller)
    return Draft(
        address=person.email,
        reader=Reader(person.id, person.language, texts.zone_named(person.time_zone)),
        told=Weekly(
            weekly(session, scope_of(caller, None, now=now), period),
            None if teams is None else [name for _, name in teams],
        ),
        names=Names(),
        unsaid=0,
        purposes=["weekly_report", "preferences"],
        action_id=None,
        reminder_id=None,
        installation=_installation(session),
    )


def _digest(session: Session, caller: Caller, person: Any, claimed: Claimed, now: datetime) -> Draft | Needless:
    """A digest as things are now; it is not sent when there is nothing to do and nothing has happened."""
    zone = texts.zone_named(person.time_zone)
    figures = actions_query.numbers(session, caller, today=now.astimezone(zone).date(), zone=zone, now=now)
    notices = _notices(session, caller, claimed, now)
    if not notices and not figures["overdue"] and not figures["due_today"]:
        return Needless("Nothing is due and nothing has happened.")
    news = sorted(_read(session, notices[:LINES]), key=lambda one: one.data["position"])
    reader = Reader(person.id, person.language, zone)
    return Draft(
        address=person.email,
        reader=reader,
        told=Digest(figures, news, len(notices) - len(news)),
        names=names_of(session, news, reader.language),
        unsaid=0,
        purposes=["preferences"],
        action_id=None,
        reminder_id=None,
        installation=_installation(session),
    )


def _installation(session: Session) -> str:
    return session.execute(select(Installation.created_at)).scalar_one().isoformat()


_About: Final = aliased(Action)


def _still_matters(person_id: int, now: datetime) -> Any:
    """Nobody is reminded of what has ended or was quieted before the mail left, or what somebody else does by now."""
    is_theirs = or_(Notice.relation != "assignee", _About.assignee_id == person_id)
    is_loud = or_(_About.quiet_until.is_(None), _About.quiet_until <= now)
    return and_(_About.finished_at.is_(None), is_theirs, is_loud)


def _notices(session: Session, caller: Caller, claimed: Claimed, now: datetime) -> Sequence[Any]:
    """What the mail is to tell, the most important first."""
    query = (
        select(Event.position, Event.type, Notice.relation, Notice.action_id)
        .join(Notice, Notice.position == Event.position)
        .outerjoin(_About, _About.id == Notice.action_id)
        .where(
            Notice.account_id == claimed.receiver,
            Notice.batch == claimed.position,
            or_(Event.type.not_in(REMINDERS), _still_matters(claimed.receiver, now)),
            or_(Event.type != REQUESTED, _About.extension_request.is_not(None)),
        )
    )
    if caller.hidden_teams:
        query = query.where(events_query.may_see(caller))
    rows = _latest_reminders(session.execute(query.order_by(Event.position).limit(limits.COUNT)).all())
    return sorted(rows, key=lambda row: (IMPORTANCE.get(row.type, len(IMPORTANCE)), row.position))


def _latest_reminders(rows: Sequence[Any]) -> Sequence[Any]:
    """The same without the reminders of an action before its latest one: that one says all there is."""
    latest = {row.action_id: row.position for row in rows if row.type in REMINDERS}
    return [row for row in rows if row.type not in REMINDERS or latest[row.action_id] == row.position]


def _read(session: Session, notices: Sequence[Any]) -> list[News]:
    relation_of = {row.position: row.relation for row in notices}
    bodies = session.execute(select(Event.position, Event.body).where(Event.position.in_(list(relation_of))))
    return [News(relation_of[row.position], orjson.loads(row.body)) for row in bodies]


def names_of(session: Session, told: Sequence[News], language: str, *, group_id: int | None = None) -> Names:
    """What a reader calls the states, transitions and outcomes in these news; and how far a group is."""
    language = texts.spoken(language)
    ids = {news.action_id for news in told if news.action_id is not None}
    versions = select(Action.workflow_id).where(Action.id.in_(ids)).distinct()
    states: dict[tuple[str, str], str] = {}
    transitions: dict[tuple[str, str], str] = {}
    for definition in (definition_of(session, workflow_id) for workflow_id in session.scalars(versions)):
        states |= {(definition.key, each.name): each.label[language] for each in definition.states.values()}
        transitions |= {(definition.key, each.name): each.label[language] for each in definition.transitions.values()}
    keys = {news.part("action").get("outcome") for news in told}
    outcomes = session.execute(select(Outcome.key, Outcome.label).where(Outcome.key.in_([key for key in keys if key])))
    return Names(
        states=states,
        transitions=transitions,
        outcomes={row.key: row.label.get(language) or row.key for row in outcomes},
        groups=_progress(session, group_id),
    )


def _progress(session: Session, group_id: int | None) -> Mapping[int, tuple[int, int]]:
    if group_id is None:
        return {}
    progress = progress_of(session.scalars(select(Action.category).where(Action.group_id == group_id)))
    return {group_id: (progress.done, progress.total)}


_ACTION: Final = select(Action.__table__).where(Action.id == bindparam("id"))


def _possible(session: Session, caller: Caller, action_id: int | None, told: str, now: datetime) -> list[str]:
    """What signed links may be for in a mail that tells an event of this type: what the assignee of now can do with the
    action as it is now; to whoever is reminded of it, to quiet it for a while; to whoever is asked for more time, to
    grant it."""
    action = None if action_id is None else session.execute(_ACTION, {"id": action_id}).one_or_none()
    if action is None:
        return []
    standing = relations.of_actions(session, caller, [action])[action.id]
    may_quiet = (
        told in REMINDERS and action.finished_at is None and access.allows(caller, "action.acknowledge", standing)
    )
    may_grant = told == REQUESTED and links.can_be_granted(action, now) and links.may_grant(caller, standing)
    found = [*(["acknowledge"] if may_quiet else []), *(["grant"] if may_grant else [])]
    if action.assignee_id != caller.id:
        return found
    return [*found, *_moving(session, caller, action, standing, now)]


def _moving(session: Session, caller: Caller, action: Any, standing: frozenset[str], now: datetime) -> list[str]:
    definition = definition_of(session, action.workflow_id)
    allowed, _ = choices(definition, action, by=caller.id, relations=standing, now=now)
    found = ["accept"] if "accept" in allowed else []
    if path(definition, action, "complete", by=caller.id, relations=standing, now=now):
        found.append("complete")
    return [*found, "comment"]


def issue_links(session: Session, ring: KeyRing, draft: Draft, *, now: datetime) -> dict[str, str]:
    """The tokens of a draft's signed links, by purpose."""
    return links.issue(
        session,
        ring,
        account_id=draft.reader.id,
        purposes=draft.purposes,
        action_id=draft.action_id,
        reminder_id=draft.reminder_id,
        now=now,
    )


def settle(
    session: Session, claimed: Claimed, answer: Answer, *, address: str | None, started_at: datetime, now: datetime
) -> str | None:
    """Write down what became of a mail to `address`, and when it is tried again; the state as of `outbox.settle`.

    Of an address whose server says that nobody is there (`GONE`) it is remembered.
    """
    state = outbox.settle(session, claimed, answer, started_at=started_at, gaps=MAIL_RETRY_SECONDS, now=now)
    if answer.verdict is Verdict.GONE and address is not None and session.get(DeadAddress, address) is None:
        reason = f"{answer.status or ''} {answer.text}".strip()[: limits.ANSWER_SUMMARY]
        session.add(DeadAddress(address=address, reason=reason, at=now))
        session.flush()
    return state


def revive(session: Session, address: str) -> bool:
    """Forget that an address was dead: somebody has just got mail there. Whether it was."""
    dead = session.get(DeadAddress, address)
    if dead is not None:
        session.delete(dead)
        session.flush()
    return dead is not None
