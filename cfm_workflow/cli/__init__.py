"""The command line: one table of commands, one place that turns refusals into a sentence and an exit code."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

import click
from sqlalchemy.exc import DBAPIError

from cfm_workflow.errors import CfmError, Invalid

COMMANDS: Final = {
    # command       where it lives                        what for
    "serve":       ("cfm_workflow.cli.serving:serve",     "Everything in one process; brings the database up first."),
    "web":         ("cfm_workflow.cli.serving:web",       "The web server alone, any number of them."),
    "worker":      ("cfm_workflow.cli.serving:worker",    "Long jobs alone, any number of them."),
    "scheduler":   ("cfm_workflow.cli.serving:scheduler", "The clock alone, any number of them."),
    "user":        ("cfm_workflow.cli.people:user",       "People."),
    "token":       ("cfm_workflow.cli.people:token",      "What people and programs sign in with."),
    "integration": ("cfm_workflow.cli.people:integration", "Programs with rights of their own."),
    "feedback":    ("cfm_workflow.cli.feedback:group",    "Bring in files of feedback."),
    "due":         ("cfm_workflow.cli.due:group",         "Due dates, reckoned anew."),
    "reports":     ("cfm_workflow.cli.reports:group",     "What reports are made of, made anew."),
    "mail":        ("cfm_workflow.cli.mail:group",        "Whether mail gets out."),
    "workflow":    ("cfm_workflow.cli.workflows:group",   "Check a workflow file, draw a workflow."),
    "listen":      ("cfm_workflow.cli.listen:listen",     "Events of a running server, signed, to a local address."),
    "trigger":     ("cfm_workflow.cli.listen:trigger",    "A sample event, to look at or signed to a local address."),
    "demo":        ("cfm_workflow.cli.demo:demo",         "Made-up people, feedback and work to look around with."),
    "db":          ("cfm_workflow.cli.database:group",    "The schema of the database."),
    "backup":      ("cfm_workflow.cli.backups:backup",    "Database and keys into one file, while running."),
    "restore":     ("cfm_workflow.cli.backups:restore",   "A backup into an empty database."),
    "keys":        ("cfm_workflow.cli.keys:group",        "The keys that protect stored secrets."),
}  # fmt: skip


class _Commands(click.Group):
    """Imports a command only when it is asked for: most need a part of the service only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cfm() -> None:
    """cfm-workflow: customer feedback becomes work that somebody accepts, does and finishes in time."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0, 1 when it was refused, 2 for a wrong call, 130 when interrupted."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code. What was refused stands as a sentence on standard error."""
    try:
        code = cfm.main(args=arguments, prog_name="cfm", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Invalid as error:
        return _refuse("\n".join(f"{field}: {'; '.join(why)}" for field, why in error.errors.items()))
    except CfmError as error:
        return _refuse(str(error))
    except DBAPIError as error:
        return _refuse(f"The database refused: {str(error.orig).splitlines()[0]}")
    except OSError as error:
        return _refuse(f"{error.filename or 'This'} cannot be used: {error.strerror or error}.")
    return code if isinstance(code, int) else 0


def _refuse(sentence: str) -> int:
    click.echo(sentence, err=True)
    return 1
