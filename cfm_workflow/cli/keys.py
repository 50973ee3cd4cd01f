"""`cfm keys`: new ones, and another one in front. Secrets go to standard output and nowhere else."""

import click

from cfm_workflow import setting_values
from cfm_workflow import settings as settings_room
from cfm_workflow.security.key_files import as_text, keys_here, write
from cfm_workflow.security.keys import key_file, new_key
from cfm_workflow.settings import SettingsError


@click.group()
def group() -> None:
    """The keys that protect stored secrets."""


@group.command()
def new() -> None:
    """Print a new key, fit for CFM_SECRET_KEYS."""
    click.echo(new_key())


@group.command()
def rotate() -> None:
    """Put a new key in front: it protects from the next start on, and the old ones still read."""
    settings = settings_room.load()
    fresh = setting_values.keys(new_key())
    try:
        keys = fresh + keys_here(settings)
    except ValueError:
        raise SettingsError("CFM_INSTANCE", "holds a key file that cannot be understood", "put right first") from None
    if settings.secret_keys or settings.sqlite_file is None:
        click.echo("Set CFM_SECRET_KEYS to this everywhere and start again:", err=True)
        click.echo(",".join(as_text(keys).split()))
        return
    write(key_file(settings), keys)
    click.echo(f"{key_file(settings)} begins with the key {fresh[0].id} now: start the service again.", err=True)
