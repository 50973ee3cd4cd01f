"""What is stored already is found by what its source calls it, at a price that does not grow with the source."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select, text

from cfm_workflow.models import Customer
from cfm_workflow.queries.named import named
from cfm_workflow.service import Service
from cfm_workflow.worker.importing import run_imports
from tests.world import World

NAME = Customer.__table__.c.external_id
MANY = """
    INSERT INTO customers (source, external_id, version, created_at)
    SELECT 'old', 'customer-' || n, 1, now() FROM generate_series(1, 5000) n
"""


def test_a_name_means_somebody_only_in_its_own_source(world: World) -> None:
    for source, name in (("desk", "1"), ("desk", "2"), ("app", "1")):
        body = {"text": "Late", "source": source, "customer": {"external_id": name, "name": f"{source} {name}"}}
        world.olga.post("/feedback", body)
    wanted = {("desk", "1"), ("app", "1"), ("app", "2")}
    with world.service.database.reading() as session:
        found = named(session, select(Customer.source, Customer.external_id), NAME, wanted)
        assert {tuple(row) for row in found} == {("desk", "1"), ("app", "1")}
        assert list(named(session, select(Customer.source), NAME, set())) == []


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_source_that_no_statistics_know_is_not_read_as_a_whole(world: World) -> None:
    database = world.service.database
    database.transaction(lambda session: session.execute(text(MANY)))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE customers")
    rows = "".join(f"Late,traveller-{n}\n" for n in range(300))
    query = {"source": "new", "map.text": "comment", "map.customer.external_id": "who"}
    world.sam.expect(
        202, "POST", "/imports", query_string=query, data=f"comment,who\n{rows}".encode(), content_type="text/csv"
    )
    with lookups(world.service) as sent:
        run_imports(world.service)
    with database.engine.connect() as connection:
        plans = ["\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}", given).scalars()) for sql, given in sent]
    assert plans
    for plan in plans:
        assert "external_id" in plan and "Filter" not in plan, plan


@contextmanager
def lookups(service: Service) -> Iterator[list[tuple[str, Any]]]:
    """The questions for customers that are asked meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def look(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT customers.id"):
            sent.append((statement, given))

    event.listen(service.database.writer, "before_cursor_execute", look)
    try:
        yield sent
    finally:
        event.remove(service.database.writer, "before_cursor_execute", look)
