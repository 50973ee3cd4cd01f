"""What the tests of deliveries begin with: a receiver of events and the channel to it, and the mail of a world."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from cfm_workflow.worker.webhooks import Webhooks
from tests import smtp
from tests.mailing import Post
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


@pytest.fixture
def post(world: World, noon: datetime) -> Iterator[Post]:
    with smtp.sink() as sink:
        made = Post(world, sink)
        yield made
        made.way.close()


@pytest.fixture
def small_post(small_world: World, noon: datetime) -> Iterator[Post]:
    with smtp.sink() as sink:
        made = Post(small_world, sink)
        yield made
        made.way.close()
