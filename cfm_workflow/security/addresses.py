"""Which addresses may be called from here, and which URLs may name them. Pure: resolves nothing, connects to nothing.

The table is our own: `ipaddress.is_global` takes addresses for public that lead inside (NAT64, 6to4, mapped ones).
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from cfm_workflow import limits
from cfm_workflow.errors import CfmError

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

REFUSED: Final[dict[str, str]] = {
    # IANA IPv4 Special-Purpose Address Registry (RFC 6890), and what else is not a public host
    "0.0.0.0/8":          "this network",
    "10.0.0.0/8":         "private",
    "100.64.0.0/10":      "shared by a provider's customers",
    "127.0.0.0/8":        "loopback",
    "168.63.129.16/32":   "a cloud's own services",
    "169.254.0.0/16":     "link-local",
    "172.16.0.0/12":      "private",
    "192.0.0.0/24":       "reserved for protocols",
    "192.0.2.0/24":       "documentation",
    "192.31.196.0/24":    "AS112",
    "192.52.193.0/24":    "multicast tunnels",
    "192.88.99.0/24":     "6to4 relays",
    "192.168.0.0/16":     "private",
    "192.175.48.0/24":    "AS112",
    "198.18.0.0/15":      "benchmarking",
    "198.51.100.0/24":    "documentation",
    "203.0.113.0/24":     "documentation",
    "224.0.0.0/4":        "multicast",
    "240.0.0.0/4":        "reserved, and broadcast",
    # IANA IPv6 Special-Purpose Address Registry; those within 2000::/3, as nothing else is a public host
    "2001::/23":          "reserved for protocols: Teredo, ORCHID, benchmarking",
    "2001:db8::/32":      "documentation",
    "2002::/16":          "6to4",
    "2620:4f:8000::/48":  "AS112",
    "3fff::/20":          "documentation",
}  # fmt: skip
PUBLIC_IPV6: Final = IPv6Network("2000::/3")
"""RFC 4291, 2.4 and IANA: all that is given out to hosts. Outside lie ::1, mapped (::ffff:0:0/96), compatible and
translated IPv4, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard, local (fc00::/7, fe80::/10, fec0::/10), multicast."""

_NETWORKS: Final[dict[IPv4Network | IPv6Network, str]] = {
    ipaddress.ip_network(network): meaning for network, meaning in REFUSED.items()
}
_ISATAP_MASK: Final = 0xFDFF_FFFF_0000_0000
_ISATAP: Final = 0x0000_5EFE_0000_0000


class RefusedUrl(CfmError):
    """A URL that is not called; `right` says what would be."""

    def __init__(self, right: str) -> None:
        self.right = right
        super().__init__(f"The URL {right}.")


class RefusedAddress(CfmError):
    """An address that is not called, nor a host that has it."""

    def __init__(self, address: Address, why: str) -> None:
        self.address = address
        super().__init__(f"{address} is not a public address ({why})")


def check_address(address: Address, *, allowed: Networks) -> None:
    """Pass an address that may be called: a public one, or one within the networks of the setting.

    Raises:
        RefusedAddress.
    """
    if any(address in network for network in allowed if network.version == address.version):
        return
    why = _why_refused(address)
    if why is not None:
        raise RefusedAddress(address, why)


def _why_refused(address: Address) -> str | None:
    if isinstance(address, IPv6Address):
        if address not in PUBLIC_IPV6 or address.scope_id is not None:
            return "local, reserved, or another kind of address inside it"
        if int(address) & _ISATAP_MASK == _ISATAP:  # RFC 5214, 6.1: ends in 0:5efe: and an IPv4 address
            return "an IPv4 address inside it"
    return next((why for network, why in _NETWORKS.items() if address in network), None)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts: `host` in lower case and ASCII, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    path: str  # and query

    @property
    def address(self) -> Address | None:
        """The address, if the host is one; names below `localhost` always are loopback (RFC 6761, 6.3)."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return IPv4Address("127.0.0.1")
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def origin(self) -> str:
        """Scheme, host and port: as much as is told to those who may not know the rest."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def url(self) -> str:
        return self.origin + self.path


PORTS: Final = {"http": 80, "https": 443}
_PATH: Final = re.compile(
    r"[!$-;=?-\[\]_a-zA-Z~]+", re.ASCII
)  # RFC 3986, appendix A: no space, ", <, >, \, ^, `, {, |, }
_PLACE: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@]+)(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def check_url(text: str, *, allowed: Networks) -> Target:
    """A URL that may be called, as far as can be said without asking a name server.

    Raises:
        RefusedUrl: it says what would be right.
        RefusedAddress: its host is an address that is not called.
    """
    target = parse_url(text)
    if target.address is not None:
        check_address(target.address, allowed=allowed)
    return target


def parse_url(text: str) -> Target:
    """The parts of an http(s) URL (RFC 3986) that leaves nothing to interpretation.

    Raises:
        RefusedUrl.
    """
    if len(text) > limits.URL:
        raise RefusedUrl(f"must have at most {limits.URL} characters")
    scheme, separator, rest = text.partition("://")
    if scheme.lower() not in PORTS or not separator:
        raise RefusedUrl("must begin with https:// or http://")
    end = re.search(r"[/?#]", rest)
    place, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if "@" in place:
        raise RefusedUrl("must have no user name or password; an own header can carry them")
    if "#" in path:
        raise RefusedUrl("must have no fragment (#)")
    found = _PLACE.fullmatch(place)
    if found is None:
        raise RefusedUrl("must have a host, and a port only as a number after a colon")
    if path and not _PATH.fullmatch(path):
        raise RefusedUrl("must have a path and query of ASCII, with everything else written as %XX")
    port = int(found[2]) if found[2] else PORTS[scheme.lower()]
    if not 1 <= port <= 65535:
        raise RefusedUrl("must have a port from 1 to 65535")
    target = Target(scheme.lower(), _host(found[1]), port, path if path.startswith("/") else f"/{path}")
    if len(target.url) > limits.URL:
        raise RefusedUrl(f"must have at most {limits.URL} characters, with its host in ASCII")
    return target


def _host(text: str) -> str:
    """The host in the one form in which it is compared, resolved and verified."""
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise RefusedUrl("must have an IPv6 address between the brackets") from None
    try:
        host = text.encode("idna").decode().lower()  # RFC 3490: also makes full-width digits and dots plain ones
    except UnicodeError:
        raise RefusedUrl("must have a host name that exists in the domain name system") from None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise RefusedUrl("must have a host name of letters, digits and hyphens, without a dot at its end")
    if _NUMBER.fullmatch(labels[-1]):  # what others read as a number, 0x7f.1 and 2130706433, is an address or wrong
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise RefusedUrl("must have an IPv4 address as four decimal numbers without leading zeros") from None
    return host
