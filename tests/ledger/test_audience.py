"""Who listens is kept in memory: what a transaction reads of its own changes is for nobody else."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from cfm_workflow import clock, ledger
from cfm_workflow.access import system
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Webhook
from tests.ledger.telling import deliveries, endpoint
from tests.world import World


class GivenUpError(Exception):
    """Nothing of this transaction is to stay."""


def record(session: Session, event_type: str, **about: Any) -> None:
    ledger.record(session, [Fact(event_type, 1, about, system("test"))], now=clock.now())


@pytest.mark.parametrize("changes", [0, 1], ids=["nothing changes", "somebody else changes something"])
def test_of_a_change_that_was_rolled_back_nobody_hears(changes: int, world: World) -> None:
    """It was read within the transaction that made it; the next change gets the number that this one had."""
    listening = endpoint(world, "feedback.received")

    def give_up(session: Session) -> None:
        session.get_one(Webhook, listening).state = "disabled"
        session.flush()
        record(session, "webhook.disabled")
        record(session, "feedback.received")
        raise GivenUpError

    with pytest.raises(GivenUpError):
        world.service.database.transaction(give_up)
    for _ in range(changes):
        world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"name": "Care"})
    world.feedback()
    assert deliveries(world, listening) == ["feedback.received"]


def test_a_transaction_hears_of_its_own_changes(world: World) -> None:
    listening = endpoint(world, "feedback.received")
    world.feedback()

    def switch_off(session: Session) -> None:
        session.get_one(Webhook, listening).state = "disabled"
        session.flush()
        record(session, "webhook.disabled")
        record(session, "feedback.received")

    world.service.database.transaction(switch_off)
    assert deliveries(world, listening) == ["feedback.received"]
