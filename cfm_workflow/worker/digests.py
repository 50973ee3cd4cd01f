"""The clock's part in digests."""

from cfm_workflow import clock
from cfm_workflow.operations import digests
from cfm_workflow.service import Service


def send_digests(service: Service) -> None:
    """Line up the digests whose time has come, batch by batch."""
    while not service.stopping.is_set():
        now = clock.now()
        done = service.database.transaction(lambda session: digests.line_up(session, now=now))  # noqa: B023
        if done < digests.BATCH:
            return
