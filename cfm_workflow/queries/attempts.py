"""Attempts to deliver mails and webhooks, as their logs show them. Never writes."""

from typing import Any, Final

from cfm_workflow.models import Attempt

_FIELDS: Final = ("number", "started_at", "ended_at", "verdict", "status", "address", "answer")


def view(attempt: Attempt) -> dict[str, Any]:
    """One try in the words of the API."""
    return {name: getattr(attempt, name) for name in _FIELDS}
