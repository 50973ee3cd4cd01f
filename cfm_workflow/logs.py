"""How the service logs: structlog and the standard library alike, one line per record, to standard error.

What must not be in a log is taken out of every line here, whoever wrote it: tokens, and the values of SQL statements.
"""

import logging
import re
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from cfm_workflow.setting_values import LogFormat

_SECRETS: Final = (
    # pattern                               what stands there instead
    (re.compile(r"cfm_[0-9A-Za-z]{38}"),    "cfm_(removed)"),
    (re.compile(r"(?<![\w-])[\w-]{26,200}\.[\w-]{43}"), "(link removed)"),
    (re.compile(r"/([lsuc])/[\w.~%-]{20,}"), r"/\1/(removed)"),  # of a link, damaged or not
    (re.compile(r"/feeds/[\w.~%-]{20,}"),   "/feeds/(removed)"),  # of a calendar feed
    (re.compile(r"\[parameters: .*"),       "[parameters: (removed)]"),  # SQLAlchemy quotes what it was given
    (re.compile(r"DETAIL: .*"),             "DETAIL: (removed)"),  # PostgreSQL quotes the row
)  # fmt: skip

_QUIETER: Final = {
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,  # it tells of every tick
    "apscheduler.scheduler": logging.ERROR,  # that a tick is left out while the last one still runs is meant
    "transitions": logging.WARNING,
}

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class _Formatter(ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for pattern, instead in _SECRETS:
            line = pattern.sub(instead, line)
        return line


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is now, not to what it was when logging was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure(level: str, form: LogFormat) -> None:
    """Log from `level` (DEBUG, INFO, WARNING, ERROR) on; may be called again."""
    structlog.configure(
        processors=[*_SHARED, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(_Formatter(foreign_pre_chain=_SHARED, processors=_renderers(form)))
    root = logging.getLogger()
    root.handlers = [*(kept for kept in root.handlers if not isinstance(kept, _StandardError)), handler]
    root.setLevel(level)
    for name, least in _QUIETER.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def _renderers(form: LogFormat) -> list[Processor]:
    """Tracebacks without local variables: they hold what people wrote."""
    shown: list[Any] = [ProcessorFormatter.remove_processors_meta]
    if form is LogFormat.JSON:
        return [*shown, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    plain = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
    return [*shown, plain]
