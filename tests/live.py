"""A real `cfm serve` in a process of its own, to be asked over HTTP, killed, and started again."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from cfm_workflow.settings import Settings

ROOT = Path(__file__).parent.parent


class Server:
    """The service of these settings on a free port."""

    def __init__(self, settings: Settings) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        keys = (f"{key.id}:{base64.b64encode(key.secret).decode()}" for key in settings.secret_keys)
        self._environ = {
            **os.environ,
            "CFM_BIND": f"127.0.0.1:{self.port}",
            "CFM_DATABASE_URL": settings.database_url,
            "CFM_INSTANCE": str(settings.instance),
            "CFM_SECRET_KEYS": ",".join(keys),
            "CFM_LOG_LEVEL": "error",
            "PYTHONPATH": str(ROOT),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "cfm_workflow.cli", "serve"]
        self._process = subprocess.Popen(command, env=self._environ, start_new_session=True)

    def kill(self) -> None:
        """End it at once, with everything it was doing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Kill it for good and hang up."""
        self.kill()
        for connection in self._connections:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connections.append(connection)
        return connection

    def ask(self, token: str, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        """Ask until it has been answered, whatever happens to the service meanwhile: the key makes that safe."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
        while True:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self._connect()
            try:
                connection.request(method, f"/api/v1{path}", json.dumps(body), headers)
                response = connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self._local.connection = None
                continue
            assert response.status < 500, text
            return response.status, json.loads(text)
