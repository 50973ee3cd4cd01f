"""Streams of the running service: they end with SIGTERM, free their thread when nobody listens, and `cfm listen`."""

import base64
import http.client
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from cfm_workflow import cli, clock
from cfm_workflow.delivery.listening import Following, Forwarding, Parser, Refused, Told
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.security import signing
from cfm_workflow.security.tokens import new_token
from tests.cli.test_serving import STOP_SECONDS, Running, running
from tests.live import Server
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and gunicorn are POSIX")
PATIENCE = 60.0


@contextmanager
def serving(world: World, folder: Path, **environment: str) -> Iterator[Running]:
    """The service of a world as a process."""
    settings = world.service.settings
    keys = ",".join(f"{key.id}:{base64.b64encode(key.secret).decode()}" for key in settings.secret_keys)
    place = {"CFM_DATABASE_URL": settings.database_url, "CFM_INSTANCE": str(settings.instance), "CFM_SECRET_KEYS": keys}
    with running(folder, "serve", **place, **environment) as server:
        server.until("/healthz")
        yield server


def opened(server: Running, token: str) -> tuple[socket.socket, int]:
    """A stream on a connection of its own, as a client that only reads; and the status."""
    line = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    line.sendall(f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += line.recv(4096)
    return line, int(seen.split()[1])


def record(server: Running, token: str) -> None:
    """Something happens."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/feedback", b'{"text": "My miles are missing."}', headers)
    assert connection.getresponse().status == 201
    connection.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_end_when_the_service_is_told_to(sign: signal.Signals, small_world: World, tmp_path: Path) -> None:
    with serving(small_world, tmp_path) as server, ExitStack() as lines:
        for _ in range(8):
            line, status = opened(server, small_world.ada.token)
            lines.callback(line.close)
            assert status == 200
        server.process.send_signal(sign)
        assert server.process.wait(STOP_SECONDS) == 0
        assert "Traceback" not in server.text() and "SIGKILL" not in server.text()


def test_a_client_that_went_away_frees_its_place(small_world: World, tmp_path: Path) -> None:
    token = small_world.ada.token
    with serving(small_world, tmp_path, CFM_THREADS="2") as server:
        line, status = opened(server, token)
        assert status == 200
        again, refused = opened(server, token)
        again.close()
        assert refused == 503
        line.close()
        deadline = time.monotonic() + PATIENCE
        while status != 200 or refused == 503:  # the first words to nobody are answered by a reset
            assert time.monotonic() < deadline
            record(server, token)
            again, refused = opened(server, token)
            again.close()
        assert server.stop() == 0
        assert "Traceback" not in server.text()


class Sink:
    """A receiver of webhooks on loopback that keeps what it got, and answers 204."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    started = Sink()
    yield started
    started.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_listening_forwards_every_event_once_over_a_crash_of_the_server(
    world: World, server: Server, sink: Sink
) -> None:
    secret, stopped, heard = signing.new_secret(), threading.Event(), threading.Semaphore(0)
    following = Following(
        f"http://127.0.0.1:{server.port}",
        world.ada.token,
        wanted={"types": "feedback.received"},
        say=lambda sentence: heard.release() if sentence.startswith("Listening") else None,
        stopped=stopped,
    )
    forwarding = Forwarding(sink.url, secret)

    def follow() -> None:
        for event in following.events():
            assert forwarding.send(event.id, event.body, now=clock.now()) == "204"
            if b"The last one." in event.body:
                stopped.set()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        assert heard.acquire(timeout=PATIENCE)
        for n in range(5):
            server.ask(world.olga.token, "POST", "/feedback", {"text": f"Before {n}"}, f"before-{n}")
        server.kill()
        world.feedback("While it is down.")
        server.start()
        for n in range(5):
            server.ask(world.olga.token, "POST", "/feedback", {"text": f"After {n}"}, f"after-{n}")
        server.ask(world.olga.token, "POST", "/feedback", {"text": "The last one."}, "last")
        thread.join(PATIENCE)
        assert not thread.is_alive()
    finally:
        stopped.set()
    expected = world.events(types="feedback.received")
    assert [orjson.loads(body) for _, body in sink.got] == expected
    assert len(expected) == 12
    for headers, body in sink.got:
        assert Webhook(secret).verify(body.decode(), headers)["data"]["event_id"] == headers["webhook-id"]


def test_without_a_place_for_a_stream_listening_polls(small_world: World, live_server: str) -> None:
    small_world.feedback()
    small_world.feedback()
    said: list[str] = []
    stopped = threading.Event()
    port = int(live_server.rsplit(":", 1)[1])
    request = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {small_world.ada.token}\r\n\r\n"
    with ExitStack() as lines:
        for _ in range(small_world.service.settings.threads // 2):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            line.sendall(request.encode())
            assert line.recv(12).endswith(b"200")
        wanted = {"after": "0", "types": "feedback.received"}
        following = Following(live_server, small_world.ada.token, wanted=wanted, say=said.append, stopped=stopped)
        found: list[Told] = []
        for event in following.events():
            found.append(event)
            if len(found) == 2:
                stopped.set()
    assert [orjson.loads(event.body) for event in found] == small_world.events(types="feedback.received")
    assert "503" in said[0]


def test_listening_with_a_wrong_token_or_question_is_refused(small_world: World, live_server: str) -> None:
    for token, wanted in (
        (new_token(), {}),
        (small_world.olga.token, {}),
        (small_world.ada.token, {"types": "No Such"}),
    ):
        following = Following(live_server, token, wanted=wanted, say=print, stopped=threading.Event())
        with pytest.raises(Refused):
            next(following.events())


STREAM = b"retry: 3000\nid: 7\n\n:\n\nid: 8\nevent: a\ndata: {}\n\ndata:1\r\ndata: 2\rid: 9\n\nid: 10\ndata: half"


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_a_stream_is_understood_however_it_is_cut(size: int) -> None:
    parser, told = Parser(), []
    for start in range(0, len(STREAM), size):
        told += [(parser.last_id, data) for data in parser.read(STREAM[start : start + size])]
    assert told == [("7", None), ("7", None), ("8", "{}"), ("9", "1\n2")]
    assert (parser.last_id, parser.retry_seconds) == ("9", 3.0)


def test_listen_is_a_command_that_ends_with_an_interrupt(small_world: World, tmp_path: Path, sink: Sink) -> None:
    token = small_world.ada.token
    with serving(small_world, tmp_path) as server:
        (tmp_path / "client").mkdir()
        options = ("--server", f"http://127.0.0.1:{server.port}", "--types", "feedback.*", "--forward", sink.url)
        with running(tmp_path / "client", "listen", *options, CFM_TOKEN=token) as client:
            client.until("Listening")
            record(server, token)
            client.until("204")
            client.process.send_signal(signal.SIGINT)
            assert client.process.wait(STOP_SECONDS) == 130
            said = client.text()
        assert server.stop() == 0
    [(headers, body)] = sink.got
    assert f"feedback.received  {headers['webhook-id']}  204" in said
    secret = said.split("Signed with ")[1].split()[0]
    assert Webhook(secret).verify(body.decode(), headers)["type"] == "feedback.received"
    assert token not in said and "Traceback" not in said


@pytest.mark.parametrize("event_type", ["action.accepted", "import.finished"])
def test_trigger_sends_a_sample_signed_or_prints_it(
    event_type: str, capsys: pytest.CaptureFixture[str], sink: Sink
) -> None:
    secret = signing.new_secret()
    assert cli.run(["trigger", event_type]) == 0
    printed = orjson.loads(capsys.readouterr().out)
    assert cli.run(["trigger", event_type, "--forward", sink.url, "--secret", secret]) == 0
    [(headers, body)] = sink.got
    sent = Webhook(secret).verify(body.decode(), headers)
    assert sent["type"] == printed["type"] == event_type
    assert sent["data"]["event_id"] == headers["webhook-id"] != printed["data"]["event_id"]
    assert f"{headers['webhook-id']}  204" in capsys.readouterr().out


def test_trigger_names_the_types_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["trigger", "action.acepted"]) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in EVENT_TYPES)
    assert "action.accepted?" in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["listen", "--forward", "http://127.0.0.1:1"], 1),  # no token
        (["listen", "--forward", "http://127.0.0.1:1", "--token", "cfm_short"], 1),
        (["listen", "--forward", "http://127.0.0.1:1", "--token-file", "not-there"], 1),
        (["listen", "--token", "x"], 2),
        (["listen", "--forward", "ftp://127.0.0.1", "--token", "x"], 2),
        (["listen", "--forward", "http://", "--token", "x"], 2),
        (["listen", "--forward", "http://[::1", "--token", "x"], 2),
        (["listen", "--forward", "http://localhost:99999", "--token", "x"], 2),
        (["listen", "--forward", "http://127.0.0.1:1", "--server", "no", "--token", "x"], 2),
        (["trigger", "action.accepted", "--forward", "http://127.0.0.1:1", "--secret", "whsec_short"], 2),
        (["trigger", "action.accepted", "--forward", "mailto:x"], 2),
    ],
)
def test_what_cannot_be_listened_to_is_said_in_a_sentence(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CFM_TOKEN", raising=False)
    assert cli.run(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.strip() and "Traceback" not in captured.err and not captured.out


def test_a_receiver_that_is_not_there_is_told_of_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["trigger", "action.accepted", "--forward", "http://127.0.0.1:1/"]) == 0
    assert "no answer" in capsys.readouterr().out
