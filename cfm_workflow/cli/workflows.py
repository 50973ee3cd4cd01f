"""`cfm workflow`: is a file right, what does a workflow look like. Needs no database."""

from pathlib import Path

import click

from cfm_workflow import settings as settings_room
from cfm_workflow import workflow
from cfm_workflow.errors import NotFound
from cfm_workflow.service import shipped_definitions


@click.group()
def group() -> None:
    """Check a workflow file, draw a workflow."""


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Tell everything that is wrong with a workflow FILE."""
    found = workflow.load_file(file)
    click.echo(f"{found.key}: {len(found.states)} states, {len(found.transitions)} transitions, nothing wrong")


@group.command()
@click.argument("key")
@click.option("--language", type=click.Choice(workflow.LANGUAGES), default=workflow.LANGUAGES[0])
def diagram(key: str, language: str) -> None:
    """Print the workflow KEY as a mermaid state diagram."""
    for definition in shipped_definitions(settings_room.load()):
        if definition.key == key:
            click.echo(workflow.mermaid(definition, language), nl=False)
            return
    raise NotFound("workflow", key)
