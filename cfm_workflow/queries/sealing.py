"""What a feedback item takes over from the items before it: who may not see those does not see it either. Never writes.

An item that `follows` another one is the same story gone on. Only such items, which are few, cost anything here.
"""

from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from cfm_workflow.access import Caller
from cfm_workflow.models import Action, ActionFeedback, Feedback


def is_hidden(caller: Caller, feedback_id: Any) -> Any:
    """There is work on an item of a restricted team with which the caller has nothing to do."""
    work, link = aliased(Action), aliased(ActionFeedback)
    here = (link.feedback_id == feedback_id, work.id == link.action_id)
    return exists().where(*here, work.team_id.in_(list(caller.hidden_teams)))


def is_own(caller: Caller, item: Any) -> Any:
    """The caller has work on an item, gave it, or recorded the item."""
    work, link = aliased(Action), aliased(ActionFeedback)
    here = (link.feedback_id == item.id, work.id == link.action_id)
    own = (work.assignee_id, work.on_behalf_of_id, work.assigner_id)
    return or_(exists().where(*here, or_(*(column == caller.id for column in own))), item.recorded_by == caller.id)


def begins_seen(caller: Caller, item: Any = Feedback) -> Any:
    """What an item goes on from, if anything, is visible: going back from it, nothing hidden comes before the first
    item that is the caller's own."""
    former, seen = aliased(Feedback), aliased(Feedback)
    line = select(item.follows_id.label("id")).correlate(item).cte(recursive=True, nesting=True)
    back = select(former.follows_id).join(line, former.id == line.c.id)
    line = line.union_all(back.where(former.follows_id.is_not(None), ~is_own(caller, former)))
    of_another = exists().where(seen.id == line.c.id, is_hidden(caller, seen.id), ~is_own(caller, seen))
    return or_(item.follows_id.is_(None), ~of_another)
