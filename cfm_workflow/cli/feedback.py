"""`cfm feedback import`: a file of feedback into the database, beside the running service."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cfm_workflow import clock
from cfm_workflow.cli.opening import CALLER, opened, settle
from cfm_workflow.operations import imports
from cfm_workflow.queries import imports as imports_query
from cfm_workflow.service import Service

SHOWN = 20


@click.group()
def group() -> None:
    """Bring in files of feedback."""


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict[str, str]()
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{pair!r} must be FIELD=VALUE.")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice.")
        pairs[name] = value
    return pairs


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "fields", multiple=True, callback=_pairs, metavar="FIELD=COLUMN", help="Where a field comes from."
)
@click.option(
    "--constant", "constants", multiple=True, callback=_pairs, metavar="FIELD=VALUE", help="One for all rows."
)
@click.option("--source", default="import", show_default=True, help="Where it is from; part of each row's identity.")
@click.option("--date-format", help="Of received_at, as in strptime, when it is not ISO 8601.")
@click.option("--time-zone", help="Of times without an offset, such as Asia/Seoul.")
@click.option("--encoding", help="Found out unless given.")
@click.option("--delimiter", help="Found out unless given.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="Found out unless given.")
@click.option("--live", is_flag=True, help="As if it came in now, not as history.")
def import_file(
    file: Path,
    fields: Mapping[str, str],
    constants: Mapping[str, str],
    source: str,
    date_format: str | None,
    time_zone: str | None,
    encoding: str | None,
    delimiter: str | None,
    kind: str | None,
    live: bool,
) -> int:
    """Import FILE (CSV or JSONL); may be interrupted: the same command goes on, and nothing is stored twice."""
    options = {
        "fields": fields,
        "constants": constants,
        "source": source,
        "date_format": date_format,
        "time_zone": time_zone,
        "encoding": encoding,
        "delimiter": delimiter,
        "format": kind,
        "live": live,
    }
    console = Console(stderr=True, highlight=False)
    with opened() as service:
        run = _begin(service, file, options)
        run.found = lambda found: _say_found(console, found)
        settle()
        try:
            with _bar(console, file.stat().st_size) as report:
                run.report = report
                ended = run.go()
        except KeyboardInterrupt:
            _say_interrupted(service, console, run.import_id)
            raise
        _say_ended(service, console, ended)
    return 0 if ended["state"] == "finished" else 1


def _begin(service: Service, file: Path, options: Mapping[str, Any]) -> imports.Run:
    now = clock.now()
    where = str(file.resolve())

    def work(session: Any) -> tuple[int, str, int]:
        job = imports.queue(session, CALLER, file, options, name=file.name, stored_as=where, now=now)
        return job["id"], imports.take(session, job["id"], now=now), job["records"]

    import_id, lease, skip = service.database.transaction(work)
    return imports.Run(
        transaction=service.database.transaction,
        caller=CALLER,
        import_id=import_id,
        lease=lease,
        path=file,
        options=options,
        live=bool(options["live"]),
        skip=skip,
    )


def _say_found(console: Console, found: Mapping[str, Any]) -> None:
    console.print(f"{found['encoding']} ({found['encoding_how']}); {found['dialect']}", markup=False)


def _bar(console: Console, size: int) -> AbstractContextManager[Callable[[imports.Progress], None]]:
    """A progress bar with rate and time left; on a terminal only."""
    if not console.is_terminal:
        return nullcontext(lambda progress: None)
    return _Bar(console, size)


class _Bar(AbstractContextManager[Callable[[imports.Progress], None]]):
    def __init__(self, console: Console, size: int) -> None:
        texts = TextColumn("{task.fields[said]}")
        self._bar = Progress(
            BarColumn(), TextColumn("{task.percentage:>3.0f} %"), texts, TimeRemainingColumn(), console=console
        )
        self._task = self._bar.add_task("", total=max(size, 1), said="")
        self._began = clock.stopwatch()
        self._first: int | None = None

    def __enter__(self) -> Callable[[imports.Progress], None]:
        self._bar.start()
        return self._show

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def _show(self, progress: imports.Progress) -> None:
        if self._first is None:
            self._first = progress.records
        seconds = max(clock.stopwatch() - self._began, 0.001)
        rate = (progress.records - self._first) / seconds
        said = f"{progress.records:,} rows, {rate:,.0f} a second, {progress.refused:,} refused"
        self._bar.update(self._task, completed=progress.bytes_read, said=said)


def _say_interrupted(service: Service, console: Console, import_id: int) -> None:
    with service.database.reading() as session:
        job = imports_query.view(imports_query.find(session, import_id))
    console.print(f"Interrupted after {job['records']:,} rows; the same command goes on from there.", markup=False)


def _say_ended(service: Service, console: Console, ended: Mapping[str, Any]) -> None:
    with service.database.reading() as session:
        problems = imports_query.problems(session, ended["id"], {"limit": SHOWN}).items
    for problem in problems:
        console.print(f"line {problem['line']}: {problem['field'] or 'row'}: {problem['reason']}", markup=False)
    if ended["refused"] > len(problems):
        console.print(f"... and {ended['refused'] - len(problems):,} more lines.", markup=False)
    if ended["error"]:
        console.print(ended["error"], markup=False)
    counts = f"{ended['stored']:,} stored, {ended['duplicates']:,} known already, {ended['refused']:,} refused"
    rate = f", {ended['rate']:,.0f} rows a second" if ended["rate"] else ""
    console.print(f"{ended['state']}: {ended['records']:,} rows: {counts}{rate}.", markup=False)
