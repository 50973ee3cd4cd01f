"""Deliveries to endpoints: the channel that sends them, and the jobs that judge endpoints, replay and forget.

Nothing is sent while a transaction is open.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.delivery.webhook import TIMEOUT_SECONDS, Sender
from cfm_workflow.ledger import bodies, outbox, replaying
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.models import Webhook
from cfm_workflow.operations import deliveries
from cfm_workflow.operations.deliveries import Order
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.security.keys import KeyRing, WrongKey
from cfm_workflow.security.sealing import unseal, unseal_headers
from cfm_workflow.security.signing import key_of, signed
from cfm_workflow.service import Service
from cfm_workflow.worker.together import Together

SLOW: Final = 0.5  # of the time-out

log = structlog.get_logger()


class Webhooks:
    """The channel to endpoints. One whose last attempt took long gets one thread at a time, so that a handful that
    hang cannot keep all the others from being served."""

    name = "webhooks"
    held = outbox
    threads = 64
    at_once = 4
    batch = 50

    def __init__(self, service: Service, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._service = service
        self._sender = Sender(allowed=service.settings.webhook_allowed_networks, timeout=timeout)
        self._secrets = _Secrets(service.ring)
        self._together = Together(service.database)
        self._lock = threading.Lock()
        self._slow: set[int] = set()
        self._sending: Counter[int] = Counter()

    def receivers(self, session: Session, *, worker: str, now: datetime) -> Sequence[int]:
        """Endpoints for which something is due, and which do not keep a thread waiting just now."""
        found = outbox.webhooks_with_work(session, worker=worker, now=now)
        return [receiver for receiver in found if not self._is_waited_for(receiver)]

    def claim(self, session: Session, receiver: int, *, worker: str, count: int, now: datetime) -> Sequence[Claimed]:
        """Take up to `count` of what is due to an endpoint; of a slow one a single delivery."""
        few = 1 if receiver in self._slow else count
        return outbox.claim_for_webhook(session, receiver, worker=worker, count=few, now=now)

    def deliver(self, claimed: Claimed) -> None:
        """Send it and settle it."""
        if not self._begin(claimed.receiver):
            self._give_back(claimed)
            return
        try:
            self._deliver(claimed)
        finally:
            with self._lock:
                self._sending[claimed.receiver] -= 1
                if not self._sending[claimed.receiver]:
                    del self._sending[claimed.receiver]

    def go_on(self, session: Session, receivers: Sequence[int], *, worker: str, now: datetime) -> None:
        """Keep serving these endpoints."""
        outbox.go_on_serving(session, receivers, worker, now=now)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._sender.close()

    def _is_waited_for(self, receiver: int) -> bool:
        with self._lock:
            return receiver in self._slow and self._sending[receiver] > 0

    def _begin(self, receiver: int) -> bool:
        with self._lock:
            if receiver in self._slow and self._sending[receiver]:
                return False
            self._sending[receiver] += 1
            return True

    def _give_back(self, claimed: Claimed) -> None:
        self._service.database.transaction(lambda session: outbox.give_back_unsent(session, [claimed]))

    def _deliver(self, claimed: Claimed) -> None:
        started_at, began = clock.now(), clock.stopwatch()
        with self._service.database.reading() as session:
            order = deliveries.order_of(session, claimed, now=started_at)
        if order.state in ("paused", "disabled"):  # since it was claimed
            self._give_back(claimed)
            return
        answer = self._answer(order, started_at)
        self._note_pace(claimed.receiver, clock.stopwatch() - began)
        now, gaps = clock.now(), self._service.settings.webhook_retry_seconds
        self._together.transaction(
            lambda session: deliveries.settle(
                session, claimed, answer, order, started_at=started_at, gaps=gaps, now=now
            )
        )

    def _answer(self, order: Order, at: datetime) -> Answer:
        if order.needless is not None:
            return Answer(Verdict.NEEDLESS, order.needless)
        try:
            keys, headers = self._secrets.of(order)
        except WrongKey as problem:
            log.error("the secret of a webhook cannot be read", webhook=order.webhook_id, why=str(problem))
            return Answer(Verdict.LATER, "its secret cannot be read here: a key is missing")
        body = _body(order)
        return self._sender.send(order.url, body, {**headers, **signed(order.event_id, body, keys, at=at)})

    def _note_pace(self, receiver: int, seconds: float) -> None:
        with self._lock:
            if seconds >= self._sender.timeout * SLOW:
                self._slow.add(receiver)
            else:
                self._slow.discard(receiver)


def _body(order: Order) -> bytes:
    if order.payload == "thin":
        return bodies.thin(order.body)
    return order.body.encode() if order.contact is None else bodies.with_contact(order.body, order.contact)


class _Secrets:
    """What endpoints are signed with and get along, decrypted once for each version of an endpoint."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._known: dict[int, tuple[object, tuple[list[bytes], dict[str, str]]]] = {}

    def of(self, order: Order) -> tuple[list[bytes], dict[str, str]]:
        """The keys, the newest first, and the own headers. Raises WrongKey."""
        mark = (order.version, order.secret, order.previous_secret)
        kept = self._known.get(order.webhook_id)
        if kept is None or kept[0] != mark:
            kept = self._known[order.webhook_id] = (mark, (self._keys(order), self._headers(order)))
        return kept[1]

    def _keys(self, order: Order) -> list[bytes]:
        stored = {"secret": order.secret, "previous_secret": order.previous_secret}
        return [key_of(unseal(self._ring, order.webhook_id, name, text)) for name, text in stored.items() if text]

    def _headers(self, order: Order) -> dict[str, str]:
        return unseal_headers(self._ring, order.webhook_id, order.headers)


# -- jobs of the clock -----------------------------------------------------------------------------------------------


def watch_webhooks(service: Service) -> None:
    """Tell the owners of endpoints that fail, and switch off those that have failed for days."""
    now = clock.now()
    with service.database.reading() as session:
        failing = deliveries.failing(session, now=now)
    for webhook_id in failing:
        service.database.transaction(lambda session: deliveries.judge(session, webhook_id, now=now))  # noqa: B023


def replay_to_webhooks(service: Service) -> None:
    """Go on with the replays under way, and cancel what is lined up for deleted endpoints."""
    with service.database.reading() as session:
        replayed = list(session.scalars(select(Webhook.id).where(Webhook.replay_of.is_not(None)).order_by(Webhook.id)))
        deleted = deliveries.deleted_with_work(session)
    for webhook_id in replayed:
        _again_and_again(service, lambda session, now: replaying.go_on(session, webhook_id, now=now))  # noqa: B023
    for webhook_id in deleted:
        _again_and_again(service, lambda session, now: deliveries.cancel_some(session, webhook_id, now=now))  # noqa: B023


def forget_deliveries(service: Service) -> None:
    """Delete attempts, and deliveries that are settled, once they are older than what is kept."""
    _again_and_again(service, lambda session, now: deliveries.forget_attempts(session, now=now))
    after: int | None = 0
    while after is not None and not service.stopping.is_set():
        now = clock.now()
        with service.database.reading() as session:
            old, after = deliveries.old_deliveries(session, after, now=now)
        if old:
            service.database.transaction(
                lambda session: deliveries.forget_deliveries(session, old, now=now)  # noqa: B023
            )


def _again_and_again(service: Service, work: Callable[[Session, datetime], bool]) -> None:
    """Short transactions, until `work` has nothing more to do or the process is to end."""
    while not service.stopping.is_set() and service.database.transaction(lambda session: work(session, clock.now())):
        pass
