"""`cfm serve`, `web`, `worker`, `scheduler`: the processes of a running service. Each ends cleanly on SIGTERM."""

import dataclasses
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from queue import Empty, SimpleQueue

import click
import structlog

import cfm_workflow
from cfm_workflow import clock
from cfm_workflow import settings as settings_room
from cfm_workflow.cli.opening import settle
from cfm_workflow.letters import entrance_of
from cfm_workflow.operations import signing_in
from cfm_workflow.queries import sessions
from cfm_workflow.service import Service, open_service
from cfm_workflow.settings import Settings
from cfm_workflow.worker.background import Background
from cfm_workflow.worker.clock import Part

FIRST_STEPS = """
There is no user yet. Open this address to become the first administrator; it works for 7 days, until somebody did:

    {address}

Or make one here, and a link to sign in with:

    {command} user add you@example.com --name "Your Name" --role admin
    {command} user link you@example.com
"""

LOOK_AGAIN_SECONDS = 1.0

log = structlog.get_logger()


@click.command()
def serve() -> None:
    """Everything in one process: web server, clock and deliveries; brings the database up first."""
    settings = settings_room.load()
    service = open_service(settings, migrate=True)
    if _nobody_is_here(service):
        token = signing_in.setup_token(service.ring, now=clock.now())
        address = entrance_of(service.settings.base_url, token)
        click.echo(FIRST_STEPS.format(command=_own_name(), address=address), err=True)
    service.close()
    _serve(settings, workers=1, parts=tuple(Part))


@click.command()
def web() -> None:
    """The web server alone: CFM_WORKERS processes of CFM_THREADS threads. Any number may run."""
    settings = settings_room.load()
    open_service(settings).close()  # says now what is wrong, once
    _serve(settings, workers=settings.workers, parts=())


@click.command()
def worker() -> None:
    """Deliveries and long jobs alone. Any number may run."""
    _tick([Part.WORKER])


@click.command()
def scheduler() -> None:
    """The clock alone. Several may run and do no harm."""
    _tick([Part.SCHEDULER])


def _nobody_is_here(service: Service) -> bool:
    with service.database.reading() as session:
        return sessions.nobody_is_here(session)


def _own_name() -> str:
    """How this person can call commands: from a checkout by its script."""
    return "./run cfm" if (Path(cfm_workflow.__file__).parents[1] / "run").is_file() else "cfm"


def _tick(parts: Collection[Part]) -> None:
    service = open_service()
    background = Background(service, parts)
    asked: SimpleQueue[int] = SimpleQueue()  # can be put into whatever a handler interrupts; an event would lock up
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.put(number))
    settle()
    background.start()
    log.info("ticking", parts=[part.value for part in parts])
    _wait_for(asked)
    background.stop()
    service.close()


def _wait_for(asked: "SimpleQueue[int]") -> None:
    """Wait for a signal. One that comes just as the main thread begins to wait does not wake it, so it looks again."""
    while True:
        try:
            asked.get(timeout=LOOK_AGAIN_SECONDS)
        except Empty:
            continue
        return


def _serve(settings: Settings, *, workers: int, parts: Collection[Part]) -> None:
    settings = dataclasses.replace(settings, remarks=())  # they were told already
    if sys.platform == "win32":
        _serve_on_windows(settings, parts)
    else:
        from cfm_workflow.cli.gunicorn_server import Server

        Server(settings, workers=workers, parts=parts).run()


def _serve_on_windows(settings: Settings, parts: Collection[Part]) -> None:
    import waitress  # type: ignore[import-untyped]

    from cfm_workflow import create_app

    service = open_service(settings)
    background = Background(service, parts)
    background.start()
    try:
        waitress.serve(
            create_app(service), host=settings.bind.host, port=settings.bind.port, threads=settings.threads, ident=None
        )
    finally:
        background.stop()
        service.close()
