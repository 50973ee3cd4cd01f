"""What every list can be asked for, and what it answers."""

from functools import cache
from typing import Any

from marshmallow import Schema, fields

from cfm_workflow import limits
from cfm_workflow.forms.fields import Cursor, Form, QueryFlag, QueryWhole
from cfm_workflow.queries.pages import DEFAULT_SIZE


class PageQuery(Form):
    """`limit` and `cursor` of any list."""

    limit = QueryWhole(1, limits.PAGE, load_default=DEFAULT_SIZE, metadata={"description": "How many at most."})
    cursor = Cursor(metadata={"description": "The `next_cursor` of the page before."})


class CountedPageQuery(PageQuery):
    """The same where counting is possible."""

    count = QueryFlag(load_default=False, metadata={"description": f"Count too, up to {limits.COUNT}."})


@cache
def page_of(item: type[Schema], *, counted: bool = False) -> type[Schema]:
    """The list envelope around an output schema."""
    shape: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    if counted:
        shape["total"] = fields.Integer(metadata={"description": "With `count=true`."})
        shape["total_is_capped"] = fields.Boolean()
    return type(f"{'Counted' if counted else ''}{item.__name__.removesuffix('Out')}Page", (Schema,), shape)
