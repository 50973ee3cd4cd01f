"""Pages by key: a page is as cheap at the end of a million rows as at the beginning. Never writes."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.db import Instant
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
    name = wanted.get("sort") or next(iter(sorts))
    sort, size = sorts[name], wanted.get("limit") or DEFAULT_SIZE
    keys = [column.label(f"key_{n}") for n, column in enumerate(sort.columns)]
    asked = query.add_columns(*keys).order_by(*(c.desc() if sort.descending else c.asc() for c in sort.columns))
    if wanted.get("cursor"):
        after = tuple_(*_read_cursor(wanted["cursor"], name, sort.columns))
        here = tuple_(*sort.columns)
        asked = asked.where(here < after if sort.descending else here > after)
    rows = session.execute(asked.limit(size + 1)).all()
    cursor = _write_cursor(name, rows[size - 1], len(keys)) if len(rows) > size else None
    total = _count(session, counted) if wanted.get("count") and counted is not None else None
    return Page([present(row) for row in rows[:size]], cursor, total)


def _count(session: Session, counted: Select[Any]) -> int:
    few = counted.limit(limits.COUNT + 1).subquery()
    return session.execute(select(func.count()).select_from(few)).scalar_one()


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
