"""How an item ends: what a resolved one waits for, and what is done next with it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cfm_workflow.setting_values import TellCustomer

NO_CUSTOMER: Final = "No customer is known."
NO_ADDRESS: Final = "The customer has no e-mail address."
UNWANTED: Final = "The customer does not want to be contacted."
UNDELIVERABLE: Final = "Nothing arrives at the address of the customer."
NOT_SOLVED: Final = "The customer says that it is not solved."
WROTE_AGAIN: Final = "The customer wrote again."

UNREACHABLE: Final = {
    "no_customer": NO_CUSTOMER,
    "no_address": NO_ADDRESS,
    "dead_address": UNDELIVERABLE,
    "do_not_contact": UNWANTED,
}
"""Why a customer cannot be told, by the code of `policy.reach`."""

REOPENS_WITHIN: Final = timedelta(days=14)
"""After an item was closed, so long a word of its customer opens it again; a later one is a new item."""
ANSWERS_WITHIN: Final = timedelta(days=14)
"""So long a customer can answer a check, and answer anew."""


class Answer(StrEnum):
    """What is known of a resolution: the customer said so, said no, or said nothing."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    ASSUMED = "assumed"


SCORES: Final = (1, 5)
"""How content a customer is with how it was solved, from not at all to very."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What decides how a resolved item goes on.

    `final_at`: from then on its last step cannot be undone any more. `why_not`: why the customer cannot be told, None
    if they can. `told`: they were told that it is solved; `on_its_way`: they are about to be.
    """

    final_at: datetime | None
    why_not: str | None
    told: bool
    on_its_way: bool
    benefits: bool


class Next(StrEnum):
    """What is done with a resolved item."""

    LOOK_AGAIN = "look again"  # when its last step is final
    CLOSE = "close"
    TELL = "tell"
    LEAVE = "leave"  # to people, or until the message has left


def next_of(ending: Ending, wish: TellCustomer, *, now: datetime) -> Next:
    """What comes next for a resolved item, `wish` being what the setting says."""
    if ending.final_at is not None and ending.final_at > now:
        return Next.LOOK_AGAIN
    if ending.told or ending.why_not is not None:
        return Next.CLOSE
    if ending.on_its_way or not ending.benefits or wish is not TellCustomer.AUTOMATIC:
        return Next.LEAVE
    return Next.TELL
