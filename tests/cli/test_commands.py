"""Commands: what stands on standard output, what is refused, with which exit code, and never a traceback."""

from pathlib import Path
from typing import Any

import pytest

from cfm_workflow import cli, create_app, migrating
from cfm_workflow.models import Webhook
from cfm_workflow.security.sealing import unseal
from cfm_workflow.security.tokens import well_formed
from cfm_workflow.service import open_service
from cfm_workflow.settings import load

ADA = ("user", "add", "ada@example.com", "--name", "Ada", "--role", "admin")


class Shell:
    """Runs commands in a folder of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> str:
        """The standard output of a command that must succeed, without the last line end."""
        code, out, error = self.run(*arguments)
        assert code == 0, error
        return out.removesuffix("\n")

    def refused(self, code: int, *arguments: str) -> str:
        """What a refused command says on standard error."""
        found, out, error = self.run(*arguments)
        assert (found, out) == (code, "") and error.strip() and "Traceback" not in error
        return error

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def cfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CFM_LOG_LEVEL", "error")
    return Shell(capsys)


def ask(path: str, token: str, **more: Any) -> Any:
    service = open_service(load())
    answer = create_app(service).test_client().open(path, headers={"Authorization": f"Bearer {token}"}, **more)
    service.close()
    return answer


def signed_with(webhook_id: int) -> str:
    """The secret of an endpoint, read with the keys of today."""
    service = open_service(load())
    with service.database.reading() as session:
        stored = session.get_one(Webhook, webhook_id).secret
    service.close()
    return unseal(service.ring, webhook_id, "secret", stored)


def test_a_user_and_a_token_are_made_from_nothing_and_work(cfm: Shell) -> None:
    assert cfm(*ADA) == "1"
    token = cfm("token", "add", "Ada@Example.com")
    assert well_formed(token)
    me = ask("/api/v1/me", token).json
    assert (me["email"], me["role"], me["scopes"]) == ("ada@example.com", "admin", None)


def test_people_get_the_language_and_time_zone_of_the_installation(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFM_LANGUAGE", "ko")
    monkeypatch.setenv("CFM_TIME_ZONE", "Asia/Seoul")
    cfm(*ADA)
    me = ask("/api/v1/me", cfm("token", "add", "ada@example.com")).json
    assert (me["language"], me["time_zone"]) == ("ko", "Asia/Seoul")


def test_a_scoped_token_and_an_integration_can_do_what_they_were_given(cfm: Shell) -> None:
    cfm(*ADA)
    narrow = cfm("token", "add", "ada@example.com", "--scope", "feedback:read")
    robot = cfm("integration", "add", "robot", "--scope", "actions:read", "--scope", "feedback:read")
    for token in (narrow, robot):
        assert ask("/api/v1/feedback", token).status_code == 200
        assert ask("/api/v1/events", token).status_code == 403


REFUSED = [
    # exit code, what it names, command
    (2, "--role", ("user", "add", "bob@example.com", "--name", "Bob")),
    (2, "boss", ("user", "add", "bob@example.com", "--name", "Bob", "--role", "boss")),
    (2, "nonsense", ("nonsense",)),
    (1, "email", ("user", "add", "bob", "--name", "Bob", "--role", "agent")),
    (1, "ada@example.com", ADA),
    (1, "teams", ("user", "add", "bob@example.com", "--name", "Bob", "--role", "agent", "--team", "care")),
    (1, "name", ("user", "add", "bob@example.com", "--name", " ", "--role", "agent")),
    (1, "email", ("token", "add", "nobody@example.com")),
    (2, "feedback:eat", ("token", "add", "ada@example.com", "--scope", "feedback:eat")),
    (2, "--scope", ("integration", "add", "robot")),
    (2, "missing.yaml", ("workflow", "check", "missing.yaml")),
    (1, "missing", ("workflow", "diagram", "missing")),
    (2, "missing.tar.gz", ("restore", "missing.tar.gz")),
    (1, "no/folder", ("backup", "no/folder/backup.tar.gz")),
    (1, "9999", ("db", "downgrade", "9999")),
]


@pytest.mark.parametrize(
    ("code", "named", "command"), REFUSED, ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None
)
def test_what_is_refused_says_why(cfm: Shell, code: int, named: str, command: tuple[str, ...]) -> None:
    cfm(*ADA)
    assert named in cfm.refused(code, *command)


def test_a_wrong_setting_stops_every_command(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFM_THREADS", "many")
    for command in (ADA, ("serve",), ("web",), ("db", "check"), ("backup", "x"), ("workflow", "diagram", "standard")):
        assert "CFM_THREADS" in cfm.refused(1, *command)


def test_a_database_that_does_not_answer_is_a_sentence(
    cfm: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CFM_DATABASE_URL", f"postgresql://cfm:hidden@/cfm?host={tmp_path}")
    monkeypatch.setenv("CFM_SECRET_KEYS", cfm("keys", "new"))
    for command in (ADA, ("serve",), ("web",), ("db", "check")):
        assert "hidden" not in cfm.refused(1, *command)


def test_postgresql_without_keys_names_the_command_that_makes_one(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFM_DATABASE_URL", "postgresql://cfm@localhost/cfm")
    error = cfm.refused(1, *ADA)
    assert "CFM_SECRET_KEYS" in error and "cfm keys new" in error


def test_the_parts_never_migrate_and_name_the_command_that_does(cfm: Shell) -> None:
    for part in ("web", "worker", "scheduler"):
        assert "cfm db upgrade" in cfm.refused(1, part)
    cfm("db", "upgrade")
    assert cfm("db", "check") == migrating.newest()
    assert cfm("db", "downgrade", "base") == "base"
    assert "cfm db upgrade" in cfm.refused(1, "db", "check")


def test_a_wrong_key_stops_the_start(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    cfm(*ADA)
    monkeypatch.setenv("CFM_SECRET_KEYS", cfm("keys", "new"))
    for command in (("web",), ("serve",), ("user", "add", "bob@example.com", "--name", "Bob", "--role", "agent")):
        cfm.refused(1, *command)


def test_after_a_rotation_a_new_key_comes_first_and_the_old_one_can_go(cfm: Shell, tmp_path: Path) -> None:
    cfm(*ADA)
    token = cfm("token", "add", "ada@example.com")
    body = {"url": "https://8.8.8.8/", "event_types": ["*"], "headers": {"X-Own": "secret"}}
    made = ask("/api/v1/webhooks", token, method="POST", json=body).json
    ask(f"/api/v1/webhooks/{made['id']}/rotate-secret", token, method="POST", json={"secret": made["secret"]})
    file = tmp_path / "instance" / "keys"
    old = file.read_text()
    assert cfm("keys", "rotate") == ""
    new = file.read_text().removesuffix(old)
    assert new and file.read_text() == new + old
    cfm("token", "add", "ada@example.com")  # a start with the new key
    file.write_text(new)
    cfm("token", "add", "ada@example.com")
    assert signed_with(made["id"]) == made["secret"]
    assert ask("/api/v1/webhooks", token).json["items"][0]["headers"] == {"X-Own": "***"}


def test_keys_from_the_environment_are_rotated_by_hand(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    old = cfm("keys", "new")
    monkeypatch.setenv("CFM_SECRET_KEYS", old)
    new, kept = cfm("keys", "rotate").split(",")
    assert kept == old and new != old


def test_a_workflow_file_is_judged_without_a_database(cfm: Shell, tmp_path: Path) -> None:
    assert cfm("workflow", "diagram", "standard").startswith("stateDiagram-v2")
    assert "할당됨" in cfm("workflow", "diagram", "standard", "--language", "ko")
    (tmp_path / "mine.yaml").write_text("key: mine\nstates: {a: {}}\n")
    assert "mine.yaml" in cfm.refused(1, "workflow", "check", "mine.yaml")
    assert not (tmp_path / "instance").exists()


def test_a_workflow_of_the_installation_replaces_the_shipped_one(cfm: Shell, tmp_path: Path) -> None:
    cfm(*ADA)
    token = cfm("token", "add", "ada@example.com")
    before = ask("/api/v1/workflows/standard", token).json
    folder = tmp_path / "instance" / "workflows"
    folder.mkdir()
    shipped = Path(cli.__file__).parents[2] / "config" / "workflows" / "standard.yaml"
    changed = shipped.read_text(encoding="utf-8").replace("{en: Standard, ko: 표준}", "{en: Ours, ko: 우리}")
    (folder / "standard.yaml").write_text(changed, encoding="utf-8")
    cfm("workflow", "check", str(folder / "standard.yaml"))
    after = ask("/api/v1/workflows/standard", token).json
    assert after["version"] == before["version"] + 1


def test_backup_and_restore_are_two_commands(cfm: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfm(*ADA)
    token = cfm("token", "add", "ada@example.com")
    cfm("backup", "backup.tar.gz")
    cfm("backup", "backup.tar.gz")  # the newer one takes its place
    assert "SQLite file" in cfm.refused(1, "restore", "backup.tar.gz")
    monkeypatch.setenv("CFM_INSTANCE", "another")
    cfm("restore", "backup.tar.gz")
    assert ask("/api/v1/me", token).status_code == 200


def test_every_command_explains_itself(cfm: Shell) -> None:
    listed = cfm("--help")
    for name in cli.COMMANDS:
        assert name in listed and name in cfm(name, "--help")
