"""The fields that feedback may have, in one table: what each takes, and whether one value may stand for a whole file.

Every cleaner trims, gives None for nothing, and raises Unfit with what would be right.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from cfm_workflow import limits
from cfm_workflow.intake.refusals import Unfit
from cfm_workflow.policy.metrics import SCALES

Cleaner = Callable[[object], Any]


WHOLE: Final = re.compile(r"[+-]?[0-9]{1,6}(?:\.0{1,6})?")
EMAIL: Final = re.compile(
    r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?", re.UNICODE
)
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")


def as_text(value: object) -> str:
    """The text of a value: a text trimmed, a whole number written out. Anything else would be made up."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unfit("Text is needed.")


def text_up_to(limit: int) -> Cleaner:
    """A cleaner for texts of at most `limit` characters."""

    def clean(value: object) -> str | None:
        text = as_text(value)
        if len(text) > limit:
            raise Unfit(f"At most {limit:,} characters are kept; these are {len(text):,}.")
        return text or None

    return clean


def email(value: object) -> str | None:
    text = as_text(value)
    if text and (len(text) > limits.EMAIL or ".." in text or not EMAIL.fullmatch(text)):
        raise Unfit("An e-mail address is needed, like name@example.com.")
    return text or None


def language(value: object) -> str | None:
    text = as_text(value)
    if text and (len(text) > limits.LANGUAGE_TAG or not LANGUAGE.fullmatch(text)):
        raise Unfit("A language tag is needed, like en, ko or pt-BR.")
    return text.replace("_", "-") or None


def metric(value: object) -> str | None:
    text = as_text(value).lower()
    if text and text not in SCALES:
        raise Unfit(f"{text[:40]!r} is no metric: {', '.join(SCALES)}.")
    return text or None


def score(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return int(value)
    text = "" if isinstance(value, float) else as_text(value)
    if not text and isinstance(value, str):
        return None
    if not WHOLE.fullmatch(text):
        raise Unfit(f"A whole number is needed, not {str(value)[:40]!r}.")
    return int(text.partition(".")[0])


def attribute(value: object) -> Any:
    """Texts are trimmed; numbers, booleans and lists of a JSON file stay what they are."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list | dict):
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(limits.ATTRIBUTE_DEPTH):
        level = [inner for outer in level if isinstance(outer, list | dict) for inner in _members(outer)]
    if any(isinstance(inner, list | dict) for inner in level):
        raise Unfit(f"Attributes may be nested {limits.ATTRIBUTE_DEPTH} levels deep.")


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def check_scale(name: str, value: int) -> None:
    """Refuse with Unfit a score that its metric does not have."""
    low, high = SCALES[name]
    if not low <= value <= high:
        raise Unfit(f"A score of {name} is from {low} to {high}, not {value}.")


def check_attributes(attributes: dict[str, Any]) -> None:
    """Refuse with Unfit more attributes than an item may carry."""
    if len(attributes) > limits.ATTRIBUTE_KEYS:
        raise Unfit(f"At most {limits.ATTRIBUTE_KEYS} attributes are kept; these are {len(attributes)}.")
    if len(orjson.dumps(attributes)) > limits.ATTRIBUTE_BYTES:
        raise Unfit(f"Attributes may take {limits.ATTRIBUTE_BYTES:,} bytes as JSON; these take more.")


class Field(NamedTuple):
    """`clean` is None for received_at, whose cleaner depends on the options; `constant`: one value may do for all."""

    clean: Cleaner | None
    constant: bool


# fmt: off
FIELDS: Final[dict[str, Field]] = {
    #                            clean                            constant
    "text":                 Field(text_up_to(limits.TEXT),        False),
    "external_id":          Field(text_up_to(limits.EXTERNAL_ID), False),
    "channel":              Field(text_up_to(limits.CHANNEL),     True),
    "touchpoint":           Field(text_up_to(limits.TOUCHPOINT),  True),
    "language":             Field(language,                       True),
    "metric":               Field(metric,                         True),
    "score":                Field(score,                          True),
    "received_at":          Field(None,                           True),
    "customer.name":        Field(text_up_to(limits.NAME),        False),
    "customer.email":       Field(email,                          False),
    "customer.phone":       Field(text_up_to(limits.PHONE),       False),
    "customer.external_id": Field(text_up_to(limits.EXTERNAL_ID), False),
    "customer.language":    Field(language,                       True),
}
# fmt: on

ATTRIBUTE: Final = Field(attribute, constant=True)
ATTRIBUTES: Final = "attributes."


def find_field(name: str) -> Field | None:
    """The field of that name, `attributes.NAME` included; None when there is none."""
    if name.startswith(ATTRIBUTES):
        own = name.removeprefix(ATTRIBUTES)
        return ATTRIBUTE if own.strip() and len(own) <= limits.NAME and own.isprintable() else None
    return FIELDS.get(name)
