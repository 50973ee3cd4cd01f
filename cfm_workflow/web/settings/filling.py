"""What the pages of settings share: reading their forms, and saying beside a field what is wrong with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from marshmallow import Schema

from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.texts import mark
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.problems import encoded

DELETED: Final = mark("Deleted.")
ADDED: Final = mark("Added.")
KEY_TAKEN: Final = mark("There is one with this key already.")
NAME_TAKEN: Final = mark("There is one with this name already.")
REMOVE: Final = "remove"
"""Stands for the button of deleting where a field is named that is wrong."""


def filled(form: Mapping[str, str], *names: str) -> dict[str, str]:
    """These fields without white space around them."""
    return {name: form.get(name, "").strip() for name in names}


def optional(form: Mapping[str, str], *names: str) -> dict[str, str | None]:
    """The same; what was left empty is None."""
    return {name: value or None for name, value in filled(form, *names).items()}


def flags(form: Mapping[str, str], *names: str) -> dict[str, bool]:
    """Which of these boxes are ticked."""
    return {name: name in form for name in names}


def lines(text: str) -> list[str]:
    """The lines of a text that hold something."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def number(text: str) -> int | str | None:
    """A whole number in plain digits; None for nothing, and what is neither stays for the form to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else text or None


def asked(visit: Visit, schema: Schema) -> dict[str, Any]:
    """The filters and the cursor of a list; those left empty count as not given.

    Raises:
        Invalid: somebody has written the address by hand.
    """
    given = {name: value for name, value in visit.query.items() if value and name in schema.fields}
    return dict(load(schema, given))


def further(visit: Visit, path: str, cursor: str | None) -> str | None:
    """The address of the next page of a list, with the filters of this one; None at its end."""
    if cursor is None:
        return None
    kept = {name: value for name, value in visit.query.items() if value and name != "cursor"}
    return f"{path}?{encoded(**kept, cursor=cursor)}"


@contextmanager
def beside(field: str, sentence: str) -> Iterator[None]:
    """What does not fit what is stored is said beside a field, in a sentence of the catalogue."""
    try:
        yield
    except Conflict:
        raise Invalid({field: [sentence]}) from None


@contextmanager
def worded(sentences: Mapping[str, str]) -> Iterator[None]:
    """What is wrong with these fields, or with a part of them, is said in sentences of the catalogue."""
    try:
        yield
    except Invalid as error:
        raise Invalid({name: [_sentence(name, sentences) or said[0]] for name, said in error.errors.items()}) from None


def _sentence(name: str, sentences: Mapping[str, str]) -> str | None:
    return sentences.get(name) or sentences.get(name.partition(".")[0])
