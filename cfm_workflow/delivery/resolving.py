"""The look-up of names, with an end: which addresses a host has, all of them judged before one is used."""

import ipaddress
import socket
import threading
from dataclasses import dataclass
from typing import Any, Final

from cfm_workflow.security.addresses import Address, Networks, RefusedAddress, Target, check_address

LOOK_UP_SECONDS: Final = 2.0
"""How long a request waits for a name server. At sending there is more time."""


class Unresolved(OSError):
    """The host has no address, or nobody said in time which."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to: what `socket.connect` takes, and the address it stands for."""

    family: int
    sockaddr: Any
    address: Address


def places_of(target: Target, *, allowed: Networks, seconds: float) -> list[Place]:
    """Where a target can be reached. One forbidden address among many spoils them all.

    Raises:
        Unresolved: the name has no address now.
        RefusedAddress: it has one that is not called.
    """
    found = [_place(*entry) for entry in _look_up(target.host, target.port, seconds)]
    if not found:
        raise Unresolved(f"{target.host} has no address")
    for place in found:
        check_address(place.address, allowed=allowed)
    return found


def refusal_of(target: Target, *, allowed: Networks) -> RefusedAddress | None:
    """Why a target is not called as its name stands just now; None also when that cannot be said now."""
    try:
        places_of(target, allowed=allowed, seconds=LOOK_UP_SECONDS)
    except RefusedAddress as refusal:
        return refusal
    except Unresolved:
        return None
    return None


def _place(family: int, _type: int, _protocol: int, _name: str, sockaddr: Any) -> Place:
    host, port = str(sockaddr[0]), sockaddr[1]
    # Zone and flow are left out: what is not public in itself does not become so by an interface.
    plain = (host, port) if family == socket.AF_INET else (host, port, 0, sockaddr[3])
    return Place(family, plain, ipaddress.ip_address(host))


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """`getaddrinfo`, which knows no time limit, in a thread of its own that is left behind when it takes too long."""
    answer: list[Any] = []
    problem: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            answer.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))
        except (OSError, UnicodeError) as error:
            problem.append(error)

    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(seconds)
    if problem:
        raise Unresolved(f"{host} has no address ({problem[0]})") from problem[0]
    if asking.is_alive():
        raise Unresolved(f"no name server said in time which address {host} has")
    return answer
