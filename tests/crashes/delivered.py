"""What must hold of deliveries once everything has settled, whoever died on the way. No tests here."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.ledger import outbox
from cfm_workflow.models import Attempt, Delivery, Event
from cfm_workflow.service import Service
from cfm_workflow.worker.dispatch import Channel
from tests.crashes.receiving import Receiver, digest

ROUNDS = 50


def work(service: Service, channel: Channel, worker: str) -> bool:
    """One round of a worker, in this thread: everything that is due now is claimed and sent; whether there was any."""
    now = clock.now()
    with service.database.reading() as session:
        receivers = channel.receivers(session, worker=worker, now=now)
    for receiver in receivers:
        claimed = service.database.transaction(
            lambda session: channel.claim(session, receiver, worker=worker, count=channel.batch, now=now)  # noqa: B023
        )
        for each in claimed:
            channel.deliver(each)
    return bool(receivers)


def work_off(service: Service, channel: Channel) -> None:
    """Send everything there is, as a worker that comes when all the dead ones' leases have run out; time moves on."""
    worker = outbox.new_worker()
    for _ in range(ROUNDS):
        while work(service, channel, worker):
            pass
        if not is_waiting(service):
            return
        clock.freeze(clock.now() + timedelta(days=1))  # past every lease and every gap
    raise AssertionError("some deliveries never settle")


def is_waiting(service: Service) -> bool:
    with service.database.reading() as session:
        waiting = select(Delivery.id).where(text("state = 'pending'"), Delivery.webhook_id.is_not(None)).limit(1)
        return session.scalars(waiting).first() is not None


def check(service: Service, receiver: Receiver) -> None:
    """Fail with every sentence that is broken."""
    with service.database.reading() as session:
        broken = list(_broken(session, receiver))
    assert not broken, "\n".join(broken[:20])


def _broken(session: Session, receiver: Receiver) -> Iterator[str]:
    receipts = receiver.receipts()
    attempts = _attempts(session)
    sent = select(Delivery.id, Delivery.state, Delivery.tries, Event.event_id, Event.type, Event.body)
    for row in session.execute(
        sent.join(Event, Event.position == Delivery.position).where(Delivery.webhook_id.is_not(None))
    ):
        what = f"{row.type} {row.event_id}"
        came = receipts.pop(row.event_id, [])
        accepted = [receipt for receipt in came if receipt.status < 300]
        if row.state != "delivered":
            yield f"{what} is {row.state}"
        if not accepted:
            yield f"{what} never arrived"
        if any(receipt.digest != digest(row.body) for receipt in came):
            yield f"{what} arrived with another body"
        of_unknown_end = attempts[row.id]["unknown"]
        if len(accepted) - 1 > of_unknown_end:
            yield f"{what} arrived {len(accepted)} times, and only {of_unknown_end} attempts ended in the dark"
        if len(came) > sum(attempts[row.id].values()):
            yield f"{what} came {len(came)} times in {sum(attempts[row.id].values())} attempts"
    for event_id in receipts:
        yield f"{event_id} arrived and was never on its way"


def _attempts(session: Session) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for row in session.execute(select(Attempt.delivery_id, Attempt.verdict)):
        found[row.delivery_id][row.verdict] += 1
    return found
