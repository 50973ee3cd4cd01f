"""Settings: what the table, the default file and the example say agree; a wrong value is named and never leaks."""

import re
import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest

from cfm_workflow import settings
from cfm_workflow.settings import TABLE, SettingsError, load, shipped_folder

KEY = "k1:" + "A" * 43 + "="
CHECKOUT = Path(__file__).resolve().parent.parent

WRONG = [
    ("CFM_DATABASE_URL", "mysql://root@localhost/cfm"),
    ("CFM_DATABASE_URL", "sqlite://"),
    ("CFM_DATABASE_URL", "sqlite:///:memory:"),
    ("CFM_DATABASE_URL", "postgresql://cfm@localhost:port/cfm"),
    ("CFM_DATABASE_URL", "postgresql://cfm@localhost"),
    ("CFM_INSTANCE", __file__),
    ("CFM_BIND", "8080"),
    ("CFM_BIND", ":8080"),
    ("CFM_BIND", "::1:8080"),
    ("CFM_BIND", "[::g]:8080"),
    ("CFM_BIND", "localhost:0"),
    ("CFM_BIND", "localhost:65536"),
    ("CFM_BASE_URL", "cfm.example.com"),
    ("CFM_BASE_URL", "ftp://cfm.example.com"),
    ("CFM_BASE_URL", "https://me:secret@cfm.example.com"),
    ("CFM_BASE_URL", "https://cfm.example.com/?a=1"),
    ("CFM_BASE_URL", "https://cfm.example.com:99999"),
    ("CFM_BASE_URL", "https://cfm.example.com/a b"),
    ("CFM_SECRET_KEYS", "k1"),
    ("CFM_SECRET_KEYS", "k1:c2hvcnQ="),
    ("CFM_SECRET_KEYS", "k 1:" + "A" * 43 + "="),
    ("CFM_SECRET_KEYS", f"{KEY},{KEY}"),
    ("CFM_SECRET_KEYS", ","),
    ("CFM_TRUSTED_PROXIES", "-1"),
    ("CFM_TRUSTED_PROXIES", "11"),
    ("CFM_TRUSTED_PROXIES", "١"),
    ("CFM_TIME_ZONE", "Asia/Soul"),
    ("CFM_TIME_ZONE", "../UTC"),
    ("CFM_TIME_ZONE", "Asia"),
    ("CFM_COUNTRY", "XX"),
    ("CFM_LANGUAGE", "kr"),
    ("CFM_LABELS", "any"),
    ("CFM_LOG_LEVEL", "loud"),
    ("CFM_LOG_FORMAT", "xml"),
    ("CFM_METRICS_NETWORKS", "10.0.0.1/8"),
    ("CFM_METRICS_NETWORKS", "10.0.0.0/8,,"),
    ("CFM_MAIL_SERVER", "smtp.example.com/mail"),
    ("CFM_MAIL_PORT", "0"),
    ("CFM_MAIL_TLS", "ssl"),
    ("CFM_MAIL_USERNAME", "two\nlines"),
    ("CFM_MAIL_PASSWORD", "two\nlines"),
    ("CFM_MAIL_SENDER", "nobody"),
    ("CFM_MAIL_SENDER", "Care <care@example.com>\nBcc: all@example.com"),
    ("CFM_MAIL_UNDO_SECONDS", "3601"),
    ("CFM_TELL_CUSTOMER", "always"),
    ("CFM_CHECK_DAYS", "366"),
    ("CFM_SILENT_DAYS", "-1"),
    ("CFM_MESSAGE_UNDO_SECONDS", "-1"),
    ("CFM_WEBHOOK_ALLOWED_NETWORKS", "localhost"),
    ("CFM_WEBHOOK_RETRY_SECONDS", "5, soon"),
    ("CFM_THREADS", "0"),
    ("CFM_THREADS", "many"),
    ("CFM_WORKERS", "1.5"),
]

RIGHT = [
    ("CFM_DATABASE_URL", "postgresql://cfm:p@db/cfm", "database_url", "postgresql+psycopg://cfm:p@db/cfm"),
    ("CFM_DATABASE_URL", "postgres:///cfm?host=/run", "database_url", "postgresql+psycopg:///cfm?host=/run"),
    ("CFM_DATABASE_URL", "sqlite:////srv/cfm.db", "database_url", "sqlite:////srv/cfm.db"),
    ("CFM_INSTANCE", "/srv/cfm", "instance", Path("/srv/cfm")),
    ("CFM_BIND", "[::1]:8080", "bind", ("::1", 8080)),
    ("CFM_BIND", "[::1]:8080", "base_url", "http://[::1]:8080"),
    ("CFM_BIND", "0.0.0.0:80", "base_url", "http://0.0.0.0:80"),
    ("CFM_BASE_URL", "https://example.com/cfm/", "base_url", "https://example.com/cfm"),
    ("CFM_SECRET_KEYS", KEY, "secret_keys", (("k1", b"\0" * 32),)),
    ("CFM_LOG_LEVEL", "Debug", "log_level", "DEBUG"),
    ("CFM_METRICS_NETWORKS", "none", "metrics_networks", ()),
    ("CFM_MAIL_TLS", "tls", "mail_port", 465),
    ("CFM_MAIL_PORT", "25", "mail_port", 25),
    ("CFM_MAIL_SENDER", "Care <care@example.com>", "mail_sender", "Care <care@example.com>"),
    ("CFM_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8", "webhook_allowed_networks", (ip_network("127.0.0.0/8"),)),
    ("CFM_WEBHOOK_RETRY_SECONDS", "1,2", "webhook_retry_seconds", (1, 2)),
    ("CFM_THREADS", " 4 ", "threads", 4),
    ("CFM_THREADS", "", "threads", 32),
]


def defaults() -> dict[str, object]:
    return tomllib.loads((shipped_folder("config") / "default.toml").read_text(encoding="utf-8"))


def test_every_setting_of_the_table_is_in_the_default_file_and_the_other_way_round() -> None:
    assert list(defaults()) == [setting.key for setting in TABLE]


def test_every_setting_in_the_default_file_has_a_comment_above_it() -> None:
    blocks = (shipped_folder("config") / "default.toml").read_text(encoding="utf-8").split("\n\n")[1:]
    assert [re.match(r"# .*", block) is not None for block in blocks] == [True] * len(TABLE)


def test_the_testing_file_sets_only_what_exists() -> None:
    assert set(tomllib.loads((shipped_folder("config") / "testing.toml").read_text())) <= set(defaults())


def test_the_example_shows_every_setting() -> None:
    shown = re.findall(r"^# (CFM_\w+)=", (CHECKOUT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [setting.name for setting in TABLE]


def test_with_nothing_set_the_service_is_embedded_and_listens_on_loopback(tmp_path: Path) -> None:
    found = load({}, root=tmp_path)
    assert found.sqlite_file == tmp_path / "instance" / "cfm.sqlite"
    assert (str(found.bind), found.base_url) == ("127.0.0.1:8080", "http://127.0.0.1:8080")
    assert found.secret_keys == () and found.remarks == ()


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_each_setting_refuses_something(setting: settings.Setting) -> None:
    assert setting.name in {name for name, _ in WRONG}


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_and_names_the_setting(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({name: value}, root=tmp_path)
    assert refused.value.name == name
    assert name in str(refused.value) and refused.value.right in str(refused.value)


@pytest.mark.parametrize("name", ["CFM_DATABASE_URL", "CFM_SECRET_KEYS"])
@pytest.mark.parametrize("from_file", [False, True])
def test_a_secret_is_never_shown(name: str, from_file: bool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("k1:hunter2")
    given = {f"{name}_FILE": "secret"} if from_file else {name: "k1:hunter2"}
    with pytest.raises(SettingsError) as refused:
        load(given, root=tmp_path)
    chain = [refused.value, refused.value.__cause__]
    assert "hunter2" not in f"{chain} {refused.value.problem}"


def test_neither_keys_nor_passwords_are_in_the_printed_settings(tmp_path: Path) -> None:
    found = load({"CFM_SECRET_KEYS": KEY, "CFM_DATABASE_URL": "postgresql://cfm:hunter2@db/cfm"}, root=tmp_path)
    assert "hunter2" not in repr(found)
    assert "secret" not in repr(found.secret_keys)


@pytest.mark.parametrize(("name", "value", "key", "expected"), RIGHT)
def test_a_right_value_is_understood(name: str, value: str, key: str, expected: object, tmp_path: Path) -> None:
    assert getattr(load({name: value}, root=tmp_path), key) == expected


def test_the_environment_wins_over_the_env_file_and_that_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CFM_THREADS=5\nCFM_WORKERS=2\nOTHER=$nothing\n")
    found = load({"CFM_THREADS": "6"}, root=tmp_path)
    assert (found.threads, found.workers, found.trusted_proxies) == (6, 2, 0)


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError) as refused:
        load({}, root=tmp_path)
    assert refused.value.name == str(tmp_path / ".env")


def test_a_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text(f"# made in November\n{KEY}\n")
    assert load({"CFM_SECRET_KEYS_FILE": "keys.txt"}, root=tmp_path).secret_keys[0].id == "k1"


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"], ids=["missing", "empty", "not text"])
def test_a_secret_file_that_gives_nothing_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "keys.txt").write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load({"CFM_SECRET_KEYS_FILE": "keys.txt"}, root=tmp_path)
    assert refused.value.name == "CFM_SECRET_KEYS_FILE"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load({"CFM_SECRET_KEYS": KEY, "CFM_SECRET_KEYS_FILE": "keys.txt"}, root=tmp_path)


def test_a_misspelt_setting_is_remarked_on_with_the_closest_name_and_does_not_stop(tmp_path: Path) -> None:
    found = load({"CFM_THREDS": "3", "CFM_XYZZY": "1", "PATH": "/bin"}, root=tmp_path)
    assert [("CFM_THREADS" in remark, "CFM_XYZZY" in remark) for remark in found.remarks] == [
        (True, False),
        (False, True),
    ]


def test_relative_paths_start_at_the_root(tmp_path: Path) -> None:
    found = load({"CFM_INSTANCE": "here", "CFM_DATABASE_URL": "sqlite:///there.db"}, root=tmp_path)
    assert (found.instance, found.sqlite_file) == (tmp_path / "here", tmp_path / "there.db")


def test_the_testing_profile_has_a_key_and_a_fixed_time_zone(tmp_path: Path) -> None:
    found = load({}, root=tmp_path, profile="testing")
    assert (found.secret_keys[0].id, found.time_zone.key, found.threads) == ("test", "UTC", 8)


def test_the_time_zone_is_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    monkeypatch.setattr("tzlocal.unix._cache_tz_name", None)  # found once per process
    assert load({}, root=tmp_path).time_zone.key == "Asia/Seoul"
