"""What customers answer to a check by the link in its mail: that it is solved, or is not, a score, a word.

Whoever holds a link answers as the customer. A later answer takes the place of an earlier one until the link expires.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.errors import CfmError
from cfm_workflow.models import Check, Feedback
from cfm_workflow.operations import checks, reopening
from cfm_workflow.policy.closing import NOT_SOLVED, Answer
from cfm_workflow.queries import checks as checks_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.security.links import BadLink


class Standing(StrEnum):
    """What can be done with a link."""

    OPEN = "open"
    VOID = "void"  # nobody wants to know any more, or there is a newer question


@dataclass(frozen=True, slots=True)
class Question:
    """What the page behind a link shows. `language` is the customer's or that of the text, None when unknown."""

    standing: Standing
    language: str | None
    text: str
    received_at: datetime
    check: Mapping[str, Any]


class VoidQuestion(CfmError):
    """It cannot be answered any more; `question` says what there is to see."""

    def __init__(self, question: Question) -> None:
        self.question = question
        super().__init__("This question is not open any more.")


def look(session: Session, message_id: int, *, now: datetime) -> Question:
    """What there is behind the link of a message, which stays as it is.

    Raises:
        BadLink: nothing was asked by it.
    """
    check = session.execute(select(Check.__table__).where(Check.message_id == message_id)).one_or_none()
    if check is None:
        raise BadLink
    item = session.execute(feedback_query.SELECT.where(Feedback.id == check.feedback_id)).one()
    return _question(session, check, item, now)


def answer(session: Session, message_id: int, fields: Mapping[str, Any], *, now: datetime) -> Question:
    """Keep what the customer says and act by it: a "no" opens the action again that was last done.

    `fields`: solved (whether it is), score, word (each None when left out).

    Raises:
        BadLink, VoidQuestion: nothing was changed.
    """
    before = look(session, message_id, now=now)
    locked = reopening.lock(session, before.check["feedback"])
    before = look(session, message_id, now=now)  # as it is under the lock
    if before.standing is Standing.VOID:
        raise VoidQuestion(before)
    given = Answer.CONFIRMED if fields["solved"] else Answer.DENIED
    said = {"answer": given.value, "score": fields["score"], "word": fields["word"]}
    if said.items() <= before.check.items():
        return before  # pressed twice
    ident = before.check["id"]
    session.execute(update(Check).where(Check.id == ident).values(state="answered", answered_at=now, **said))
    checks.write_confirmation(session, locked.item.id, given)
    fact = checks.checked(session, reopening.CUSTOMER, ident, about={})
    if given is Answer.CONFIRMED:
        ledger.record(session, [fact], now=now)
        return look(session, message_id, now=now)
    opened = reopening.reopen(session, locked, reason=NOT_SOLVED, comment=fields["word"], because=[fact], now=now)
    if opened is not None:
        session.execute(update(Check).where(Check.id == ident).values(action_id=opened))
    return look(session, message_id, now=now)


def _question(session: Session, check: Any, item: Any, now: datetime) -> Question:
    newest = session.scalars(select(Check.id).where(Check.feedback_id == item.id).order_by(Check.id.desc()).limit(1))
    is_current = check.id == newest.one() and check.state in ("asked", "answered") and item.erased_at is None
    return Question(
        standing=Standing.OPEN if is_current and now < check.expires_at else Standing.VOID,
        language=item.customer_language or item.language,
        text=item.text,
        received_at=item.received_at,
        check=checks_query.view(check),
    )
