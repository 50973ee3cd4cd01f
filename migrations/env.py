"""How Alembic runs our migrations: on the connection it is handed, each in a transaction of its own.

It takes no lock and copies nothing: `cfm_workflow/migrating.py` does, and is the way here.
"""

from typing import Any

from alembic import context

import cfm_workflow.models  # noqa: F401 - the tables make themselves known to Base
from cfm_workflow.db import Base

FTS_TABLES = "feedback_search"


def is_compared(name: str | None, kind: str, _parents: Any) -> bool:
    """What autogenerate looks at: everything but the full text of SQLite, which the models do not know."""
    return kind != "table" or name is None or not name.startswith(FTS_TABLES)


def check_foreign_keys(ctx: Any, **_rest: Any) -> None:
    """SQLite changes a table by making it anew, with foreign keys off: look before the commit that none is broken."""
    if ctx.dialect.name != "sqlite":
        return
    broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration broke {len(broken)} foreign keys, the first: {broken[0]!r}")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=is_compared,
    on_version_apply=check_foreign_keys,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite can, too: Alembic merely does not trust Python's driver with it
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
