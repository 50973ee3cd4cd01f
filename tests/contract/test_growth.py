"""Within v1 the contract only grows: nothing that the last release promised is taken away or asked for in addition.

The contract of the last release is in `openapi.json` and `events.json`; `python -m tests.contract.growth` renews them
at a release.
"""

from typing import Any

import pytest

from cfm_workflow.policy.event_types import EVENT_TYPES
from tests.contract.growth import broken, contract, events, released, told


def test_the_api_keeps_what_the_last_release_promised() -> None:
    assert broken(released("openapi.json"), contract()) == []


@pytest.mark.parametrize("name", released("events.json"))
def test_an_event_keeps_what_the_last_release_promised(name: str) -> None:
    shape = released("events.json")[name]

    assert name in EVENT_TYPES
    assert list(told(name, shape, events()[name], shape, shape)) == []


def _without(place: str) -> dict[str, Any]:
    """The contract with one thing taken out; the place is written with slashes, a slash in a name as `~1`."""
    whole = contract()
    *way, last = [step.replace("~1", "/") for step in place.split("/")]
    holder: Any = whole
    for step in way:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    if isinstance(holder, list):
        holder.remove(last)
    else:
        del holder[last]
    return whole


GONE = [
    "paths/~1actions~1{action_id}~1pass-over",
    "paths/~1feedback~1{feedback_id}/patch",
    "paths/~1actions~1{action_id}/get/responses/200",
    "paths/~1actions~1{action_id}/get/responses/200/headers/ETag",
    "components/schemas/ActionOut/properties/due_at",
    "components/schemas/ActionOut/required/due_at",
    "components/schemas/PersonOut/properties/email",
    "components/schemas/FeedbackIn/properties/score",
    "components/schemas/FeedbackIn/properties/metric/enum/nps",
    "components/schemas/ActionOut/properties/category/enum/waiting",
]


@pytest.mark.parametrize("place", GONE)
def test_what_is_taken_away_is_noticed(place: str) -> None:
    assert broken(contract(), _without(place)) != []


@pytest.mark.parametrize("place", [place for place in GONE if "/required/" not in place])
def test_what_is_added_is_welcome(place: str) -> None:
    assert broken(_without(place), contract()) == []


def test_a_new_required_input_and_a_narrower_limit_are_noticed() -> None:
    stricter = contract()
    shapes = stricter["components"]["schemas"]
    shapes["FeedbackIn"]["required"].append("channel")
    shapes["FeedbackIn"]["properties"]["text"]["maxLength"] = 100

    assert len(broken(contract(), stricter)) == 2
