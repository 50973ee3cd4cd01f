"""A receiver of webhooks that does as little as possible: answers 200 and remembers when each id came.

`python -m benchmarks.sink PORT-FILE`: listens on a free port and writes it there. `GET /seen` gives the moments by id
as JSON (of a clock that all processes of this machine share) and forgets them, `GET /count` their number. A path that
begins with /hang is never answered.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Sink(asyncio.Protocol):
    """One connection, kept alive."""

    seen: dict[str, float] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].decode("latin-1")
            lines = head.split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines[1:])
            whole = end + 4 + int(fields.get("content-length", 0))
            if len(self.got) < whole:
                return
            self.got = self.got[whole:]
            self.answer(lines[0].split(" ")[1], fields)

    def answer(self, path: str, fields: dict[str, str]) -> None:
        if path.startswith("/hang"):
            return
        if path == "/seen":
            self.say(json.dumps(Sink.seen).encode())
            Sink.seen = {}
        elif path == "/count":
            self.say(str(len(Sink.seen)).encode())
        else:
            Sink.seen.setdefault(fields.get("webhook-id", f"none-{len(Sink.seen)}"), time.monotonic())
            self.transport.write(_OK)

    def say(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def main(port_file: Path) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    port_file.write_text(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
