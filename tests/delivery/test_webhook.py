"""The sender against real sockets: it ends in time, reads little, follows nothing, and never leads inside."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cfm_workflow import clock, limits
from cfm_workflow.delivery.resolving import refusal_of
from cfm_workflow.delivery.webhook import Sender
from cfm_workflow.policy.deliveries import Verdict
from cfm_workflow.security.addresses import parse_url
from tests.security.test_addresses import HOSTILE_ADDRESSES, HOSTILE_URLS
from tests.sinks import Sink, answering, drip, flood, hang_up, hanging, sentinel, sink

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
SHORT = 0.3


@pytest.fixture
def receiver() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender(allowed=LOOPBACK)
    yield made
    made.close()


@pytest.fixture
def hasty() -> Iterator[Sender]:
    """One that has little time."""
    made = Sender(allowed=LOOPBACK, timeout=SHORT)
    yield made
    made.close()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    ended = threading.Event()
    yield ended
    ended.set()


def test_what_is_sent_arrives_as_it_is(sender: Sender, receiver: Sink) -> None:
    body = '{"name": "민지 😀"}'.encode()
    answer = sender.send(receiver.url + "?a=b", body, {"webhook-id": "evt_1", "X-Own": "yes"})

    assert (answer.verdict, answer.status, answer.address) == (Verdict.DELIVERED, 204, f"127.0.0.1:{receiver.port}")
    [request] = receiver.received
    assert (request.path, request.body) == ("/hook?a=b", body)
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["webhook-id"], request.headers["x-own"]) == ("evt_1", "yes")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_arrivals(sender: Sender, receiver: Sink, status: int) -> None:
    receiver.behave = answering(status)
    assert sender.send(receiver.url, b"{}", {}).verdict is Verdict.DELIVERED


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 413, 429, 500, 503])
def test_everything_else_is_tried_again(sender: Sender, receiver: Sink, status: int) -> None:
    receiver.behave = answering(status)
    answer = sender.send(receiver.url, b"{}", {})
    assert (answer.verdict, answer.status, answer.retry_after) == (Verdict.LATER, status, None)


def test_gone_is_gone(sender: Sender, receiver: Sink) -> None:
    receiver.behave = answering(410, b"no more")
    answer = sender.send(receiver.url, b"{}", {})
    assert (answer.verdict, answer.text) == (Verdict.GONE, "no more")


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (429, "120", 120),
        (503, "0", 0),
        (503, "Mon, 23 Nov 2026 12:02:00 GMT", 120),
        (503, "Mon, 23 Nov 2026 11:00:00 GMT", 0),
        (429, "soon", None),
        (429, "-5", None),
        (429, "1.5", None),
        (429, "99999999999999999999", 999_999_999),
        (429, "Mon, 99 Nov 2026 12:02:00 GMT", None),
        (429, "Mon, 23 Nov 2026 12:02:00", None),
        (500, "120", None),
    ],
)
def test_a_receiver_may_ask_for_patience(
    sender: Sender, receiver: Sink, noon: datetime.datetime, status: int, said: str, seconds: int | None
) -> None:
    receiver.behave = answering(status, Retry_After=said)
    wanted = None if seconds is None else datetime.timedelta(seconds=seconds)
    assert sender.send(receiver.url, b"{}", {}).retry_after == wanted


def test_a_redirect_is_not_followed(sender: Sender, receiver: Sink) -> None:
    with sentinel() as count:
        port = count.port  # type: ignore[attr-defined]
        for status in (301, 302, 303, 307, 308):
            for place in (f"http://127.0.0.1:{port}/", f"//127.0.0.1:{port}/", "http://169.254.169.254/latest/"):
                receiver.behave = answering(status, Location=place)
                assert sender.send(receiver.url, b"{}", {}).verdict is Verdict.LATER
        assert count() == 0
    assert len(receiver.received) == 15


def test_a_connection_is_used_again(sender: Sender, receiver: Sink) -> None:
    peers = set()
    receiver.behave = lambda handler: (peers.add(handler.client_address), handler.answer(200, b"ok"))[0]
    for _ in range(3):
        assert sender.send(receiver.url, b"{}", {}).text == "ok"
    assert len(peers) == 1


def test_no_proxy_of_the_environment_is_asked(receiver: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    with sentinel() as count:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{count.port}")  # type: ignore[attr-defined]
        assert Sender(allowed=LOOPBACK).send(receiver.url, b"{}", {}).verdict is Verdict.DELIVERED
        assert count() == 0


# -- receivers that do not play fair ----------------------------------------------------------------------------------


def test_one_that_hangs_is_left(hasty: Sender, receiver: Sink, stop: threading.Event) -> None:
    receiver.behave = hanging(stop)
    answer = hasty.send(receiver.url, b"{}", {})
    assert (answer.verdict, answer.status) == (Verdict.LATER, None)


@pytest.mark.parametrize(
    ("beginning", "byte"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
)
def test_one_that_says_a_byte_now_and_then_is_left_too(
    hasty: Sender, receiver: Sink, stop: threading.Event, beginning: bytes, byte: bytes
) -> None:
    receiver.behave = drip(beginning, byte, stop)
    assert hasty.send(receiver.url, b"{}", {}).verdict is Verdict.LATER


def test_one_that_does_not_even_read_is_left(hasty: Sender) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    assert hasty.send(url, b"x" * 50_000_000, {}).verdict is Verdict.LATER
    assert hasty.send(url.replace("http", "https"), b"{}", {}).verdict is Verdict.LATER  # nor shakes hands
    listener.close()


def test_of_gigabytes_only_the_beginning_is_read(sender: Sender, receiver: Sink) -> None:
    receiver.behave = flood
    answer = sender.send(receiver.url, b"{}", {})
    assert (answer.verdict, answer.text) == (Verdict.DELIVERED, "x" * limits.ANSWER_BYTES)
    with receiver.changed:  # it hung up: the flood has ended
        assert receiver.changed.wait_for(lambda: receiver.at_once == 0, timeout=30)
    assert receiver.flooded < 64 * 1024**2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00" * 100,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_answer_is_tried_again(sender: Sender, receiver: Sink, said: bytes) -> None:
    def behave(handler: object) -> None:
        handler.close_connection = True  # type: ignore[attr-defined]
        handler.wfile.write(said)  # type: ignore[attr-defined]

    receiver.behave = behave
    answer = sender.send(receiver.url, b"{}", {})
    assert answer.verdict is Verdict.LATER and answer.text


def test_one_that_hangs_up_or_is_not_there_is_tried_again(sender: Sender, receiver: Sink) -> None:
    receiver.behave = hang_up
    assert sender.send(receiver.url, b"{}", {}).verdict is Verdict.LATER
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    answer = sender.send(f"http://127.0.0.1:{port}/", b"{}", {})
    assert (answer.verdict, answer.address) == (Verdict.LATER, f"127.0.0.1:{port}")


def test_an_answer_can_be_stored_whatever_it_is(sender: Sender, receiver: Sink) -> None:
    receiver.behave = answering(500, b"a\x00b\xff\xfe\xed\xa0\x80")
    text = sender.send(receiver.url, b"{}", {}).text
    assert "\0" not in text and text.encode() and text.startswith("a")


# -- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Sink, Path]]:
    """A receiver with a certificate for hooks.example.com and 127.0.0.1, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("hooks.example.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    public = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(public)
    (tmp_path / "both.pem").write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with sink() as running:
        running.server.socket = context.wrap_socket(running.server.socket, server_side=True)
        yield running, file


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: tuple[Sink, Path], sender: Sender) -> None:
    receiver, _ = secure
    answer = sender.send(f"https://127.0.0.1:{receiver.port}/", b"{}", {})
    assert answer.verdict is Verdict.LATER and "certificate" in answer.text.lower()
    assert receiver.received == []


def test_a_certificate_is_checked_against_the_name_in_the_url(
    secure: tuple[Sink, Path], names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, file = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    trusting = Sender(allowed=LOOPBACK)
    names |= {"hooks.example.com": ["127.0.0.1"], "other.example.com": ["127.0.0.1"]}
    for host, wanted in (
        ("hooks.example.com", Verdict.DELIVERED),
        ("127.0.0.1", Verdict.DELIVERED),
        ("other.example.com", Verdict.LATER),
    ):
        assert trusting.send(f"https://{host}:{receiver.port}/", b"{}", {}).verdict is wanted
    assert len(receiver.received) == 2


# -- addresses -------------------------------------------------------------------------------------------------------


def test_nobody_is_called_by_a_hostile_url() -> None:
    strict = Sender(allowed=())
    with sentinel() as count:
        port = count.port  # type: ignore[attr-defined]
        ours = (url.replace(":80/", "/").rstrip("/") + f":{port}/" for url in HOSTILE_URLS)
        for url in (*HOSTILE_URLS, *ours):
            answer = strict.send(url, b"{}", {})
            assert (answer.verdict, answer.address) == (Verdict.LATER, None), url
        assert count() == 0


def test_a_name_that_has_a_hostile_address_is_not_called(names: dict[str, list[str]]) -> None:
    strict = Sender(allowed=())
    for address in (address for address in HOSTILE_ADDRESSES if "%" not in address):
        names["hooks.example.com"], names["mixed.example.com"] = [address], ["8.8.8.8", address]
        for host in names:
            answer = strict.send(f"http://{host}/", b"{}", {})
            assert (answer.verdict, answer.address) == (Verdict.LATER, None), address
        assert refusal_of(parse_url("http://mixed.example.com/"), allowed=()) is not None


def test_a_name_that_changes_its_address_between_check_and_connection_leads_nowhere(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives another answer each time, as in DNS rebinding: what was judged is what is called."""
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    look_up = socket.getaddrinfo
    called = []

    def rebinding(host: str, *args: object, **kwargs: object) -> object:
        return look_up(next(answers), *args, **kwargs)  # type: ignore[arg-type]

    with sentinel() as count:
        target = parse_url(f"http://rebinding.example.com:{count.port}/")  # type: ignore[attr-defined]
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        assert refusal_of(target, allowed=()) is None  # at creation it is public
        answer = Sender(allowed=()).send(target.url, b"{}", {})  # and inside when it is sent to
        assert (answer.verdict, answer.address) == (Verdict.LATER, None)

        # And at the connection itself: one look-up, whose answer is judged and used.
        answers = iter(["198.51.100.7", "127.0.0.1"])
        connect = socket.socket.connect
        monkeypatch.setattr(
            socket.socket, "connect", lambda sock, place: (called.append(place), connect(sock, ("127.0.0.1", 1)))[1]
        )
        documentation = (ipaddress.ip_network("198.51.100.0/24"),)
        Sender(allowed=documentation).send(target.url, b"{}", {})
        assert [place[0] for place in called] == ["198.51.100.7"]
        assert next(answers) == "127.0.0.1"  # nobody asked a second time
        monkeypatch.undo()
        assert count() == 0


def test_a_name_that_cannot_be_resolved_is_tried_again_and_not_refused(sender: Sender) -> None:
    answer = sender.send("http://nowhere.example.com/", b"{}", {})
    assert (answer.verdict, answer.address) == (Verdict.LATER, None)
    assert refusal_of(parse_url("http://nowhere.example.com/"), allowed=()) is None


def test_of_several_addresses_the_next_is_taken_when_one_does_not_answer(
    receiver: Sink, sender: Sender, names: dict[str, list[str]]
) -> None:
    names["hooks.example.com"] = ["127.0.0.2", "127.0.0.1"]
    answer = sender.send(f"http://hooks.example.com:{receiver.port}/", b"{}", {})
    assert (answer.verdict, answer.address) == (Verdict.DELIVERED, f"127.0.0.1:{receiver.port}")


def test_connections_that_rest_are_closed(sender: Sender, receiver: Sink) -> None:
    sender.send(receiver.url, b"{}", {})
    assert sender._idle.count == 1
    sender.close()
    assert sender._idle.count == 0
    assert clock.stopwatch() > 0
