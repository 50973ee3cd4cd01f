"""`cfm demo`: a story that holds together, told by the operations themselves, and mailed to nobody."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from cfm_workflow.models import Action, Delivery, Event, Feedback
from cfm_workflow.service import open_service
from cfm_workflow.settings import load
from tests import invariants
from tests.cli.test_commands import Shell


@pytest.fixture
def cfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Commands where nothing is yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CFM_LOG_LEVEL", "error")
    return Shell(capsys)


def test_it_fills_an_empty_installation_once(cfm: Shell) -> None:
    cfm("demo", "--items", "20")
    service = open_service(load())
    invariants.check(service.database)
    with service.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Feedback)) == 20
        assert len(set(session.scalars(select(Action.state)))) > 2
        assert set(session.scalars(select(Delivery.state))) == {"cancelled"}
        told = select(Event.at).where(Event.feedback_id.is_not(None)).order_by(Event.position)
        instants = list(session.scalars(told))
        assert instants == sorted(instants)
    service.close()
    assert "CFM_INSTANCE" in cfm.refused(1, "demo")
