"""The clock's part in merged labels: their labellings are moved, batch by batch. Any number of processes may do it."""

from cfm_workflow.operations import labels
from cfm_workflow.service import Service


def merge_labels(service: Service) -> None:
    """Go on with every label that was merged, from where whoever did so before has come to."""
    with service.database.reading() as session:
        is_left = labels.is_left(session)
    while is_left and not service.stopping.is_set():
        is_left = service.database.transaction(labels.go_on)
