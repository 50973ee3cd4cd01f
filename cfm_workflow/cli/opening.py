"""How commands get at the service, and who they act as."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cfm_workflow import migrating
from cfm_workflow import settings as settings_room
from cfm_workflow.access import system
from cfm_workflow.service import Service, open_database, open_service
from cfm_workflow.settings import Settings

CALLER: Final = system("command line")
"""Whoever can run commands can read the database file as well: there is nothing to protect from them."""


@contextmanager
def opened() -> Iterator[Service]:
    """The service of this installation, closed at the end. The tables of an SQLite file that has none are made."""
    settings = settings_room.load()
    service = open_service(settings, migrate=_is_new(settings))
    try:
        yield service
    finally:
        service.close()


def _is_new(settings: Settings) -> bool:
    if settings.sqlite_file is None:
        return False
    database = open_database(settings)
    try:
        return migrating.current(database) is None
    finally:
        database.dispose()


def settle() -> None:
    """What is in memory now stays: from here on the garbage collector need not look through it again and again.

    It would take 50 to 100 ms each time, in the middle of somebody's transaction.
    """
    gc.collect()
    gc.freeze()
