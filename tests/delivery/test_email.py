"""Handing mail to a server: what each failure at each stage means, that certificates count, what a message is like."""

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult, LoginPassword

from cfm_workflow import settings
from cfm_workflow.delivery.email import VERDICTS, Outbox, Smtp, judge, open_transport
from cfm_workflow.delivery.message import Mail
from cfm_workflow.delivery.smtp import Failure, Stage
from cfm_workflow.policy.deliveries import Verdict
from tests import smtp
from tests.smtp import HANG_UP, STALL, Certificates, Sink, certificates

Make = Callable[..., Smtp]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_mail(to: str = "alice@example.com", number: int = 12, **more: str) -> Mail:
    headers = {"Auto-Submitted": "auto-generated"}
    words = {"subject": "Assigned to you: 마일리지 복구", "text": "Hello\n", "html": "<p>안녕하세요</p>"}
    return Mail(number, to, message_id=f"<delivery-{number}.abc@127.0.0.1>", at=NOON, headers=headers, **(words | more))


def ours(folder: Path, port: int = 25, **more: str) -> settings.Settings:
    environ = {"CFM_MAIL_SERVER": "127.0.0.1", "CFM_MAIL_PORT": str(port), "CFM_MAIL_TLS": "none"}
    environ |= {"CFM_MAIL_SENDER": "고객 지원 <care@example.com>", "CFM_INSTANCE": str(folder)}
    environ |= {f"CFM_MAIL_{name.upper()}": value for name, value in more.items()}
    return settings.load(environ, root=folder, profile="testing")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def transport(tmp_path: Path, made: Certificates) -> Iterator["Make"]:
    """Makes transports that trust our certificate, with little patience; closes them."""
    opened = []

    def make(sink: Sink, *, timeout: float = 5, **more: str) -> Smtp:
        opened.append(Smtp(ours(tmp_path, sink.port, **more), context=made.trusting(), timeout=timeout))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


LATER, NEVER, GONE, DELIVERED = Verdict.LATER, Verdict.NEVER, Verdict.GONE, Verdict.DELIVERED
SIGNED_IN = {"username": "care", "password": "secret"}
REFUSALS = [
    # stage       answer                                  verdict  how far it came
    ("banner",   "421 too busy",                          LATER,   Stage.CONNECT),
    ("banner",   "554 not you",                           LATER,   Stage.CONNECT),
    ("EHLO",     "421 closing",                           LATER,   Stage.HELLO),
    ("EHLO",     "550 go away",                           LATER,   Stage.HELLO),
    ("AUTH",     "454 not now",                           LATER,   Stage.SIGN_IN),
    ("AUTH",     "535 wrong password",                    LATER,   Stage.SIGN_IN),
    ("MAIL",     "451 not now",                           LATER,   Stage.SENDER),
    ("MAIL",     "550 not from you",                      LATER,   Stage.SENDER),
    ("MAIL",     "530 5.7.0 sign in first",               LATER,   Stage.SENDER),
    ("RCPT",     "450 mailbox busy",                      LATER,   Stage.RECIPIENT),
    ("RCPT",     "421 closing",                           LATER,   Stage.RECIPIENT),
    ("RCPT",     "550 5.1.1 nobody here",                 GONE,    Stage.RECIPIENT),
    ("RCPT",     "551 moved",                             GONE,    Stage.RECIPIENT),
    ("RCPT",     "553 no such name",                      GONE,    Stage.RECIPIENT),
    ("RCPT",     "552 mailbox full",                      NEVER,   Stage.RECIPIENT),
    ("RCPT",     "554 5.7.1 Relay access denied",         LATER,   Stage.RECIPIENT),
    ("RCPT",     "550 relaying denied",                   LATER,   Stage.RECIPIENT),
    ("RCPT",     "550 5.1.8 Sender address rejected",     LATER,   Stage.RECIPIENT),
    ("RCPT",     "504 5.5.2 Helo command rejected",       LATER,   Stage.RECIPIENT),
    ("RCPT",     "501 5.1.3 bad address syntax",          NEVER,   Stage.RECIPIENT),
    ("RCPT",     "nonsense",                              LATER,   Stage.RECIPIENT),
    ("DATA",     "451 not now",                           LATER,   Stage.DATA),
    ("DATA",     "554 no",                                NEVER,   Stage.DATA),
    ("text",     "452 disk full",                         LATER,   Stage.TEXT),
    ("text",     "554 looks bad",                         NEVER,   Stage.TEXT),
]  # fmt: skip


@pytest.mark.parametrize(("at", "said", "verdict", "stage"), REFUSALS, ids=lambda value: str(value))
def test_a_refusal_means_what_its_stage_and_code_say(
    transport: Make, at: str, said: str, verdict: Verdict, stage: Stage
) -> None:
    with smtp.sink({at: said}, extensions=("AUTH PLAIN",)) as sink:
        answer = transport(sink, **SIGNED_IN).send(a_mail())
    assert answer.verdict is verdict, answer
    assert answer.text.startswith(f"{stage}: ")
    assert answer.status == (int(said[:3]) if said[0].isdigit() else None)
    assert sink.taken == []


@pytest.mark.parametrize("at", ["banner", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "text"])
@pytest.mark.parametrize("what", [HANG_UP, STALL])
def test_whoever_hangs_up_or_says_nothing_is_asked_again_later(transport: Make, at: str, what: str) -> None:
    tls = "starttls" if at == "STARTTLS" else "none"
    with smtp.sink({at: what}, extensions=("AUTH PLAIN", "STARTTLS")) as sink:
        answer = transport(sink, timeout=0.2, tls=tls, **SIGNED_IN).send(a_mail())
    assert (answer.verdict, answer.status) == (LATER, None)
    assert sink.taken == [] and sink.connections == 1


@pytest.mark.parametrize(
    ("at", "what"), [("after", HANG_UP), ("QUIT", HANG_UP), ("QUIT", STALL), ("QUIT", "421 good bye")]
)
def test_what_was_taken_was_sent_however_the_conversation_ends(transport: Make, at: str, what: str) -> None:
    with smtp.sink({at: what}) as sink:
        way = transport(sink, timeout=1)
        answer = way.send(a_mail())
        way.close()
    assert answer.verdict is DELIVERED and answer.address == "127.0.0.1"
    assert len(sink.taken) == 1


def test_a_server_that_drips_an_answer_gains_no_time_by_it(transport: Make) -> None:
    with smtp.sink({"RCPT": "250-" + "x" * 9000}) as sink:
        assert transport(sink, timeout=0.2).send(a_mail()).verdict is LATER
    with smtp.sink({"RCPT": "250-more and more"}) as sink:
        assert transport(sink, timeout=0.2).send(a_mail()).verdict is LATER


def test_a_port_where_nobody_listens_is_asked_again_later(transport: Make) -> None:
    with smtp.sink() as sink:
        way = transport(sink)
    answer = way.send(a_mail())
    assert answer.verdict is LATER and answer.text.startswith("connecting: ")


def test_every_stage_has_a_verdict_and_nothing_before_the_recipient_can_be_final() -> None:
    assert set(VERDICTS) == set(Stage)
    before = list(Stage)[: list(Stage).index(Stage.RECIPIENT)]
    codes = [None, 421, 450, 500, 530, 535, 550, 551, 553, 554, 599]
    assert {judge(Failure(stage, code, "")) for stage in before for code in codes} == {LATER}


# -- encryption --------------------------------------------------------------------------------------------------------


def test_mail_goes_encrypted_and_signed_in_when_it_is_set_so(transport: Make, made: Certificates) -> None:
    with smtp.sink(extensions=("STARTTLS", "AUTH PLAIN"), tls=made.server()) as sink:
        answer = transport(sink, tls="starttls", **SIGNED_IN).send(a_mail())
    assert answer.verdict is DELIVERED
    verbs = [line.split(" ")[0].upper() for line in sink.said]
    assert verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]
    assert smtp.credentials(sink.said[3]) == ("care", "secret")


def test_a_server_that_offers_no_encryption_gets_nothing(transport: Make) -> None:
    with smtp.sink(extensions=("AUTH PLAIN",)) as sink:
        answer = transport(sink, tls="starttls", **SIGNED_IN).send(a_mail())
    assert answer.verdict is LATER and answer.text.startswith("STARTTLS: ")
    assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.said)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, made: Certificates) -> None:
    with smtp.sink(extensions=("STARTTLS",), tls=made.server()) as sink:
        way = open_transport(ours(tmp_path, sink.port, tls="starttls"))
        answer = way.send(a_mail())
    assert answer.verdict is LATER and "CERTIFICATE_VERIFY_FAILED" in answer.text
    assert sink.taken == []


def test_a_certificate_of_another_server_is_refused(tmp_path: Path) -> None:
    other = certificates(tmp_path, "192.0.2.1")
    with smtp.sink(extensions=("STARTTLS",), tls=other.server()) as sink:
        way = Smtp(ours(tmp_path, sink.port, tls="starttls"), context=other.trusting(), timeout=5)
        answer = way.send(a_mail())
    assert answer.verdict is LATER and "IP address mismatch" in answer.text


def test_a_well_known_server_takes_it_encrypted_from_the_first_byte(tmp_path: Path, made: Certificates) -> None:
    got: list[tuple[str, bytes | None]] = []

    class Keep(MessageHandler):
        def handle_message(self, message: Message) -> None:
            got.append((message["X-RcptTo"], message["Message-ID"]))

    def signs_in(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"care", b"secret")
        return AuthResult(success=right, handled=False)

    controller = Controller(
        Keep(), hostname="127.0.0.1", port=0, ssl_context=made.server(), authenticator=signs_in, auth_require_tls=False
    )
    controller.port = smtp.free_port()
    controller.start()
    try:
        way = Smtp(ours(tmp_path, controller.port, tls="tls", **SIGNED_IN), context=made.trusting(), timeout=5)
        assert way.send(a_mail()).verdict is DELIVERED
        way.close()
        wrong = Smtp(
            ours(tmp_path, controller.port, tls="tls", username="care", password="guess"),
            context=made.trusting(),
            timeout=5,
        )
        answer = wrong.send(a_mail())
        stranger = open_transport(ours(tmp_path, controller.port, tls="tls")).send(a_mail())
    finally:
        controller.stop()
    assert (answer.verdict, answer.status) == (LATER, 535)
    assert stranger.verdict is LATER and "CERTIFICATE_VERIFY_FAILED" in stranger.text
    assert got == [("alice@example.com", "<delivery-12.abc@127.0.0.1>")]


# -- connections -------------------------------------------------------------------------------------------------------


def test_messages_share_a_connection_and_none_of_them_is_sent_twice(transport: Make) -> None:
    with smtp.sink() as sink:
        way = transport(sink)
        assert {way.send(a_mail(number=n)).verdict for n in range(5)} == {DELIVERED}
    assert sink.connections == 1
    assert len({taken.message["Message-ID"] for taken in sink.taken}) == len(sink.taken) == 5


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(transport: Make) -> None:
    with smtp.sink({"after": [HANG_UP, HANG_UP]}) as sink:
        way = transport(sink)
        assert [way.send(a_mail(number=n)).verdict for n in range(3)] == [DELIVERED] * 3
    assert sink.connections == 3 and len(sink.taken) == 3


def test_after_a_refusal_the_next_one_starts_afresh(transport: Make) -> None:
    with smtp.sink({"RCPT": ["550 5.1.1 nobody"]}) as sink:
        way = transport(sink)
        assert [way.send(a_mail()).verdict, way.send(a_mail("bob@example.com")).verdict] == [GONE, DELIVERED]
    assert [taken.recipient for taken in sink.taken] == ["bob@example.com"]


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_carries_what_it_should_in_lines_every_server_takes(transport: Make) -> None:
    with smtp.sink(extensions=()) as sink:
        text = "한국어 " * 400 + "\n.\n"
        transport(sink).send(a_mail(text=text, html="<p>" + "word " * 2000 + "</p>"))
    taken = sink.taken[0]
    assert taken.content.isascii() and max(map(len, taken.content.splitlines())) < 200
    assert (taken.sender, taken.recipient) == ("care@example.com", "alice@example.com")
    assert taken.message["Subject"] == "Assigned to you: 마일리지 복구"
    assert taken.message["From"] == "고객 지원 <care@example.com>"
    assert taken.message["To"] == "alice@example.com"
    assert taken.message["Message-ID"] == "<delivery-12.abc@127.0.0.1>"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message["Date"].datetime == NOON
    assert taken.part("plain").replace("\r\n", "\n") == text
    assert taken.part("html").count("word") == 2000


def test_a_long_link_in_a_header_stays_as_it_is(tmp_path: Path) -> None:
    link = "<https://cfm.example.com/a/long/way/l/" + "t" * 200 + ">"
    Outbox(ours(tmp_path)).send(Mail(1, "a@example.com", "s", "t", "h", "<i@h>", NOON, {"List-Unsubscribe": link}))
    content = (tmp_path / "outbox" / "delivery-1.eml").read_bytes()
    assert f"List-Unsubscribe: {link}\r\n".encode() in content


@pytest.mark.parametrize("subject", ["=?utf-8?q?Bcc:_x?=", "=?utf-8?b?DQo=?= 안녕", "a" * 150, "가" * 150, "'\"<>"])
def test_a_subject_arrives_as_it_was_written(transport: Make, subject: str) -> None:
    with smtp.sink() as sink:
        transport(sink).send(a_mail(subject=subject))
    assert sink.taken[0].message["Subject"] == subject


@pytest.mark.parametrize("sender", ["고객@example.com", "care@" + "x" * 70 + ".com"])
def test_a_sender_that_no_server_takes_stops_the_start(tmp_path: Path, sender: str) -> None:
    with pytest.raises(settings.SettingsError, match="CFM_MAIL_SENDER"):
        open_transport(ours(tmp_path, sender=sender))


def test_a_sender_with_a_korean_domain_is_written_as_the_network_knows_it(transport: Make) -> None:
    with smtp.sink() as sink:
        transport(sink, sender="지원 <care@한국.kr>").send(a_mail())
    assert sink.taken[0].sender == "care@xn--3e0b707e.kr"
    assert sink.taken[0].message["From"] == "지원 <care@xn--3e0b707e.kr>"


@pytest.mark.parametrize("hostile", ["\r\nBcc: x@y", "\nBcc: x@y", "\rBcc: x@y", "\x00", "\x85x", "\u2028x"])
@pytest.mark.parametrize("place", ["to", "subject", "header"])
def test_a_line_break_ends_no_header(transport: Make, hostile: str, place: str) -> None:
    mail = {
        "to": a_mail(f"alice{hostile}@example.com"),
        "subject": a_mail(subject=f"Hello{hostile}"),
        "header": Mail(1, "a@example.com", "s", "t", "h", "<i@h>", NOON, {"References": f"<a>{hostile}"}),
    }[place]
    with smtp.sink() as sink:
        answer = transport(sink).send(mail)
    assert answer.verdict is NEVER and sink.taken == [] and sink.connections == 0


@pytest.mark.parametrize(
    "address", ["nobody", "@example.com", "a b@example.com", "a@" + "x" * 70 + ".com", "a,b@x.org"]
)
def test_what_is_no_address_is_never_tried(transport: Make, address: str) -> None:
    with smtp.sink() as sink:
        assert transport(sink).send(a_mail(address)).verdict is NEVER
    assert sink.connections == 0


def test_a_domain_in_korean_is_written_as_the_network_knows_it(transport: Make) -> None:
    with smtp.sink() as sink:
        assert transport(sink).send(a_mail("alice@한국.kr")).verdict is DELIVERED
    assert sink.taken[0].recipient == "alice@xn--3e0b707e.kr"


def test_a_name_in_korean_needs_a_server_that_takes_it(transport: Make) -> None:
    with smtp.sink(extensions=("SMTPUTF8", "8BITMIME")) as sink:
        assert transport(sink).send(a_mail("앨리스@example.com")).verdict is DELIVERED
    assert sink.taken[0].recipient == "앨리스@example.com" and "SMTPUTF8" in sink.taken[0].options.upper()
    assert "To: 앨리스@example.com" in sink.taken[0].content.decode()
    with smtp.sink() as sink:
        assert transport(sink).send(a_mail("앨리스@example.com")).verdict is NEVER
    assert sink.taken == []


# -- without a server --------------------------------------------------------------------------------------------------


def test_without_a_server_mail_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    way = open_transport(settings.load({"CFM_INSTANCE": str(tmp_path)}, root=tmp_path, profile="testing"))
    assert isinstance(way, Outbox)
    assert way.send(a_mail(text="first")).verdict is Verdict.KEPT
    assert way.send(a_mail(text="again")).verdict is Verdict.KEPT
    [kept] = (tmp_path / "outbox").iterdir()
    assert kept.name == "delivery-12.eml" and stat.S_IMODE(kept.stat().st_mode) == 0o600
    message = message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert message["To"] == "alice@example.com" and "again" in kept.read_text()


def test_an_outbox_that_cannot_be_written_to_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    answer = Outbox(ours(tmp_path)).send(a_mail())
    assert answer.verdict is LATER and str(tmp_path) not in answer.text
