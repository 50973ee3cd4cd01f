"""Letters about the sample of every event type, for readers of every relation and language. No database, no network."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from cfm_workflow.api.event_samples import sample
from cfm_workflow.letters import Letter, Names, News, Reader, arrange, compose
from cfm_workflow.policy.audiences import AUDIENCES
from cfm_workflow.policy.event_types import known
from cfm_workflow.texts import zone_named

OWN_STEP = "action.inspected"
"""As a workflow file might add it."""
TYPES = [*AUDIENCES, OWN_STEP]
PURPOSES = ("grant", "accept", "complete", "acknowledge", "comment", "snooze", "preferences")
TOKENS = {purpose: f"{purpose}.{'t' * 80}" for purpose in PURPOSES}
BASE = "https://cfm.example.com/care"
READER = 9


def event(
    event_type: str, *, position: int = 812, action_id: int = 4, item_id: int = 17, **data: Any
) -> dict[str, Any]:
    """The sample of a type, with other data where it is given."""
    body = deepcopy(sample(event_type, known(event_type)))
    body["data"] |= {"position": position, "actor": {"type": "user", "id": 1, "name": "Olga"}} | data
    if "action" in body["data"] and "action" not in data:
        body["data"]["action"] |= {"id": action_id, "feedback_id": item_id}
        body["data"]["transition"] = body["data"]["transition"] or "accept"
    if "feedback" in body["data"] and "feedback" not in data:
        body["data"]["feedback"]["id"] = item_id
    return body


def names(language: str = "en") -> Names:
    """What a Korean and an English reader call things."""
    said = {"en": ("Accepted", "Inspect", "Refunded"), "ko": ("수락됨", "검사", "환불됨")}[language]
    workflow = "standard"
    return Names(
        {(workflow, "accepted"): said[0]}, {(workflow, "accept"): said[1]}, {"refunded": said[2]}, groups={2: (1, 3)}
    )


def letter(
    news: Sequence[News], language: str = "en", *, tokens: dict[str, str] = TOKENS, unsaid: int = 0, zone: str = "UTC"
) -> Letter:
    """What a reader gets to read."""
    reader = Reader(READER, language, zone_named(zone))
    return compose(arrange(news), reader, names(language), base_url=BASE, tokens=tokens, unsaid=unsaid)


def about(event_type: str, relation: str = "assignee", language: str = "en", **data: Any) -> Letter:
    """A letter about one event."""
    return letter([News(relation, event(event_type, **data))], language)
