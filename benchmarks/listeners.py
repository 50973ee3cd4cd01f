"""Clients of the live stream: one process that holds many open and reads what they say, until its input ends.

Says `open` when all are; at the end how many events and bytes came. Run by `benchmarks.streams`.
"""

import json
import selectors
import socket
import sys
import time


def main() -> None:
    port, token, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    request = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    for _ in range(count):
        selector.register(opened(port, request), selectors.EVENT_READ)
    selector.register(sys.stdin.buffer, selectors.EVENT_READ)
    print("open", flush=True)
    read_on(selector)


def opened(port: int, request: bytes) -> socket.socket:
    """A stream; while those of the round before are not known to be gone, there may be no place for it."""
    while True:
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(request)
        answer = line.recv(4096)
        if answer.startswith(b"HTTP/1.1 200"):
            return line
        line.close()
        if not answer.startswith(b"HTTP/1.1 503"):
            sys.exit(f"a stream was refused: {answer.decode()}")
        time.sleep(0.5)


def read_on(selector: selectors.BaseSelector) -> None:
    events = size = ended = 0
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin.buffer:
                json.dump({"events": events, "bytes": size, "ended": ended}, sys.stdout)
                return
            part = key.fileobj.recv(262_144)
            events += part.count(b"\ndata: ")
            size += len(part)
            if not part or part.endswith(b"0\r\n\r\n"):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                ended += 1


if __name__ == "__main__":
    main()
