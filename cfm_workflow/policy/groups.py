"""How far a fan-out is: the state of an action group follows from its actions. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How many actions of a group, or of an item, are where."""

    total: int
    done: int
    unfinished: int


def group_state(completion: str, at_least: int | None, progress: Progress) -> str:
    """`open`, `completed` or `failed`. Declined and cancelled actions count neither as done nor as open.

    `all` is met when none is unfinished and at least one is done, `any` by the first done, `at_least` by that many.
    """
    needed = {"all": 1, "any": 1, "at_least": at_least or 1}[completion]
    if progress.done >= needed and (completion != "all" or progress.unfinished == 0):
        return "completed"
    if progress.done + progress.unfinished < needed:
        return "failed"
    return "open"


def item_status(progress: Progress) -> tuple[str, bool]:
    """The status of a feedback item and whether somebody must decide what to do with it.

    Nothing done although everything ended means that the customer still waits: it stays open and says so.
    """
    if progress.total == 0:
        return "new", False
    if progress.unfinished:
        return "open", False
    return ("resolved", False) if progress.done else ("open", True)
