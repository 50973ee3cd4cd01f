"""Fresh migrated databases for measuring, of either kind, as durable as in real use. Nothing is measured here."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cfm_workflow import settings
from cfm_workflow.security.keys import new_key
from cfm_workflow.service import Service, open_service
from tests import servers

KINDS = ("sqlite", "postgresql")

# The tests' own cluster forgets everything in a crash; what is measured here must survive one, as it would in real use.
servers.OPTIONS |= {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A service on a database of its own, and the environment in which a server process finds both."""

    kind: str
    service: Service
    environment: dict[str, str]


@contextlib.contextmanager
def place(kind: str) -> Iterator[Place]:
    """An empty migrated database of this kind; gone afterwards. Raises `servers.Unavailable`."""
    with TemporaryDirectory(prefix="cfm-benchmark-") as folder:
        url = servers.fresh_database() if kind == "postgresql" else f"sqlite:///{folder}/cfm.sqlite"
        environment = {
            "CFM_DATABASE_URL": url,
            "CFM_INSTANCE": folder,
            "CFM_SECRET_KEYS": new_key(),
            "CFM_LOG_LEVEL": "error",
        }
        opened = open_service(settings.load(environment, root=Path(folder)), migrate=True)
        try:
            yield Place(kind, opened, environment)
        finally:
            opened.close()
            if kind == "postgresql":
                servers.drop(url)
