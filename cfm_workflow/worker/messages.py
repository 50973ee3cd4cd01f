"""The channel of messages: mails that people wrote, sent once nobody can take them back any more."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cfm_workflow import clock, letters, texts
from cfm_workflow.delivery import email
from cfm_workflow.delivery.email import Transport
from cfm_workflow.delivery.message import Mail as Letter
from cfm_workflow.errors import Busy
from cfm_workflow.ledger import postbag
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.operations.messages import sending
from cfm_workflow.operations.messages.sending import Draft
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.security.letter_links import LetterPurpose, LetterSigner
from cfm_workflow.service import Service

log = structlog.get_logger()


class Messages:
    """Sends the messages of one process; see `worker.dispatch.Channel`. Each message is a receiver of its own."""

    name = "messages"
    held = postbag
    threads = 2
    at_once = 1
    batch = 1

    def __init__(self, service: Service, *, transport: Transport | None = None) -> None:
        self._service = service
        self._signer = LetterSigner(service.ring)
        self._transport = transport or email.open_transport(service.settings)

    def receivers(self, session: Session, *, worker: str, now: datetime) -> Sequence[int]:
        """The messages that are due."""
        return postbag.due(session, now=now)

    def claim(self, session: Session, receiver: int, *, worker: str, count: int, now: datetime) -> Sequence[Claimed]:
        """One of them."""
        return postbag.claim(session, receiver, worker=worker, now=now)

    def deliver(self, claimed: Claimed) -> None:
        """Send one message and settle it."""
        written = self._written(claimed, clock.now())
        answer = self._transport.send(written) if isinstance(written, Letter) else written
        now = clock.now()
        state = self._service.database.transaction(lambda session: sending.settle(session, claimed, answer, now=now))
        if state == "failed":  # what the server said may name the address, which is for no log
            log.error("a message cannot be delivered", message=claimed.id, tries=claimed.number, status=answer.status)

    def go_on(self, session: Session, receivers: Sequence[int], *, worker: str, now: datetime) -> None:
        """Nothing: each message is leased by itself."""

    def close(self) -> None:
        """Let go of the connections that are kept for a moment."""
        self._transport.close()

    def _written(self, claimed: Claimed, now: datetime) -> Letter | Answer:
        """The mail, or what there is to say instead of sending one."""
        try:
            with self._service.database.reading() as session:
                draft = sending.prepare(session, claimed, now=now)
            return Answer(Verdict.NEVER, draft) if isinstance(draft, str) else self._letter(draft, now)
        except (DBAPIError, Busy):
            raise  # it stays as it is, and is tried again
        except Exception as error:  # a mail that cannot be written would come back for ever
            log.exception("a message could not be written", message=claimed.id)
            return Answer(Verdict.NEVER, f"The mail could not be written: {type(error).__name__}.")

    def _letter(self, draft: Draft, now: datetime) -> Letter:
        settings = self._service.settings
        links = {each.purpose: self._address(each) for each in draft.links}
        until = next((each.until for each in draft.links if each.purpose == "share"), None)
        addition = letters.Addition(
            draft.shared_by, None if until is None else texts.instant(until, draft.language, settings.time_zone)
        )
        text, html = letters.compose_message(
            draft.body, draft.language, headline=draft.subject, links=links, addition=addition
        )
        known = {"installation": draft.installation, "base_url": settings.base_url}
        return Letter(
            ident=draft.message_id,
            kind="message",
            to=draft.address,
            subject=draft.subject,
            text=text,
            html=html,
            message_id=letters.message_id("message", draft.message_id, **known),
            at=now,
            headers=letters.message_headers(
                thread=letters.message_id(draft.thread, draft.feedback_id, **known),
                previous=letters.message_id("message", draft.previous, **known) if draft.previous else None,
                unsubscribe=links.get("unsubscribe"),
                is_automatic=draft.is_automatic,
            ),
        )

    def _address(self, link: sending.Linked) -> str:
        token = self._signer.sign(LetterPurpose(link.purpose), link.subject_id, expires_at=link.until)
        return letters.letter_link_of(self._service.settings.base_url, link.purpose, token)
