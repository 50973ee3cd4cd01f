"""The clock's part in the closed loop: what settles, what was not answered, which customers wait for a word."""

from datetime import timedelta

from cfm_workflow import clock
from cfm_workflow.operations import checks, silence
from cfm_workflow.service import Service


def assume_answers(service: Service) -> None:
    """Note which customers have not answered a check within its time."""
    done = checks.BATCH
    while done == checks.BATCH and not service.stopping.is_set():
        now = clock.now()
        done = service.database.transaction(lambda session: checks.assume_unanswered(session, now=now))  # noqa: B023


def raise_silence(service: Service) -> None:
    """Tell of customers who have had no word for long."""
    days = service.settings.silent_days
    done = silence.BATCH if days else 0
    while done >= silence.BATCH and not service.stopping.is_set():
        now = clock.now()
        before = now - timedelta(days=days)
        done = service.database.transaction(
            lambda session: silence.raise_due(session, before=before, now=now)  # noqa: B023
        )
