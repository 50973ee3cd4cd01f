"""The clock may die at any instant of lining up weekly reports: each person gets that of each week once."""

import sys
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Account, Delivery
from cfm_workflow.operations.reports import weekly
from cfm_workflow.service import Service
from cfm_workflow.worker.weekly import send_reports
from tests import invariants
from tests.crashes.dying import in_a_child
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


def lined_up(world: World) -> list[tuple[str, str]]:
    query = select(Account.name, Delivery.week).join(Account, Account.id == Delivery.account_id)
    with world.service.database.reading() as session:
        rows = session.execute(query.where(Delivery.week.is_not(None)).order_by(Account.name))
        return [(row.name, row.week) for row in rows if row.week is not None]


def two_by_two(service: Service) -> None:
    """As the clock does it, with small batches."""
    while service.database.transaction(lambda session: weekly.line_up(session, now=clock.now(), count=2)) == 2:
        pass


def test_wherever_the_clock_dies_each_report_is_lined_up_once(world: World, noon: datetime) -> None:
    for name in ("Tom", "Uma"):
        world.person(name, "supervisor")
    send_reports(world.service)
    clock.freeze(noon + timedelta(weeks=1))
    everybody = [(name, "2026-W48") for name in ("Sam", "Tom", "Uma")]
    seen, died = [], 0
    while lined_up(world) != everybody:
        before = lined_up(world)
        died += 1
        assert in_a_child(world.service, lambda: two_by_two(world.service), end_at=died) is None
        if lined_up(world) != before:
            seen.append(len(lined_up(world)))
            died = 0
        invariants.check(world.service.database)
    assert seen == [2, 3]
    send_reports(world.service)
    assert lined_up(world) == everybody
