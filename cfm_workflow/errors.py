"""The few ways an operation can say no, named after the situation, with the facts as attributes.

Nothing here knows HTTP: `api/problems.py` holds the one table from these to status codes.
"""

from collections.abc import Mapping, Sequence


class CfmError(Exception):
    """Anything the service refuses on purpose; its text may be shown to the person who asked."""


class Unauthenticated(CfmError):
    """Nobody valid is behind the request."""


class NotFound(CfmError):
    """The thing does not exist, or the caller may not know that it does."""

    def __init__(self, noun: str, ident: object = None) -> None:
        super().__init__(f"There is no {noun} {ident}." if ident is not None else f"There is no such {noun}.")


class Malformed(CfmError):
    """The message itself cannot be read (not JSON, not the announced encoding)."""


class Invalid(CfmError):
    """A field has a wrong value, is unknown, or is missing.

    `errors` maps a field, dotted where it is nested, to sentences saying what would be right.
    """

    def __init__(self, errors: Mapping[str, Sequence[str]], detail: str | None = None) -> None:
        self.errors = {field: list(sentences) for field, sentences in errors.items()}
        super().__init__(detail or "Some fields are not right: " + ", ".join(sorted(self.errors)) + ".")


class Stale(CfmError):
    """`If-Match` named a version that is not the current one."""

    def __init__(self, current_version: int) -> None:
        self.current_version = current_version
        super().__init__(f"It has changed meanwhile: its version is {current_version} now.")


class Forbidden(CfmError):
    """The caller may read the thing but not do this; `right` names what is missing."""

    def __init__(self, right: str, detail: str | None = None) -> None:
        self.right = right
        super().__init__(detail or f"This needs the right {right}.")


class Conflict(CfmError):
    """The request is fine but does not fit what is stored now."""


class AnotherWentOut(Conflict):
    """Somebody else has written to the customer since; `message` is what they wrote."""

    def __init__(self, message: Mapping[str, object]) -> None:
        self.message = message
        super().__init__('Another message went to this customer meanwhile. Send "anyway": true to send yours too.')


class Busy(CfmError):
    """Somebody else is at it; asking again after `retry_after` seconds makes sense."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class TooMany(Busy):
    """The caller asks too often."""


class Full(Busy):
    """All places are taken; the same can be had in another way until one is free."""


class TooLarge(CfmError):
    """The message is larger than this place accepts."""


class Unsupported(CfmError):
    """The message is of a media type this place does not read."""


class RefusedTransition(CfmError):
    """A transition that is not possible now, with everything the caller needs to do better.

    `blocked` maps a transition to `{"code", "reason"}`. Subclasses say which kind of no it is.
    """

    def __init__(
        self,
        detail: str,
        *,
        current_state: str,
        allowed: Sequence[str],
        blocked: Mapping[str, Mapping[str, str]],
        missing: Sequence[str] = (),
    ) -> None:
        self.current_state = current_state
        self.allowed = list(allowed)
        self.blocked = {name: dict(why) for name, why in blocked.items()}
        self.missing = tuple(missing)
        super().__init__(detail)


class NotPermittedTransition(RefusedTransition):
    """The caller is not one of those who may fire it."""


class WrongStateTransition(RefusedTransition):
    """It does not leave from the state the action has."""


class IncompleteTransition(RefusedTransition):
    """A field that it requires is missing."""


class NotReady(CfmError):
    """The service cannot start or go on as it stands; the text says what to do."""
