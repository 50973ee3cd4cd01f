"""How the service itself is doing, for administrators: clock, backlog, mail, database, version."""

import platform
from datetime import timedelta
from typing import Any, Final

from cfm_workflow import __version__, limits
from cfm_workflow.queries import health
from cfm_workflow.web.pages import Shown, Visit, page

STANDS: Final = timedelta(seconds=30)
"""Without a tick for so long, clock or worker stand still."""


@page("GET", "/settings/system", "system", right="settings.manage")
def system(visit: Visit) -> Shown:
    """How it is doing now."""
    state = health.state(visit.session, now=visit.now)
    settings = visit.service.settings
    server = settings.mail_server
    values: dict[str, Any] = {
        "state": state,
        "is_clock_on": _is_on(state["clock_at"], visit),
        "is_worker_on": _is_on(state["worker_at"], visit),
        "reminders_lag": timedelta(seconds=state["reminders_lag_seconds"]),
        "oldest": timedelta(seconds=state["oldest_delivery_seconds"]),
        "most": limits.COUNT,
        "has_mail": server is not None,
        "database": "SQLite" if visit.service.database.is_sqlite else "PostgreSQL",
        "megabytes": round(health.database_bytes(visit.session) / 1_000_000, 1),
        "version": __version__,
        "python": platform.python_version(),
        "base_url": settings.base_url,
    }
    return Shown("settings/system.html", values, fragment="settings/system_part.html")


def _is_on(last: Any, visit: Visit) -> bool:
    return last is not None and visit.now - last <= STANDS
