"""The clock's part in reminders: what is due is told, batch by batch. Any number of processes may do it."""

from cfm_workflow import clock
from cfm_workflow.operations import reminders
from cfm_workflow.service import Service


def tell_reminders(service: Service) -> None:
    """Tell every reminder whose time has come; actions that somebody is changing just now are left to the next tick."""
    while not service.stopping.is_set():
        now = clock.now()
        done = service.database.transaction(lambda session: reminders.fire_due(session, now=now))  # noqa: B023
        if done < reminders.BATCH:
            return
