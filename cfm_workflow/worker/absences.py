"""The clock's part in absences: they begin and end when it is time. Any number of processes may do it."""

from cfm_workflow import clock
from cfm_workflow.operations import absences
from cfm_workflow.service import Service


def turn_absences(service: Service) -> None:
    """Begin and end every absence whose time has come, and move its work, each batch in a transaction of its own."""
    while not service.stopping.is_set():
        now = clock.now()
        if not service.database.transaction(lambda session: absences.turn_next(session, now=now)):  # noqa: B023
            return
