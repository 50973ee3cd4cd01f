"""The clock's part in reminders: what is due is told, batch by batch. Any number of processes may do it."""

from cfm_workflow import clock
from cfm_workflow.operations import personal_reminders, reminders
from cfm_workflow.service import Service


def tell_reminders(service: Service) -> None:
    """Tell every reminder whose time has come, those of ladders first; what somebody is changing just now is left to
    the next tick."""
    for kind in (reminders, personal_reminders):
        done = kind.BATCH
        while done == kind.BATCH and not service.stopping.is_set():
            now = clock.now()
            done = service.database.transaction(lambda session: kind.fire_due(session, now=now))  # noqa: B023
