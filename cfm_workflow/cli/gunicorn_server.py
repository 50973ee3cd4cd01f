"""gunicorn as we run it: threads, our own log, and in a process that is to have one the background. Reads no file.

The process that calls `run()` becomes the server. What it forks opens the service anew: neither a connection nor a
file lock may be shared across a fork.
"""

import errno
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from cfm_workflow import create_app
from cfm_workflow.cli.opening import settle
from cfm_workflow.service import Service, open_service
from cfm_workflow.settings import Settings
from cfm_workflow.worker.background import Background
from cfm_workflow.worker.clock import Part

GRACE_SECONDS: Final = 10
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - for heartbeats: a disk that stalls must not look like a dead process


class _Logger(Logger):  # type: ignore[misc]
    """gunicorn's messages go where all others go; requests are not logged, their addresses hold what people wrote."""

    def setup(self, cfg: Any) -> None:
        for logger in (self.error_log, self.access_log):
            logger.handlers = []
            logger.propagate = True
        self.error_log.setLevel(logging.getLogger().level)
        self.access_log.disabled = True

    def reopen_files(self) -> None:
        """There are none."""


class _Worker(ThreadWorker):  # type: ignore[misc]
    """Streams would outlast the grace that requests under way get: they end with the signal, not after it."""

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        self.app.stop()

    def handle_quit(self, sig: int, frame: object) -> None:
        self.app.stop()
        super().handle_quit(sig, frame)

    def handle_request(self, req: Any, conn: Any) -> Any:
        try:
            return super().handle_request(req, conn)
        except TimeoutError as stalled:  # only streams limit how long a client may take nothing: it is as good as gone
            raise BrokenPipeError(errno.EPIPE, "the client takes nothing") from stalled


class Server(BaseApplication):  # type: ignore[misc]
    """The web server of `cfm serve` and `cfm web`."""

    def __init__(self, settings: Settings, *, workers: int, parts: Collection[Part]) -> None:
        self._settings = settings
        self._workers = workers
        self._parts = parts
        self._service: Service | None = None
        self._background: Background | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, object] = {
            "bind": str(self._settings.bind),
            "workers": self._workers,
            "worker_class": _Worker,
            "threads": self._settings.threads,
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 5,
            "logger_class": _Logger,
            "control_socket_disable": True,
            "worker_tmp_dir": str(_MEMORY) if _MEMORY.is_dir() else None,
            "forwarded_allow_ips": "",  # CFM_TRUSTED_PROXIES decides, in the application
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "post_worker_init": self._begin,
            "worker_exit": self._end,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, in the process that will serve it."""
        self._service = open_service(self._settings)
        return create_app(self._service)

    def stop(self) -> None:
        """Tell whatever takes long in this process to end."""
        if self._service is not None:
            self._service.stop()

    def _begin(self, worker: object) -> None:
        settle()
        if self._parts and self._service is not None:
            self._background = Background(self._service, self._parts)
            self._background.start()

    def _end(self, server: object, worker: object) -> None:
        if self._background is not None:
            self._background.stop()
        if self._service is not None:
            self._service.close()
