"""Rows by the names that other systems gave them (`source` with another column), many at once. Never writes."""

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, Select, String, bindparam, func
from sqlalchemy.orm import Session

from cfm_workflow.db import is_sqlite, plain


def named(
    session: Session, statement: Select[*tuple[Any, ...]], name: Any, pairs: Collection[tuple[str, str]]
) -> Iterator[Any]:
    """The rows of `statement` whose source and `name`, a column of its table, are among `pairs`."""
    read = _by_source if is_sqlite(session) else _joined
    return read(session, statement, name, pairs) if pairs else iter(())


def _by_source(session: Session, statement: Any, name: Any, pairs: Collection[tuple[str, str]]) -> Iterator[Any]:
    for source, some in groupby(sorted(pairs), itemgetter(0)):
        names = [each for _, each in some]
        yield from plain(session, statement.where(name.table.c.source == source, name.in_(names)))


_TEXTS = ARRAY(String)
_WANTED: Any = (
    func.unnest(bindparam("sources", type_=_TEXTS), bindparam("names", type_=_TEXTS))
    .table_valued("source", "name", name="wanted")
    .render_derived()
)


def _joined(session: Session, statement: Any, name: Any, pairs: Collection[tuple[str, str]]) -> Iterator[Any]:
    """With the pairs as a table. Were a source written out, PostgreSQL would think it rare until its next ANALYZE has
    seen it, and read all of it for every batch of a first import."""
    both = (name.table.c.source == _WANTED.c.source) & (name == _WANTED.c.name)
    sources, names = zip(*pairs, strict=True)
    return iter(plain(session, statement.join(_WANTED, both), {"sources": list(sources), "names": list(names)}))
