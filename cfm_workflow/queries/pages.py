"""Pages by key: a page is as cheap at the end of a million rows as at the beginning. Never writes."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Integer, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.db import Instant, plain
from cfm_workflow.errors import Invalid

DEFAULT_SIZE = 50


@dataclass(frozen=True, slots=True)
class Sort:
    """Columns that together are unique and stand behind one index; all in the same direction."""

    columns: tuple[Any, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of things as they are shown, and the cursor of the next one, if there is one."""

    items: list[Any]
    next_cursor: str | None
    total: int | None = None

    def as_answer(self) -> dict[str, Any]:
        """The list envelope of the API."""
        answer: dict[str, Any] = {"items": self.items, "next_cursor": self.next_cursor}
        if self.total is not None:
            answer["total"] = min(self.total, limits.COUNT)
            answer["total_is_capped"] = self.total > limits.COUNT
        return answer


def fetch_page(
    session: Session,
    query: Select[Any],
    wanted: Mapping[str, Any],
    sorts: Mapping[str, Sort],
    *,
    present: Callable[[Any], Any],
    counted: Select[Any] | None = None,
) -> Page:
    """The page of `query` after `wanted["cursor"]` in the order `wanted["sort"]` (default: the first of `sorts`).

    `counted` is a narrow select of the same rows, used only when `wanted["count"]`; it stops at limits.COUNT.

    Raises:
        Invalid: the cursor is not one that this list gave out.
    """
    place = find_place(wanted, sorts)
    rows = session.execute(in_order(query, place.sort, after=place.is_after), place.parameters).all()
    total = None
    if wanted.get("count") and counted is not None:
        total = plain(session, capped_count(counted)).scalar_one()
    return cut(rows, place, present=present, total=total)


@dataclass(frozen=True, slots=True)
class Place:
    """Which page is asked for: the order, how many, and behind which row."""

    name: str
    sort: Sort
    size: int
    is_after: bool
    parameters: dict[str, Any]  # for a statement of `in_order`


def find_place(wanted: Mapping[str, Any], sorts: Mapping[str, Sort]) -> Place:
    """What `sort`, `limit` and `cursor` of a form say; Invalid as `fetch_page`."""
    name = wanted.get("sort") or next(iter(sorts))
    sort, size, cursor = sorts[name], wanted.get("limit") or DEFAULT_SIZE, wanted.get("cursor")
    keys = _read_cursor(cursor, name, sort.columns) if cursor else []
    parameters = {f"after_{n}": key for n, key in enumerate(keys)} | {"page_limit": size + 1}
    return Place(name, sort, size, bool(keys), parameters)


def in_order(query: Select[Any], sort: Sort, *, after: bool) -> Select[Any]:
    """`query` with its keys beside it, ordered and cut; what is bound, `Place.parameters` holds."""
    keys = [column.label(f"key_{n}") for n, column in enumerate(sort.columns)]
    asked = query.add_columns(*keys).order_by(*(c.desc() if sort.descending else c.asc() for c in sort.columns))
    if after:
        there = tuple_(*(bindparam(f"after_{n}", type_=column.type) for n, column in enumerate(sort.columns)))
        here = tuple_(*sort.columns)
        asked = asked.where(here < there if sort.descending else here > there)
    return asked.limit(bindparam("page_limit", type_=Integer))


def capped_count(counted: Select[Any]) -> Select[Any]:
    """How many rows there are, up to one more than limits.COUNT."""
    return select(func.count()).select_from(counted.limit(limits.COUNT + 1).subquery())


def cut(rows: Sequence[Any], place: Place, *, present: Callable[[Any], Any], total: int | None) -> Page:
    """The page that these rows of `in_order` make: one more than fits says that there is another."""
    width, more = len(place.sort.columns), len(rows) > place.size
    cursor = _write_cursor(place.name, rows[place.size - 1], width) if more else None
    return Page([present(row) for row in rows[: place.size]], cursor, total)


def _write_cursor(name: str, row: Any, width: int) -> str:
    keys = [getattr(row, f"key_{n}") for n in range(width)]
    plain = orjson.dumps([name, *keys], option=orjson.OPT_UTC_Z)
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _read_cursor(cursor: str, name: str, columns: tuple[Any, ...]) -> list[Any]:
    try:
        plain = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(plain, list) or len(plain) != len(columns) + 1 or plain[0] != name:
            raise ValueError
        return [_read_key(key, column) for key, column in zip(plain[1:], columns, strict=True)]
    except (ValueError, OverflowError):
        raise Invalid({"cursor": ["must be the next_cursor of this list in the same order"]}) from None


def _read_key(key: object, column: Any) -> object:
    if isinstance(column.type, Instant):
        instant = datetime.fromisoformat(key) if isinstance(key, str) else None
        if instant is None or instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    if isinstance(key, bool) or not isinstance(key, int) or abs(key) > limits.ID:
        raise ValueError
    return key
