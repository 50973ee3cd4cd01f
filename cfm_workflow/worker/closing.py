"""The clock's part in the closed loop: what settles, what was not answered, which customers wait for a word."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.operations import asking, closing, silence
from cfm_workflow.service import Service


def settle_items(service: Service) -> None:
    """Tell customers that it is solved, and close what needs nothing more."""
    settings = service.settings

    def settle(session: Session, *, now: datetime) -> int:
        after = closing.check_after(settings.check_days)
        return closing.settle_due(session, wish=settings.tell_customer, check_after=after, now=now)

    _in_batches(service, closing.BATCH, settle)


def ask_customers(service: Service) -> None:
    """Ask the customers whose time has come whether it really is solved."""
    _in_batches(service, asking.BATCH, asking.ask_due)


def assume_answers(service: Service) -> None:
    """Note which customers have not answered a check within its time."""
    _in_batches(service, asking.BATCH, asking.assume_unanswered)


def raise_silence(service: Service) -> None:
    """Tell of customers who have had no word for long."""
    days = service.settings.silent_days

    def tell(session: Session, *, now: datetime) -> int:
        return silence.raise_due(session, before=now - timedelta(days=days), now=now)

    if days:
        _in_batches(service, silence.BATCH, tell)


def _in_batches(service: Service, size: int, work: Callable[..., int]) -> None:
    """Do it, each batch in a transaction, until nothing is due; what somebody is changing now is left for later."""
    done = size
    while done >= size and not service.stopping.is_set():
        now = clock.now()
        done = service.database.transaction(lambda session: work(session, now=now))  # noqa: B023
