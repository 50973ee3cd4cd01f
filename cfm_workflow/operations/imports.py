"""Bring in a file of feedback: queued, read in batches, each batch one short transaction, gone on with after any end.

The edge hands in its `transaction`; between two of them nothing is held, so requests go on beside an import.
"""

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import Select, and_, insert, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, clock, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import CfmError, Invalid
from cfm_workflow.intake import (
    BadRecord,
    FeedbackRow,
    Fingerprints,
    RecordFile,
    RowError,
    detect_encoding,
    open_records,
)
from cfm_workflow.intake import Mapping as FieldMapping
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Import, ImportProblem
from cfm_workflow.operations import feedback
from cfm_workflow.queries import imports as imports_query

LEASE: Final = timedelta(seconds=30)
LOCK_SECONDS: Final = {"sqlite": 0.03, "postgresql": 0.045}
"""How long a batch should take, far enough below 100 ms for a slow disk now and then. On SQLite all writers wait for
it; on PostgreSQL only the feed stands still, and the fixed price of a batch is higher."""
SMALLEST: Final = 20
LARGEST: Final = 400
"""What is stored already goes by ten times as fast; after it a batch of new rows must not be far too long."""
PACES: Final = 5
"""A batch is as large as the usual pace of so many before it allows, so a lucky one decides nothing; a slow one makes
only the next one smaller."""
SPOOL: Final = "imports"
PROBLEMS_KEPT: Final = 10_000
SAMPLED: Final = 1024 * 1024

T = TypeVar("T")


class Transaction(Protocol):
    """`Database.transaction`."""

    def __call__(self, work: Callable[[Session], T]) -> T: ...


class TakenOver(CfmError):
    """Another process goes on with this import."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is."""

    records: int
    stored: int
    duplicates: int
    refused: int
    bytes_read: int
    size: int


def queue(
    session: Session,
    caller: Caller,
    path: Path,
    options: Mapping[str, Any],
    *,
    name: str,
    stored_as: str,
    now: datetime,
) -> dict[str, Any]:
    """Remember a file to be imported; the same file with the same options goes on where it ended.

    `options`: fields, constants, source, date_format, time_zone, encoding, delimiter, format, live.

    Raises:
        Forbidden.
    """
    access.require(caller, "feedback.import")
    mark = fingerprint(path, options)
    unfinished = select(Import).where(Import.fingerprint == mark, Import.state.in_(["queued", "running"]))
    job = session.scalars(unfinished.order_by(Import.id.desc()).limit(1).with_for_update()).one_or_none()
    if job is None:
        job = Import(
            state="queued",
            file_name=name,
            path=stored_as,
            size=path.stat().st_size,
            fingerprint=mark,
            options=dict(options),
            found={},
            live=bool(options.get("live")),
            records=0,
            stored=0,
            duplicates=0,
            refused=0,
            bytes_read=0,
            created_by=caller.id,
            created_at=now,
        )
        session.add(job)
    job.path = stored_as
    session.flush()
    return imports_query.view(job)


def fingerprint(path: Path, options: Mapping[str, Any]) -> str:
    """What tells one import from another: how the file is read, its size, its beginning and its end."""
    size = path.stat().st_size
    digest = hashlib.sha256(orjson.dumps({**options, "size": size}, option=orjson.OPT_SORT_KEYS))
    with path.open("rb") as file:
        digest.update(file.read(SAMPLED))
        file.seek(max(0, size - SAMPLED))
        digest.update(file.read(SAMPLED))
    return digest.hexdigest()


def free(now: datetime) -> Select[int]:
    """The id of the oldest spooled import that nobody works on."""
    state = or_(Import.state == "queued", and_(Import.state == "running", Import.lease_until < now))
    return select(Import.id).where(state, Import.path.like(f"{SPOOL}/%")).order_by(Import.id).limit(1)


def claim_next(session: Session, *, now: datetime) -> tuple[int, str] | None:
    """Take the oldest spooled import that nobody works on: its id and the lease that proves it."""
    ident = session.scalars(free(now).with_for_update(skip_locked=True)).one_or_none()
    return None if ident is None else (ident, take(session, ident, now=now))


def take(session: Session, import_id: int, *, now: datetime) -> str:
    """Take an import over, whoever had it: from now on only the holder of this lease can write to it."""
    lease = secrets.token_hex(16)
    job = session.get_one(Import, import_id, with_for_update=True)
    job.state, job.lease, job.lease_until = "running", lease, now + LEASE
    job.started_at = job.started_at or now
    session.flush()
    return lease


@dataclass(slots=True)
class Run:
    """One import being carried out by one process."""

    transaction: Transaction
    caller: Caller
    import_id: int
    lease: str
    path: Path
    options: Mapping[str, Any]
    live: bool
    skip: int
    report: Callable[[Progress], None] = lambda progress: None
    found: Callable[[Mapping[str, Any]], None] = lambda found: None
    is_stopping: Callable[[], bool] = lambda: False
    size: int = SMALLEST * 5
    read: int = field(default=0)
    target: float = min(LOCK_SECONDS.values())
    paces: deque[float] = field(default_factory=lambda: deque(maxlen=PACES))

    def go(self) -> dict[str, Any]:
        """Read the file to its end, or until told to stop; the import as it is then.

        Raises:
            TakenOver: another process has it now; what was reported as stored is stored.
        """
        try:
            with ExitStack() as opened:
                records = opened.enter_context(self._open())
                fingerprints = opened.enter_context(Fingerprints())
                mapping = self._mapping(records)
                self._say_found(records)
                self._read_all(records, mapping, fingerprints)
        except Invalid as refusal:
            return self.end("failed", error=_sentences(refusal))
        if self.is_stopping():
            return self._let_go()
        return self.end("finished")

    def _open(self) -> RecordFile:
        if not self.path.exists():
            raise Invalid({"file": ["is not there any more"]})
        given = self.options.get("encoding")
        encoding = detect_encoding(self.path, given)
        return open_records(
            self.path,
            format=self.options.get("format"),
            encoding=encoding,
            delimiter=self.options.get("delimiter"),
        )

    def _mapping(self, records: RecordFile) -> FieldMapping:
        return FieldMapping.build(
            records.columns,
            source=self.options["source"],
            fields=self.options.get("fields"),
            constants=self.options.get("constants"),
            date_format=self.options.get("date_format"),
            time_zone=self.options.get("time_zone"),
        )

    def _say_found(self, records: RecordFile) -> None:
        found = {
            "format": records.format,
            "encoding": records.encoding.name,
            "encoding_how": records.encoding.how,
            "dialect": records.dialect,
            "columns": records.columns,
        }
        self.found(found)
        self.transaction(lambda session: self._write(session, {"found": found}))

    def _read_all(self, records: RecordFile, mapping: FieldMapping, fingerprints: Fingerprints) -> None:
        rows = self._rows(records, mapping, fingerprints)
        while not self.is_stopping():
            batch = list(islice(rows, self.size))
            if not batch:
                return
            self.read += len(batch)
            began = clock.stopwatch()
            progress = self.transaction(lambda session, some=batch: self._store(session, some, records))  # type: ignore[misc]
            self._fit(clock.stopwatch() - began)
            self.report(progress)

    def _rows(
        self, records: Iterable[Any], mapping: FieldMapping, fingerprints: Fingerprints
    ) -> Iterator[dict[str, Any] | BadRecord]:
        """What there is to store. Rows that earlier runs have stored are read again only to number equal ones."""
        for n, record in enumerate(records):
            fingerprint = None if isinstance(record, BadRecord) else fingerprints.of(record.values)
            if n < self.skip:
                continue
            if isinstance(record, BadRecord):
                yield record
                continue
            try:
                yield _row(mapping.apply(record), fingerprint)
            except RowError as error:
                yield BadRecord(record.line, error.field, error.reason)

    def _fit(self, seconds: float) -> None:
        self.paces.append(self.size / max(seconds, 0.001))
        pace = min(median(self.paces), self.paces[-1])
        self.size = max(SMALLEST, min(LARGEST, int(pace * self.target)))

    def _store(self, session: Session, batch: list[Any], records: RecordFile) -> Progress:
        """One batch: the items, the problems and how far we are, all or nothing."""
        now = clock.now()
        self.target = LOCK_SECONDS[session.get_bind().dialect.name]
        job = session.execute(
            select(Import.records, Import.stored, Import.duplicates, Import.refused, Import.size)
            .where(Import.id == self.import_id, Import.lease == self.lease)
            .with_for_update()
        ).one_or_none()
        if job is None:
            raise TakenOver("Another process goes on with this import.")
        bad = [each for each in batch if isinstance(each, BadRecord)]
        good = [each for each in batch if not isinstance(each, BadRecord)]
        received = feedback.receive(session, self.caller, good, imported=not self.live, now=now)
        new = sum(one.is_new for one in received)
        self._keep_problems(session, bad, job.refused)
        progress = Progress(
            records=job.records + len(batch),
            stored=job.stored + new,
            duplicates=job.duplicates + len(good) - new,
            refused=job.refused + len(bad),
            bytes_read=records.bytes_read,
            size=job.size,
        )
        self._write(
            session,
            {name: getattr(progress, name) for name in ("records", "stored", "duplicates", "refused", "bytes_read")}
            | {"lease_until": now + LEASE},
        )
        return progress

    def _keep_problems(self, session: Session, bad: list[BadRecord], before: int) -> None:
        kept = bad[: max(0, PROBLEMS_KEPT - before)]
        if kept:
            rows = [
                {"import_id": self.import_id, "line": one.line, "field": one.field, "reason": one.reason}
                for one in kept
            ]
            session.execute(insert(ImportProblem.__table__), rows)  # type: ignore[arg-type]

    def _write(self, session: Session, values: Mapping[str, Any]) -> None:
        session.execute(update(Import).where(Import.id == self.import_id, Import.lease == self.lease).values(**values))

    def end(self, state: str, error: str | None = None) -> dict[str, Any]:
        """Close the import as `finished` or `failed`; the import as it is then. Raises TakenOver."""

        def work(session: Session) -> dict[str, Any]:
            now = clock.now()
            job = session.get_one(Import, self.import_id, with_for_update=True)
            if job.lease != self.lease:
                raise TakenOver("Another process goes on with this import.")
            job.state, job.error, job.finished_at, job.lease, job.lease_until = state, error, now, None, None
            session.flush()
            seen = imports_query.view(job)
            if state == "finished":
                fact = Fact("import.finished", job.id, {"import": seen}, self.caller, imported=not self.live)
                ledger.record(session, [fact], now=now)
            return seen

        return self.transaction(work)

    def _let_go(self) -> dict[str, Any]:
        def work(session: Session) -> dict[str, Any]:
            self._write(session, {"state": "queued", "lease": None, "lease_until": None})
            return imports_query.view(session.get_one(Import, self.import_id))

        return self.transaction(work)


def _row(row: FeedbackRow, fingerprint: str | None) -> dict[str, Any]:
    return {
        "source": row.source,
        "external_id": row.external_id,
        "fingerprint": None if row.external_id is not None else fingerprint,
        "text": row.text,
        "channel": row.channel,
        "touchpoint": row.touchpoint,
        "language": row.language,
        "metric": row.metric,
        "score": row.score,
        "received_at": row.received_at,
        "attributes": row.attributes,
        "customer": row.customer,
    }


def _sentences(refusal: Invalid) -> str:
    return "; ".join(f"{name}: {' '.join(sentences)}" for name, sentences in refusal.errors.items())
