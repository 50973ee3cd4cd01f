"""The log: one line per record, in text or JSON, from both ways to log, and never a secret."""

import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from cfm_workflow import logs
from cfm_workflow.security.tokens import new_token
from cfm_workflow.setting_values import LogFormat


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_token_and_no_value_of_a_statement_reaches_the_log(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", form)
    token = new_token()
    structlog.get_logger().info("seen", header=f"Bearer {token}")
    logging.getLogger("library").warning("seen %s", token)
    engine = create_engine("sqlite://")
    address = "ada@example.com"
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT nothing(:value)"), {"value": address})
    except DBAPIError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    engine.dispose()
    out, error = capsys.readouterr()
    assert out == "" and error.count("nothing") >= 2
    assert token not in error and address not in error


def test_json_is_a_line_per_record_whoever_logs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", LogFormat.JSON)
    structlog.get_logger().info("ours", name="Ada\nLovelace")
    logging.getLogger("library").info("theirs")
    logging.getLogger("library").debug("too much")
    first, second = map(orjson.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["name"]) == ("ours", "info", "Ada\nLovelace")
    assert (second["event"], second["logger"]) == ("theirs", "library")


def test_setting_it_up_again_writes_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        logs.configure("INFO", LogFormat.TEXT)
    structlog.get_logger().info("once")
    assert capsys.readouterr().err.count("once") == 1
