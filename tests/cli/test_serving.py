"""The running service as a process: it starts from nothing, becomes the server, ends on SIGTERM, and logs no secret."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from cfm_workflow import cli

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 12

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and gunicorn are POSIX")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A process of ours that listens on `port`; what it logs goes to a file."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.log = folder / "log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CFM_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cfm_workflow.cli", *arguments],
                cwd=folder,
                env=kept | {"PYTHONPATH": str(CHECKOUT), "CFM_BIND": f"127.0.0.1:{self.port}"} | environment,
                stdout=log,
                stderr=log,
                preexec_fn=_heed_interrupts,
            )

    def until(self, sign: str) -> None:
        """Wait until the log says something, or an address answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if sign in self.text() if not sign.startswith("/") else self.answers(sign):
                return
            time.sleep(0.02)  # another process has no event for us to wait for
        raise AssertionError(self.text())

    def answers(self, path: str) -> bool:
        try:
            self.get(path)
        except OSError:
            return False
        return True

    def get(self, path: str, token: str = "") -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    started = Running(folder, *arguments, **environment)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait(10)


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.chdir(folder)
    assert cli.run(arguments) == 0
    return capsys.readouterr().out.strip()


def test_serve_starts_from_nothing_says_what_to_do_first_and_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, "serve") as server:
        server.until("/healthz")
        assert "/enter/" in server.text()
        run(tmp_path, monkeypatch, capsys, "user", "add", "ada@example.com", "--name", "Ada", "--role", "admin")
        token = run(tmp_path, monkeypatch, capsys, "token", "add", "ada@example.com")
        assert orjson.loads(server.get("/api/v1/feedback?q=hunter2", token))["items"] == []
        with pytest.raises(urllib.error.HTTPError):
            server.get("/api/v1/me?q=hunter2", token)
        server.until("/readyz")
        assert orjson.loads(server.get("/readyz"))["clock_at"]
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        assert server.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
        assert "hunter2" not in server.text() and token not in server.text() and "Traceback" not in server.text()
        assert {path.name for path in (tmp_path / "instance").iterdir()} >= {"keys", "cfm.sqlite"}
    with running(tmp_path, "serve") as server:
        server.until("/healthz")
        assert "/enter/" not in server.text()
        assert server.stop() == 0


def test_an_open_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path, "serve") as server:
        server.until("/healthz")
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 200")
            assert server.stop() == 0


@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_a_part_without_a_web_server_ticks_until_it_is_told_to_end(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, monkeypatch, capsys, "db", "upgrade")
    with running(tmp_path, part, CFM_LOG_FORMAT="json") as process:
        process.until("ticking")
        assert process.stop() == 0
        lines = [orjson.loads(line) for line in process.text().splitlines()]
        assert {"event", "level", "timestamp", "logger"} <= lines[-1].keys()


def test_web_serves_with_several_processes_and_without_a_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, monkeypatch, capsys, "db", "upgrade")
    with running(tmp_path, "web", CFM_WORKERS="2") as server:
        server.until("/healthz")
        server.until("Booting worker")
        assert len(re.findall("Booting worker", server.text())) == 2
        assert orjson.loads(server.get("/readyz"))["clock_at"] is None
        assert server.stop() == 0
