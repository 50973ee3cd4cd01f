"""The documentation tells the truth: every setting, command and event is there, and what people are to run runs."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from cfm_workflow import limits, settings
from cfm_workflow.access import SCOPES
from cfm_workflow.cli import COMMANDS
from cfm_workflow.models.people import TeamMode
from cfm_workflow.policy.audiences import AUDIENCES, OTHERS, RELATIONS, Level
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.queries.mails import STATES
from cfm_workflow.workflow import load_file, load_text
from tests.world import World

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def page(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("setting", [setting.name for setting in settings.TABLE])
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in page("docs/operating.md")
    assert setting in page(".env.example")


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {setting.name for setting in settings.TABLE} | {s.file_name for s in settings.TABLE if s.secret}
    named = set(re.findall(r"CFM_[A-Z_]+[A-Z]", "".join(path.read_text() for path in PAGES)))
    assert named - known <= {"CFM_NAME", "CFM_TOKEN"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_documented(command: str) -> None:
    assert f"`cfm {command}" in page("docs/operating.md")


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_event_type_is_documented(event_type: str) -> None:
    assert f"`{event_type}`" in page("docs/events.md")


def test_no_event_type_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", page("docs/events.md")))
    assert named - EVENT_TYPES.keys() <= {"openapi.json"}


def test_the_documented_audiences_are_the_table_they_follow() -> None:
    said = {Level.AT_ONCE: "at once", Level.DIGEST: "digest", Level.NEVER: ""}
    rows = [f"| `{kind}` | {' | '.join(said[level] for level in row)} |" for kind, row in AUDIENCES.items()]
    rows += [f"| other steps of a workflow | {' | '.join(said[level] for level in OTHERS)} |"]
    text = page("docs/mail.md")
    assert f"| {' | '.join(relation.replace('_', ' ') for relation in RELATIONS)} |" in text
    assert "\n".join(rows) in text


def test_the_documented_states_of_a_mail_are_those_there_are() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", page("docs/mail.md").split("| state |")[1], re.MULTILINE) == list(STATES)


def test_every_scope_and_every_way_to_give_work_is_documented() -> None:
    text = page("docs/api.md")
    assert all(f"`{scope}`" in text for scope in SCOPES)
    assert all(f"`{mode}`" in text for mode in TeamMode)


def test_the_documented_workflow_loads_and_the_documented_table_is_the_shipped_one() -> None:
    text = page("docs/workflows.md")
    [example] = blocks(text, "yaml")
    assert load_text(example, "docs/workflows.md").key == yaml.safe_load(example)["key"]
    standard = load_file(ROOT / "config" / "workflows" / "standard.yaml")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)}
    for name, transition in standard.transitions.items():
        assert [state.strip() for state in rows[name].split(",")] == list(transition.from_states)


def test_the_documented_event_has_the_shape_of_a_real_one(small_world: World) -> None:
    example = json.loads(blocks(page("docs/events.md"), "json")[0])
    action = small_world.action()
    small_world.alice.fire(action, "accept")
    [real] = small_world.events(types="action.accepted")
    assert example.keys() == real.keys()
    assert example["data"].keys() <= real["data"].keys()


def test_links_between_pages_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_limits_of_the_docs_are_the_limits() -> None:
    assert f"{limits.FAN_OUT:,} people" in page("CHANGELOG.md")
    assert f"up to {limits.BULK:,} actions" in page("docs/api.md")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README uses curl, which is not on this machine")
def test_the_five_minutes_of_the_readme_work(tmp_path: Path) -> None:
    """Every shell block after the first, as it stands, beside the service that the first one starts."""
    start, *rest = blocks(page("README.md"), "sh")
    assert start.strip() == "./run"
    port = free_port()
    environ = {
        **os.environ,
        "CFM_BIND": f"127.0.0.1:{port}",
        "CFM_INSTANCE": str(tmp_path / "instance"),
        "CFM_DATABASE_URL": "",
        "CFM_LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }
    # What `./run` does once everything is installed, with the interpreter that runs the tests.
    run = tmp_path / "run"
    run.write_text(f'#!/bin/sh\n[ "$1" = cfm ] && shift\nexec "{sys.executable}" -m cfm_workflow.cli "$@"\n')
    run.chmod(0o755)
    server = subprocess.Popen([str(run), "serve"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", server)
        script = "set -eu\n" + "\n".join(rest).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, done.stderr
        found, made, mine, finished, feed = answers(done.stdout)
        assert [item["external_id"] for item in found["items"]] == ["A-1"]
        assert made["actions"][0]["state"] == "accepted"
        assert [action["id"] for action in mine["items"]] == [1]
        assert finished["state"] == "done"
        assert "feedback.resolved" in [event["type"] for event in feed["items"]]
    finally:
        server.terminate()
        server.communicate(timeout=15)


def answers(output: str) -> list[dict[str, Any]]:
    """The JSON answers of the curl calls, which end without line breaks; before them stands what else was printed."""
    decoder, text, found = json.JSONDecoder(), output[output.index("{") :].strip(), []
    while text:
        answer, end = decoder.raw_decode(text)
        found.append(answer)
        text = text[end:].lstrip()
    return found


def wait_until_it_answers(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Ask until the server is there; it is at once once it listens, and an early end is an error."""
    while True:
        assert server.poll() is None, (server.stderr.read() if server.stderr else b"").decode()
        try:
            with urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            continue
