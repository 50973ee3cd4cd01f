"""`run` and what it installs from: nothing is installed twice or half, the locks are complete and name no place."""

import configparser
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in an empty copy of the checkout with its locks."""
    for name in ("run", *LOCKS):
        (tmp_path / name).write_bytes((CHECKOUT / name).read_bytes())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("run", str(tmp_path / "run"))
    spec = spec_from_loader("run", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def installed(run: ModuleType, *parts: str) -> None:
    run.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    run.PYTHON.write_text("")
    for part in parts:
        lock, stamp = run.LOCKS[part]
        stamp.write_text(run.stamp_of(lock))


def metadata() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    return parser


def pinned(lock: str) -> dict[str, str]:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_an_old_python_gets_a_sentence_with_both_versions(run: ModuleType) -> None:
    sentence = run.too_old((3, 9, 2))
    assert "3.11" in sentence and "3.9" in sentence


def test_an_unknown_command_installs_nothing_and_shows_the_commands(run: ModuleType, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, tmp_path / "run", "nonsense"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert answer.returncode == 2 and "./run test" in answer.stderr
    assert not run.VENV.exists()


def test_what_is_stamped_is_not_installed_again(run: ModuleType) -> None:
    installed(run, "running", "testing")
    run.set_up("running", "testing")
    assert not (run.ROOT / ".venv.lock").exists()


def test_without_its_stamp_an_environment_counts_as_half_finished(run: ModuleType) -> None:
    installed(run, "running")
    assert run.is_installed("running") and not run.is_installed("testing")


def test_a_changed_lock_is_installed_anew(run: ModuleType) -> None:
    installed(run, "running")
    with (run.ROOT / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert not run.is_installed("running")


def test_an_environment_whose_python_is_gone_is_made_anew(run: ModuleType) -> None:
    installed(run, "running")
    run.PYTHON.unlink()
    assert not run.is_installed("running")


@pytest.mark.skipif(sys.platform == "win32", reason="flock is POSIX")
def test_only_one_at_a_time_may_change_the_environment(run: ModuleType) -> None:
    import fcntl

    with run.only_one(), (run.ROOT / ".venv.lock").open("a") as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_tests_use_every_processor_unless_the_caller_chose(run: ModuleType) -> None:
    assert run.spread(["-k", "keys"], 4) == ["-n", "4"]
    for choice in (["-n0"], ["-n", "2"], ["--pdb"], ["-p", "no:xdist"], ["--numprocesses=3"]):
        assert run.spread(choice, 4) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_with_hashes_and_names_no_place(lock: str) -> None:
    entries = re.sub(r"\\\n\s*", "", (CHECKOUT / lock).read_text(encoding="utf-8")).splitlines()
    entries = [entry for entry in entries if not entry.startswith("#")]
    assert [entry for entry in entries if not re.search(r"^[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert [entry for entry in entries if "://" in entry or entry.startswith("-")] == []


def test_tests_run_with_the_versions_that_are_served() -> None:
    running, testing = (pinned(lock) for lock in LOCKS)
    assert running.items() <= testing.items()


@pytest.mark.parametrize(
    ("section", "option", "lock"),
    [
        ("options", "install_requires", "requirements.lock"),
        ("options.extras_require", "dev", "requirements-dev.lock"),
    ],
)
def test_every_requirement_is_in_its_lock(section: str, option: str, lock: str) -> None:
    names = re.findall(r"^[A-Za-z0-9-]+", metadata()[section][option], re.MULTILINE)
    assert [name for name in names if name.lower() not in pinned(lock)] == []


def test_the_wheel_holds_every_package_and_nothing_at_the_top_but_ours() -> None:
    listed = set(metadata()["options"]["packages"].split())
    folders = {path.parent.relative_to(CHECKOUT) for path in (CHECKOUT / "cfm_workflow").rglob("__init__.py")}
    outside = {"cfm_workflow.config", "cfm_workflow.config.workflows"}
    outside |= {"cfm_workflow.migrations", "cfm_workflow.migrations.versions"}
    assert listed == {".".join(folder.parts) for folder in folders} | outside
