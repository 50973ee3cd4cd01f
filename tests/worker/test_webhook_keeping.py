"""How long the log of an endpoint is kept, and what erasing takes out of it."""

from datetime import datetime

import orjson
from sqlalchemy import func, select

from cfm_workflow.models import Attempt
from cfm_workflow.worker.webhooks import Webhooks, forget_deliveries
from tests.posting import later, listen, log_of, post_all
from tests.sinks import Sink, answering
from tests.world import World


def test_attempts_and_settled_deliveries_are_forgotten_after_a_month(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "paused"})
    world.feedback()
    later(noon, days=29)
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "active"})
    world.feedback()
    forget_deliveries(world.service)
    assert len(log_of(world.ada, made)) == 3
    later(noon, days=30, hours=1)
    forget_deliveries(world.service)
    assert [delivery["state"] for delivery in log_of(world.ada, made)] == ["pending", "pending"]
    with world.service.database.reading() as session:
        assert session.execute(select(func.count()).select_from(Attempt)).scalar_one() == 0


def test_erasing_reaches_what_was_answered_and_what_is_sent_again(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    receiver.behave = answering(500, b"I do not know Minji")
    made = listen(world.ada, receiver, "feedback.received", include_customer=True)
    item = world.feedback(customer={"name": "Minji", "email": "minji@example.com"})
    post_all(world.service, channel)
    world.ada.expect(204, "DELETE", f"/customers/{item['customer']['id']}")
    [delivery] = log_of(world.ada, made)
    world.ada.expect(202, "POST", f"/deliveries/{delivery['id']}/redeliver")
    post_all(world.service, channel)
    assert b"minji" not in receiver.received[-1].body.lower()
    first = world.ada.get(f"/deliveries/{delivery['id']}")["attempts"][-1]
    assert first["answer"] is None
    assert orjson.loads(receiver.received[0].body)["data"]["feedback"]["customer"]["email"] == "minji@example.com"
