"""The clock's part in reports: what is new in the ledger is rolled up, batch by batch. Any number may do it."""

from cfm_workflow import clock
from cfm_workflow.operations.reports import rolling
from cfm_workflow.service import Service


def roll_up_reports(service: Service) -> None:
    """Go on from where whoever did so before has come to, up to what can be read now."""
    while go_on(service) and not service.stopping.is_set():
        pass


def go_on(service: Service) -> bool:
    """Take in one batch; whether there is more. What is read is read before the transaction, which stays short."""
    zone, now = service.settings.time_zone, clock.now()
    with service.database.reading() as session:
        is_anew = rolling.needs_anew(session, zone)
        batch = None if is_anew else rolling.read(session, zone, now=now)
    if batch is None:
        service.database.transaction(rolling.forget)
        return True
    return service.database.transaction(lambda session: rolling.write(session, batch)) and batch.has_more
