"""Mail in tests: a world whose mails are sent to a real server when a test says so, and nobody waits."""

import dataclasses
import re
import ssl
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.delivery.email import Smtp
from cfm_workflow.models import Delivery
from cfm_workflow.service import Service
from cfm_workflow.setting_values import MailTls
from cfm_workflow.worker.dispatch import Channel
from cfm_workflow.worker.mail import Mail
from cfm_workflow.worker.messages import Messages
from tests.smtp import Sink, Taken
from tests.world import World

UNDO = timedelta(seconds=60)


class Post:
    """The mail of a world: what is due is sent when a test says so, and nobody waits."""

    def __init__(self, world: World, sink: Sink) -> None:
        self.world = world
        self.sink = sink
        self.service: Service = dataclasses.replace(
            world.service,
            settings=dataclasses.replace(
                world.service.settings, mail_server="127.0.0.1", mail_port=sink.port, mail_tls=MailTls.NONE
            ),
        )
        self.way = Smtp(self.service.settings, context=ssl.create_default_context(), timeout=5)
        self.channel = Mail(self.service, transport=self.way)
        self.messages = Messages(self.service, transport=self.way)

    def send(self) -> list[Taken]:
        """Send all that is due now; what came out."""
        before = len(self.sink.taken)
        for channel in (self.channel, self.messages):
            send_all(self.service, channel)
        return self.sink.taken[before:]

    def later(self, wait: timedelta = UNDO) -> list[Taken]:
        """The same after a while."""
        clock.freeze(clock.now() + wait)
        return self.send()

    def rows(self, statement: Any) -> list[Any]:
        with self.service.database.reading() as session:
            return list(session.execute(statement).all())

    def states(self) -> list[str]:
        return [row.state for row in self.rows(select(Delivery.state).order_by(Delivery.id))]


def send_all(service: Service, channel: Channel) -> None:
    """Send over a channel until nothing is due now."""
    database, now = service.database, clock.now()
    while True:
        with database.reading() as session:
            due = channel.receivers(session, worker="test", now=now)
        if not due:
            return
        for receiver in due:
            for claimed in database.transaction(
                lambda session: channel.claim(session, receiver, worker="test", count=10, now=now)  # noqa: B023
            ):
                channel.deliver(claimed)


def receivers(taken: list[Taken]) -> list[str]:
    return sorted(each.recipient.partition("@")[0] for each in taken)


def links(taken: Taken) -> dict[str, str]:
    """The signed links of a text, by the line before them."""
    found = re.findall(r"^(.+):\n(\S+/l/\S+)$", taken.part("plain").replace("\r\n", "\n"), re.MULTILINE)
    return dict(found)
