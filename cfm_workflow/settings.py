"""The settings: one table of what may be set, and `load()`. Reads files and the environment, writes nothing."""

import difflib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tzlocal
from dotenv import dotenv_values

from cfm_workflow import setting_values as values
from cfm_workflow.errors import CfmError
from cfm_workflow.setting_values import Bind, Key, LabelChoice, Language, LogFormat, MailTls, Network, TellCustomer

PREFIX = "CFM_"
MAIL_PORTS = {MailTls.NONE: 25, MailTls.STARTTLS: 587, MailTls.TLS: 465}


class SettingsError(CfmError):
    """A setting is wrong or missing; the start stops.

    `name` is the setting, `problem` what was found (never a secret's value), `right` what would be right.
    Together they make a sentence: "CFM_THREADS is 'many'; it must be a whole number from 1 to 999."
    """

    def __init__(self, name: str, problem: str, right: str) -> None:
        self.name = name
        self.problem = problem
        self.right = right
        super().__init__(f"{name} {problem}; it must be {right}.")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table; its default and its long explanation are in config/default.toml."""

    key: str
    parse: Callable[[str], object]
    right: str
    secret: bool = False  # never shown; may be read from a file

    @property
    def name(self) -> str:
        """The environment variable."""
        return PREFIX + self.key.upper()

    @property
    def file_name(self) -> str:
        """The environment variable that names a file with the value; read for secrets only."""
        return self.name + "_FILE"


TABLE: tuple[Setting, ...] = (
    #        key                 parser                what is right: "it must be ..."
    Setting("database_url",     values.database_url,  "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME", True),
    Setting("instance",         values.folder,        "the path of a folder"),
    Setting("bind",             values.bind,          "HOST:PORT such as 127.0.0.1:8080 or [::1]:8080"),
    Setting("base_url",         values.base_url,      "an address such as https://example.com/cfm"),
    Setting("secret_keys",      values.keys,          "id:base64 of 32 bytes each, as `cfm keys new` prints it", True),
    Setting("trusted_proxies",  values.whole(0, 10),  "a whole number from 0 to 10"),
    Setting("time_zone",        values.time_zone,     "the name of a time zone such as Asia/Seoul or UTC"),
    Setting("country",          values.country,       "the two letters of a country, such as KR"),
    Setting("language",         Language,             "en or ko"),
    Setting("labels",           LabelChoice,          "free or list"),
    Setting("log_level",        values.log_level,     "debug, info, warning or error"),
    Setting("log_format",       LogFormat,            "text or json"),
    Setting("metrics_networks", values.networks,      "networks such as 10.0.0.0/8, comma-separated, or none"),
    Setting("mail_server",      values.host,          "the name or address of a mail server"),
    Setting("mail_port",        values.whole(1, 65535), "a whole number from 1 to 65535"),
    Setting("mail_tls",         MailTls,              "none, starttls or tls"),
    Setting("mail_username",    values.line,                  "the name to sign in with"),
    Setting("mail_password",    values.line,                  "the password to sign in with", True),
    Setting("mail_sender",      values.sender,        "an e-mail address, or a name and one: Care <care@example.com>"),
    Setting("mail_undo_seconds", values.whole(0, 3600), "a whole number from 0 to 3600"),
    Setting("tell_customer",    TellCustomer,         "never, ask or automatic"),
    Setting("check_days",       values.whole(0, 365), "a whole number from 0 to 365"),
    Setting("silent_days",      values.whole(0, 365), "a whole number from 0 to 365"),
    Setting("message_undo_seconds", values.whole(0, 3600), "a whole number from 0 to 3600"),
    Setting("webhook_allowed_networks", values.networks, "networks such as 10.0.0.0/8, comma-separated, or none"),
    Setting("webhook_retry_seconds", values.gaps,     "whole numbers of seconds, comma-separated, such as 5, 60, 3600"),
    Setting("threads",          values.whole(1, 999), "a whole number from 1 to 999"),
    Setting("workers",          values.whole(1, 64),  "a whole number from 1 to 64"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force, checked; paths are absolute."""

    database_url: str = field(repr=False)  # for SQLAlchemy, with the driver
    instance: Path
    bind: Bind
    base_url: str  # without a slash at its end
    secret_keys: tuple[Key, ...] = field(repr=False)  # empty: security.keys.open_ring() knows what to do
    trusted_proxies: int
    time_zone: ZoneInfo
    country: str | None  # ISO 3166-1 alpha-2
    language: Language
    labels: LabelChoice
    log_level: str  # DEBUG, INFO, WARNING or ERROR
    log_format: LogFormat
    metrics_networks: tuple[Network, ...]
    mail_server: str | None  # None: mail is kept in the outbox
    mail_port: int
    mail_tls: MailTls
    mail_username: str | None
    mail_password: str | None = field(repr=False)
    mail_sender: str
    mail_undo_seconds: int
    tell_customer: TellCustomer
    check_days: int  # 0: customers are not asked
    silent_days: int  # 0: nobody is told of silence
    message_undo_seconds: int
    webhook_allowed_networks: tuple[Network, ...]
    webhook_retry_seconds: tuple[int, ...]
    threads: int
    workers: int
    remarks: tuple[str, ...] = ()  # sentences worth a warning in the log: names that are no settings

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the SQLite database, None with PostgreSQL."""
        if not self.database_url.startswith(values.SQLITE):
            return None
        return Path(self.database_url.removeprefix(values.SQLITE))


def load(environ: Mapping[str, str] | None = None, *, root: Path | None = None, profile: str = "default") -> Settings:
    """Reads config/default.toml, then `.env` in `root`, then `environ`; the last one that says something wins.

    `environ` is the process's own when None. Relative paths start at `root`, the working directory when None.
    `profile` names another file of config/ that is laid over default.toml. An empty value says nothing.
    Raises SettingsError.
    """
    root = Path(root or Path.cwd()).absolute()
    environ = os.environ if environ is None else environ
    given = {**_from_dotenv(root / ".env"), **{name: value for name, value in environ.items() if value}}
    texts = {**_from_toml("default"), **_from_toml(profile), **_from_environment(given, root=root)}
    parsed: dict[str, Any] = {setting.key: _parse(setting, texts[setting.key]) for setting in TABLE}
    return Settings(**_completed(parsed, root=root), remarks=tuple(_remarks(given)))


def shipped_folder(name: str) -> Path:
    """The folder `config` or `migrations`: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def _from_toml(profile: str) -> dict[str, str]:
    with (shipped_folder("config") / f"{profile}.toml").open("rb") as file:
        return {key: str(value) for key, value in tomllib.load(file).items()}


def _from_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        lines = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), f"cannot be read ({error})", "a readable file in UTF-8") from error
    return {name: value for name, value in lines.items() if name.startswith(PREFIX) and value}


def _from_environment(given: Mapping[str, str], *, root: Path) -> dict[str, str]:
    found = {}
    for setting in TABLE:
        if setting.secret and setting.file_name in given:
            found[setting.key] = _from_file(setting, given, root=root)
        elif setting.name in given:
            found[setting.key] = given[setting.name]
    return found


def _from_file(setting: Setting, given: Mapping[str, str], *, root: Path) -> str:
    if setting.name in given:
        raise SettingsError(setting.name, f"is set, and so is {setting.file_name}", "only one of the two")
    path = root / given[setting.file_name]
    right = "the path of a readable file that holds the value"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(setting.file_name, f"names {path}, which cannot be read ({reason})", right) from None
    if not text:
        raise SettingsError(setting.file_name, f"names {path}, which is empty", right)
    return text


def _parse(setting: Setting, text: str) -> object:
    """The value of a setting, None when it says nothing and so is worked out from others."""
    if not text.strip():
        return None
    try:
        return setting.parse(text.strip())
    except ValueError:
        problem = "holds something else" if setting.secret else f"is {text!r}"
        raise SettingsError(setting.name, problem, setting.right) from None


def _completed(parsed: dict[str, Any], *, root: Path) -> dict[str, Any]:
    """`parsed` with the settings that are worked out from others."""
    instance = root / parsed["instance"]
    url = parsed["database_url"] or f"{values.SQLITE}{instance / 'cfm.sqlite'}"
    if url.startswith(values.SQLITE):
        url = values.SQLITE + str(root / url.removeprefix(values.SQLITE))
    return parsed | {
        "instance": instance,
        "database_url": url,
        "base_url": parsed["base_url"] or f"http://{parsed['bind']}",
        "secret_keys": parsed["secret_keys"] or (),
        "time_zone": parsed["time_zone"] or _zone_of_the_machine(),
        "mail_port": parsed["mail_port"] or MAIL_PORTS[parsed["mail_tls"]],
    }


def _zone_of_the_machine() -> ZoneInfo:
    try:
        return values.time_zone(tzlocal.get_localzone_name() or "UTC")
    except (ValueError, LookupError):  # no zone configured, or one that nobody knows
        return ZoneInfo("UTC")


def _remarks(given: Mapping[str, str]) -> Iterator[str]:
    known = [setting.name for setting in TABLE] + [setting.file_name for setting in TABLE if setting.secret]
    known.append("CFM_TOKEN")  # a client's, for `cfm listen`
    for name in sorted(given):
        if name.startswith(PREFIX) and name not in known:
            closest = difflib.get_close_matches(name, known, n=1)
            yield f"{name} is not a setting" + (f"; did you mean {closest[0]}?" if closest else ".")
