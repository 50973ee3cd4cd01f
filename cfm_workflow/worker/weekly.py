"""The clock's part in weekly reports by mail."""

from cfm_workflow import clock
from cfm_workflow.operations.reports import weekly
from cfm_workflow.service import Service


def send_reports(service: Service) -> None:
    """Line up the reports whose time has come, batch by batch."""
    while not service.stopping.is_set():
        now = clock.now()
        done = service.database.transaction(lambda session: weekly.line_up(session, now=now))  # noqa: B023
        if done < weekly.BATCH:
            return
