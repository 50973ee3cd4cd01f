"""Whether a customer may be written to, and why not. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CAP: Final = timedelta(days=7)
"""At most one unasked mail in that time. What answers the customer's own message is not counted and never held back."""

NOT_ASKED_FOR: Final = frozenset({"unasked", "check"})
"""The kinds that end with unsubscribing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a customer decides whether they are written to."""

    address: str | None
    dead: str | None  # what the server said for good
    do_not_contact: str | None
    unsubscribed_at: datetime | None
    last_unasked: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not written to: a code for programs, a sentence for people."""

    code: str
    reason: str


NO_CUSTOMER: Final = Refusal("no_customer", "Nobody knows whom this feedback is from.")


def refusal(standing: Standing, kind: str, *, now: datetime) -> Refusal | None:
    """Why a mail of this kind must not go to a customer; None when it may."""
    if standing.do_not_contact is not None:
        return Refusal("do_not_contact", f"The customer is not to be contacted: {standing.do_not_contact}")
    if standing.address is None:
        return Refusal("no_address", "The customer has no e-mail address.")
    if standing.dead is not None:
        said = without_address(standing.dead, standing.address)
        return Refusal("dead_address", f"Nothing arrives at the customer's address: {said}")
    if kind in NOT_ASKED_FOR and standing.unsubscribed_at is not None:
        return Refusal("unsubscribed", f"The customer has unsubscribed on {standing.unsubscribed_at:%Y-%m-%d}.")
    if kind == "unasked" and standing.last_unasked is not None and standing.last_unasked > now - CAP:
        return Refusal(
            "too_soon", f"An unasked mail went to this customer on {standing.last_unasked:%Y-%m-%d} already."
        )
    return None


_ADDRESS: Final = re.compile(r"""[^\s<>()"',:;]+@[^\s<>()"',:;]+""")


def without_address(said: str, address: str) -> str:
    """What a mail server said, without the address that it likes to name: not everybody may know it."""
    name = re.escape(address.partition("@")[0])
    return re.sub(rf"(?<!\w){name}(?!\w)", "…", _ADDRESS.sub("…", said), flags=re.IGNORECASE)
