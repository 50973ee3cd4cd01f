"""A world of its own for one process: a network with nothing but itself, and a name server asked for every name.

Run as a program within new namespaces (`test_rebinding.py`), so that the system's own look-up is what is tested: that
one asks port 53 of whomever /etc/resolv.conf names, and cannot be told to ask anybody else. No tests here.
"""

import fcntl
import ipaddress
import json
import socket
import struct
import sys
import threading
from collections import Counter

from cfm_workflow.delivery.resolving import refusal_of
from cfm_workflow.delivery.webhook import Sender
from cfm_workflow.security.addresses import parse_url

PUBLIC = "8.8.8.8"
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS, IFF_UP = 0x8916, 0x891C, 0x8914, 1
A, IN = 1, 1


def give_loopback(*addresses: str) -> None:
    """Switch the loopback interface on, with these addresses beside 127.0.0.0/8."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        for n, address in enumerate(addresses):
            for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
                place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(control, request, struct.pack("16s16s", f"lo:{n}".encode(), place))


class NameServer:
    """Answers on 127.0.0.1:53 (RFC 1035): the first question for a name's address gets the first of its addresses, the
    next one the next, and the last is for ever. None of it may be kept (TTL 0)."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.asked: Counter[str] = Counter()
        self._names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode().lower())
            at += 1 + length
        name, (kind,) = ".".join(labels), struct.unpack_from("!H", query, at + 1)
        addresses = self._names.get(name, [])
        record = b""
        if kind == A and addresses:
            address = addresses[min(self.asked[name], len(addresses) - 1)]
            record = struct.pack("!HHHIH4s", 0xC00C, A, IN, 0, 4, socket.inet_aton(address))
            self.asked[name] += 1
        refusal = 0 if name in self._names else 3
        head = query[:2] + struct.pack("!HHHHH", 0x8580 | refusal, 1, 1 if record else 0, 0, 0)
        return head + query[12 : at + 5] + record


class Door:
    """Listens at one port of every address, and notes through which each connection came."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("0.0.0.0", 0))  # there is nobody else in this network
        self.port = self._listener.getsockname()[1]
        self._came: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                self._came.append(connection.getsockname()[0])
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    def came(self) -> list[str]:
        """Where connections have come in since this was asked last; whoever came before us was let in before us."""
        with socket.create_connection(("127.0.0.9", self.port)) as last:
            last.sendall(b"\r\n")
            while last.recv(65536):
                pass
        came, self._came = self._came[:-1], []
        return came


def main(internal: str) -> None:
    """Write what happens to names that lead to `internal` at once, or after having led to a public address."""
    give_loopback(PUBLIC, *() if internal.startswith("127.") else (internal,))
    door = Door()
    names = NameServer(
        {
            "plain.example.com": [internal],
            "checked.example.com": [PUBLIC, internal],
            "called.example.com": [PUBLIC, internal],
        }
    )
    found: dict[str, object] = {}
    checked, called, plain = (
        parse_url(f"http://{name}.example.com:{door.port}/") for name in ("checked", "called", "plain")
    )
    strict = Sender(allowed=())
    found["at creation"] = refusal_of(checked, allowed=()) is None
    found["at sending"] = strict.send(checked.url, b"{}", {}).verdict, door.came()
    found["what was judged"] = (
        strict.send(called.url, b"{}", {}).verdict,
        door.came(),
        names.asked["called.example.com"],
    )
    found["a moment later"] = strict.send(called.url, b"{}", {}).verdict, door.came(), names.asked["called.example.com"]
    allowed = Sender(allowed=(ipaddress.ip_network(internal),))
    found["where it is allowed"] = allowed.send(plain.url, b"{}", {}).verdict, door.came()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
