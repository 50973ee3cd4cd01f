"""`cfm reports rebuild`: the roll-up behind the reports, made anew from the ledger beside the running service."""

import click
from rich.console import Console

from cfm_workflow.cli.opening import opened
from cfm_workflow.operations.reports import rolling
from cfm_workflow.worker.rolling import go_on


@click.group()
def group() -> None:
    """What reports are made of."""


@group.command()
def rebuild() -> None:
    """Forget the times in states and read them from the ledger again. May be interrupted: the clock goes on with it."""
    console = Console(stderr=True, highlight=False)
    with opened() as service, console.status("Reading the ledger"):
        service.database.transaction(rolling.forget)
        while go_on(service):
            pass
    click.echo("Times in states are complete.")
