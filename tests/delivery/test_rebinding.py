"""DNS rebinding against a real name server: a name that is public when it is checked and internal when it is called."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent
ALONE = ("unshare", "--mount", "--net", *(() if sys.platform == "win32" or os.geteuid() == 0 else ("--map-root-user",)))
SET_UP = """
mount --bind "$1/resolv.conf" /etc/resolv.conf || exit 77
[ ! -e /etc/nsswitch.conf ] || mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf || exit 77
shift
exec "$@"
"""
NO_MOUNTS = 77


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces of one's own are Linux's")
@pytest.mark.parametrize("internal", ["127.0.0.1", "169.254.169.254", "10.0.0.1"])
def test_a_name_that_leads_elsewhere_a_moment_later_reaches_nothing_internal(internal: str, tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
    program = [sys.executable, "-m", "tests.delivery.secluded", internal]
    found = alone(["sh", "-c", SET_UP, "sh", str(tmp_path), *program])
    assert found["at creation"] is True
    assert found["at sending"] == ["later", []]
    assert found["what was judged"] == ["delivered", ["8.8.8.8"], 1]  # looked up once: nobody asks again
    assert found["a moment later"] == ["later", [], 2]
    assert found["where it is allowed"] == ["delivered", [internal]]  # so it could have been reached


def alone(command: list[str]) -> dict[str, object]:
    """What a command prints that has a network and mounts of its own."""
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system gives nobody a namespace of their own")
    done = subprocess.run([*ALONE, *command], capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=60)
    if done.returncode == NO_MOUNTS:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found
