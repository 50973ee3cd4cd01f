"""What goes on beside the requests, by part: the clock, and what is on its way out. Started after any fork."""

from collections.abc import Callable, Collection
from typing import Final

from cfm_workflow.service import Service
from cfm_workflow.worker.clock import Clock, Part
from cfm_workflow.worker.dispatch import Channel, Dispatcher
from cfm_workflow.worker.mail import Mail
from cfm_workflow.worker.messages import Messages
from cfm_workflow.worker.presence import Presence, succeed
from cfm_workflow.worker.webhooks import Webhooks

CHANNELS: Final[tuple[Callable[[Service], Channel], ...]] = (Mail, Messages, Webhooks)
"""The ways out. A new one is a file and a line."""


class Background:
    """The threads of some parts in this process."""

    def __init__(self, service: Service, parts: Collection[Part] = tuple(Part)) -> None:
        self._service = service
        self._clock = Clock(service, parts)
        channels = [channel(service) for channel in CHANNELS]
        self._dispatcher = Dispatcher(service, channels) if Part.WORKER in parts else None
        self._presence = Presence(service, self._dispatcher.worker) if self._dispatcher is not None else None

    def start(self) -> None:
        if self._dispatcher is not None and self._presence is not None:
            self._presence.enter()
            succeed(self._service)
            self._dispatcher.start()
        self._clock.start()

    def stop(self) -> None:
        """End what is under way, as far as it ends by itself soon, and begin nothing more."""
        self._clock.stop()
        if self._dispatcher is None or self._presence is None:
            return
        self._dispatcher.stop()
        if self._dispatcher.is_idle:  # else whoever comes next frees what is still being sent
            self._presence.leave()
