"""Links as mails hold them, for tests of the pages behind them. No tests here."""

from typing import Any

from cfm_workflow import clock
from cfm_workflow.operations import links
from tests.world import Person, World


def sent(world: World, person: Person, purpose: str, action: Any = None) -> str:
    """The path of a link that this person gets by mail now."""
    action_id = None if action is None else action["id"]
    tokens = world.service.database.transaction(
        lambda session: links.issue(
            session,
            world.service.ring,
            account_id=person.id,
            purposes=[purpose],
            action_id=action_id,
            now=clock.now(),
        )
    )
    return f"/l/{tokens[purpose]}"
