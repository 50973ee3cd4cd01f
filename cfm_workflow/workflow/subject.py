"""What this room needs to know of a piece of work. The stored action is one; nothing here knows how it is stored."""

from datetime import datetime
from typing import Protocol


class Subject(Protocol):
    """Work that follows a definition. Only `begin` and `fire` assign what stands before the empty line."""

    state: str
    category: str
    state_since: datetime
    accepted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    came_from: str | None  # while waiting, and finished from there: the state it went to waiting from
    undo_to: str | None  # while finished and the workflow can undo that: the state before,
    undo_by: int | None  # the account that may take it back,
    undo_until: datetime | None  # and how long

    assignee_id: int | None
    pool: bool  # given to a whole team
