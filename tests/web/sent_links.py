"""Links as mails hold them, and what is asked of the pages behind them. No tests here."""

from typing import Any

from werkzeug.test import TestResponse

from cfm_workflow import clock
from cfm_workflow.operations import links
from tests.world import Person, World

END = {"outcome": "fixed"}


def sent(world: World, person: Person, purpose: str, action: Any = None, reminder: Any = None) -> str:
    """The path of a link that this person gets by mail now."""
    action_id = None if action is None else action["id"]
    tokens = world.service.database.transaction(
        lambda session: links.issue(
            session,
            world.service.ring,
            account_id=person.id,
            purposes=[purpose],
            action_id=action_id,
            reminder_id=None if reminder is None else reminder["id"],
            now=clock.now(),
        )
    )
    return f"/l/{tokens[purpose]}"


def reminded(world: World, person: Person, text: str = "Call back") -> Any:
    """A reminder of somebody for themselves, of an item."""
    about = {"feedback": world.feedback()["id"], "remind_at": "2099-12-01T17:00:00Z", "text": text}
    return person.post("/reminders", about)


def get(world: World, path: str, **more: Any) -> TestResponse:
    """Open a link."""
    return world.app.test_client().get(path, **more)


def post(world: World, path: str, **form: str) -> TestResponse:
    """Press the button of its page."""
    return world.app.test_client().post(path, data=form)


def state(world: World, action: Any) -> str:
    """The state an action has now."""
    shown: str = world.ada.get(f"/actions/{action['id']}")["state"]
    return shown


def reason_needed(world: World) -> str:
    """An outcome that is nothing without a reason."""
    label = {"en": "Something else", "ko": "기타"}
    world.ada.post("/outcomes", {"key": "other", "label": label, "requires_reason": True})
    return "other"
