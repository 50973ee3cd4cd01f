"""What the tests of deliveries begin with: a receiver of events and the channel to it, and the mail of a world."""

from collections.abc import Iterator

import pytest

from cfm_workflow.worker.webhooks import Webhooks
from tests.posting import GAPS, allow_loopback
from tests.sinks import Sink, sink
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def channel(world: World) -> Iterator[Webhooks]:
    allow_loopback(world, webhook_retry_seconds=GAPS)
    made = Webhooks(world.service)
    yield made
    made.close()
