"""The ledger: `record()` writes what happened and lines up who is to be told, in the caller's transaction.

Nothing here sends or commits. `outbox` is what workers ask for what is to be sent, and tell what became of it.
"""

from cfm_workflow.ledger.audience import audience_changed
from cfm_workflow.ledger.bodies import CUTS, changes, freeze
from cfm_workflow.ledger.events import Fact, erase, record
from cfm_workflow.ledger.positions import HEAD, PER_TRANSACTION, horizon, is_past, know_head, mark, move_base

__all__ = [
    "CUTS",
    "HEAD",
    "PER_TRANSACTION",
    "Fact",
    "audience_changed",
    "changes",
    "erase",
    "freeze",
    "horizon",
    "is_past",
    "know_head",
    "mark",
    "move_base",
    "record",
]
