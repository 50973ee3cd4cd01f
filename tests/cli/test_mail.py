"""`cfm mail check`: it sends a mail, or says at which stage it failed and what to do."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from cfm_workflow.models import DeadAddress
from cfm_workflow.service import open_service
from cfm_workflow.settings import load
from tests import smtp
from tests.cli.test_commands import ADA, Shell
from tests.smtp import Sink


@pytest.fixture
def cfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CFM_LOG_LEVEL", "error")
    return Shell(capsys)


def use(sink: Sink, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    given = {"server": "127.0.0.1", "port": str(sink.port), "tls": "none", **more}
    for name, value in given.items():
        monkeypatch.setenv(f"CFM_MAIL_{name.upper()}", value)


def test_without_a_server_it_says_where_mail_is_kept(cfm: Shell, tmp_path: Path) -> None:
    said = cfm("mail", "check")
    assert str(tmp_path / "instance" / "outbox") in said and "not sent" in said


def test_a_mail_goes_to_the_administrator_unless_another_is_named(
    cfm: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = smtp.certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    with smtp.sink(extensions=("STARTTLS", "AUTH PLAIN"), tls=made.server()) as sink:
        use(sink, monkeypatch, tls="starttls", username="care", password="secret")
        assert "--to" in cfm.refused(1, "mail", "check")
        cfm(*ADA)
        assert "ada@example.com" in cfm("mail", "check")
        monkeypatch.setenv("CFM_LANGUAGE", "ko")
        cfm("mail", "check", "--to", "olga@example.org")
    english, korean = sink.taken
    assert (english.recipient, korean.recipient) == ("ada@example.com", "olga@example.org")
    assert "http://127.0.0.1:8080" in english.part("plain") and "메일" in korean.message["Subject"]


@pytest.mark.parametrize(
    ("stage", "word", "named"),
    [
        ("banner", "connecting", "CFM_MAIL_PORT"),
        ("EHLO", "EHLO", "CFM_MAIL_TLS"),
        ("STARTTLS", "STARTTLS", "certificate"),
        ("AUTH", "AUTH", "CFM_MAIL_PASSWORD"),
        ("MAIL", "MAIL", "CFM_MAIL_SENDER"),
        ("RCPT", "RCPT", "address"),
        ("DATA", "DATA", "reason"),
        ("text", "text", "reason"),
    ],
)
def test_it_names_the_stage_the_answer_and_what_to_look_at(
    cfm: Shell, monkeypatch: pytest.MonkeyPatch, stage: str, word: str, named: str
) -> None:
    with smtp.sink({stage: "554 we would rather not"}, extensions=("STARTTLS", "AUTH PLAIN")) as sink:
        use(sink, monkeypatch, tls="starttls" if stage == "STARTTLS" else "none", username="care", password="secret")
        said = cfm.refused(1, "mail", "check", "--to", "ada@example.com")
    assert f"127.0.0.1:{sink.port}" in said and word in said and named in said
    assert "554 we would rather not" in said and "secret" not in said


def test_a_wrong_certificate_is_named_as_such(cfm: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with smtp.sink(extensions=("STARTTLS",), tls=smtp.certificates(tmp_path).server()) as sink:
        use(sink, monkeypatch, tls="starttls")
        said = cfm.refused(1, "mail", "check", "--to", "ada@example.com")
    assert "CERTIFICATE_VERIFY_FAILED" in said and "SSL_CERT_FILE" in said


def test_what_is_no_address_is_refused_before_anybody_is_asked(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp.sink() as sink:
        use(sink, monkeypatch)
        assert "address" in cfm.refused(1, "mail", "check", "--to", "ada@example.com\r\nBcc: x@y")
    assert sink.connections == 0


def test_an_address_that_gets_mail_is_dead_no_more(cfm: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    cfm(*ADA)
    service = open_service(load())
    dead = DeadAddress(address="ada@example.com", reason="550", at=datetime(2026, 11, 23, tzinfo=UTC))
    service.database.transaction(lambda session: session.add(dead))
    with smtp.sink() as sink:
        use(sink, monkeypatch)
        assert "dead" in cfm("mail", "check")
    with service.database.reading() as session:
        assert session.scalars(select(DeadAddress)).all() == []
    service.close()
