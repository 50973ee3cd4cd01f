"""The clock's part in changed calendars: dates are reckoned anew, batch by batch. Any number of processes may do it."""

from cfm_workflow import clock
from cfm_workflow.operations import reckoning
from cfm_workflow.service import Service


def follow_calendars(service: Service) -> None:
    """Go on with every calendar that has changed, from where whoever did so before has come to."""
    with service.database.reading() as session:
        is_left = reckoning.is_left(session)
    while is_left and not service.stopping.is_set():
        now = clock.now()
        is_left = service.database.transaction(lambda session: reckoning.go_on(session, now=now))  # noqa: B023
