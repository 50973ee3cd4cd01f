"""Reads a stream of the application piece by piece, as a client would; nothing is waited for but what must come."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from tests.world import Person


@dataclass(frozen=True, slots=True)
class Told:
    """What one block of a stream said: an event, or how far it was read, or only that it lives."""

    id: int | None
    event: str | None
    data: str | None
    comment: bool


class Stream:
    """An open stream. Reading on runs the application's side of it, in this thread."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self._pieces = response.iter_encoded()
        self._blocks: list[str] = []

    def block(self) -> Told:
        """The next block. Raises StopIteration when the stream has ended."""
        if not self._blocks:
            self._blocks = next(self._pieces).decode().removesuffix("\n\n").split("\n\n")
        lines = self._blocks.pop(0).split("\n")
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":") and ": " in line)
        ident = int(fields["id"]) if "id" in fields else None
        return Told(ident, fields.get("event"), fields.get("data"), comment=any(line[:1] == ":" for line in lines))

    def events(self, count: int) -> list[Told]:
        """The next events, as many as asked for; the first of them that is none fails."""
        found = [self.block() for _ in range(count)]
        assert all(told.event for told in found), found
        return found

    @property
    def has_ended(self) -> bool:
        """Whether nothing comes any more; what still came is lost."""
        try:
            self.block()
        except StopIteration:
            return True
        return False


@contextmanager
def listening(person: Person, *, last: Any = None, **query: Any) -> Iterator[Stream]:
    """A stream that was accepted; its first block is read, and it is closed at the end."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    response = person.ask("GET", "/events/stream", query_string=query, headers=headers)
    assert response.status_code == 200, response.text
    try:
        stream = Stream(response)
        stream.block()
        yield stream
    finally:
        response.close()
        person.client.application.extensions["cfm_listener"].settle()
