"""Serves the floor as the service is served: `python -m benchmarks.floor PORT WORKERS THREADS`."""

import sys
from pathlib import Path

from gunicorn.app.base import BaseApplication


class Server(BaseApplication):
    """The same server and the same options as `cfm web`."""

    def load_config(self) -> None:
        port, workers, threads = sys.argv[1:]
        memory = Path("/dev/shm")
        options = {
            "bind": f"127.0.0.1:{port}",
            "workers": int(workers),
            "worker_class": "gthread",
            "threads": int(threads),
            "keepalive": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_tmp_dir": str(memory) if memory.is_dir() else None,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self):
        from benchmarks.floor.app import app

        return app


if __name__ == "__main__":
    sys.argv[0] = "floor"
    Server().run()
