"""The channel of mail: what is due is looked at once more, written and sent. No transaction is open meanwhile.

And the job that empties the outbox of what is not to be kept any more.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cfm_workflow import clock, letters
from cfm_workflow.delivery import email
from cfm_workflow.delivery import outbox as files
from cfm_workflow.delivery.email import Transport
from cfm_workflow.delivery.message import Mail as Message
from cfm_workflow.errors import Busy
from cfm_workflow.ledger import outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.letters import Digest, Entrance, Letter, Weekly
from cfm_workflow.operations import mail
from cfm_workflow.operations.deliveries import KEPT
from cfm_workflow.operations.mail import Draft, Needless
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.queries import mails as mails_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.service import Service

BATCH: Final = 500

log = structlog.get_logger()


class Mail:
    """Sends the mails of one process; see `worker.dispatch.Channel`."""

    name = "mail"
    held = outbox
    threads = 4
    at_once = 1
    batch = 10

    def __init__(self, service: Service, *, transport: Transport | None = None) -> None:
        self._service = service
        self._transport = transport or email.open_transport(service.settings)

    def receivers(self, session: Session, *, worker: str, now: datetime) -> Sequence[int]:
        """People to whom a mail is due."""
        return outbox.people_with_mail(session, now=now)

    def claim(self, session: Session, receiver: int, *, worker: str, count: int, now: datetime) -> Sequence[Claimed]:
        """What is due to a person; how much of it, the ledger knows: there are few an hour."""
        return outbox.claim_mail(session, receiver, worker=worker, now=now)

    def deliver(self, claimed: Claimed) -> None:
        """Send one mail and settle it."""
        started_at = clock.now()
        written = self._written(claimed, started_at)
        answer = self._transport.send(written) if isinstance(written, Message) else written
        address = written.to if isinstance(written, Message) else None
        now = clock.now()
        state = self._service.database.transaction(
            lambda session: mail.settle(session, claimed, answer, address=address, started_at=started_at, now=now)
        )
        if state == "dead":  # what the server said may name the address, which is for no log
            log.error("a mail is given up", delivery=claimed.id, tries=claimed.number, status=answer.status)

    def go_on(self, session: Session, receivers: Sequence[int], *, worker: str, now: datetime) -> None:
        """Nothing: people are nobody's, each mail is leased by itself."""

    def close(self) -> None:
        """Let go of the connections that are kept for a moment."""
        self._transport.close()

    def _written(self, claimed: Claimed, now: datetime) -> Message | Answer:
        """The message, or what there is to say instead of sending one."""
        database = self._service.database
        try:
            with database.reading() as session:
                draft = mail.prepare(session, claimed, now=now)
            if isinstance(draft, Needless):
                return Answer(Verdict.NEEDLESS, draft.reason)
            ring = self._service.ring
            tokens = database.transaction(lambda session: mail.issue_links(session, ring, draft, now=now))
            return self._message(claimed, draft, tokens, now)
        except (DBAPIError, Busy):
            raise  # it stays as it is, and is tried again
        except Exception as error:  # a mail that cannot be written would come back for ever
            log.exception("a mail could not be written", delivery=claimed.id)
            return Answer(Verdict.NEVER, f"The mail could not be written: {type(error).__name__}.")

    @staticmethod
    def _letter(draft: Draft, tokens: dict[str, str], base_url: str) -> Letter:
        told, reader = draft.told, draft.reader
        if isinstance(told, Entrance):
            return letters.compose_entrance(told, reader, base_url=base_url, token=tokens[told.purpose])
        if isinstance(told, Digest):
            return letters.compose_digest(told, reader, draft.names, base_url=base_url, tokens=tokens)
        if isinstance(told, Weekly):
            return letters.compose_weekly(told, reader, base_url=base_url, tokens=tokens)
        return letters.compose(told, reader, draft.names, base_url=base_url, tokens=tokens, unsaid=draft.unsaid)

    def _message(self, claimed: Claimed, draft: Draft, tokens: dict[str, str], now: datetime) -> Message:
        base_url = self._service.settings.base_url
        letter = self._letter(draft, tokens, base_url)
        known = {"installation": draft.installation, "base_url": base_url}
        return Message(
            ident=claimed.id,
            to=draft.address,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            message_id=letters.message_id("delivery", claimed.id, **known),
            at=now,
            headers=letters.headers(letter, **known),
        )


# -- job of the clock ------------------------------------------------------------------------------------------------


GONE: Final = {"delivery": mails_query.not_to_be_kept, "message": messages_query.not_to_be_kept}


def empty_outbox(service: Service) -> None:
    """Delete what lies in the outbox of this instance for longer than attempts are kept, and what shows or was written
    to somebody who asked to disappear.

    Not by whoever erases: files are in no transaction. So what was being written meanwhile is found an hour later, and
    nothing depends on anybody living on after a commit.
    """
    found = files.kept(service.settings.instance / files.FOLDER)
    while (some := list(islice(found, BATCH))) and not service.stopping.is_set():
        with service.database.reading() as session:
            gone = {
                kind: find(session, {kept.ident for kept in some if kept.kind == kind}) for kind, find in GONE.items()
            }
        for kept in some:
            if kept.ident in gone[kept.kind] or kept.written_at < clock.now() - KEPT:
                kept.path.unlink(missing_ok=True)
