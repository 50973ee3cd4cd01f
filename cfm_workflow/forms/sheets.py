"""Tables as files for a spreadsheet: CSV and XLSX, written row by row, in which nothing is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula; the last four are their wide forms."""
_LONGEST: Final = 32_767
"""Characters in a cell of XLSX; Excel repairs a file that holds more."""
_SHEET_NAME: Final = 31


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with a name. Rows may be made while they are written."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


def write_csv(sheets: Iterable[Sheet], zone: ZoneInfo) -> IO[bytes]:
    """The sheets below each other, in UTF-8 with a byte order mark, without which Excel reads Korean wrongly.

    Instants are in `zone`, to the second, without saying so: as a spreadsheet knows them.
    """
    begun = _begun(sheets)
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    writer = csv.writer(text)
    for n, sheet in enumerate(begun):
        if n:
            writer.writerow([])
        writer.writerow([_as_text(cell, zone) for cell in sheet.header])
        writer.writerows([_as_text(cell, zone) for cell in row] for row in sheet.rows)
    text.flush()
    text.detach()
    file.seek(0)
    return file


def _begun(sheets: Iterable[Sheet]) -> list[Sheet]:
    """The sheets with the first row of each read: what is refused is refused before there is a file."""
    begun = []
    for sheet in sheets:
        rows = iter(sheet.rows)
        begun.append(replace(sheet, rows=chain(list(islice(rows, 1)), rows)))
    return begun


def _as_text(cell: Any, zone: ZoneInfo) -> Any:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return cell


def write_xlsx(sheets: Iterable[Sheet], zone: ZoneInfo) -> IO[bytes]:
    """A workbook, written row by row; instants are dates, in `zone`, and text is never anything else."""
    begun = _begun(sheets)
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    workbook = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
    bold = workbook.add_format({"bold": True})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    for sheet in begun:
        page = workbook.add_worksheet(sheet.name[:_SHEET_NAME])
        page.freeze_panes(1, 0)
        for column, name in enumerate(sheet.header):
            page.write_string(0, column, name, bold)
        for n, row in enumerate(sheet.rows, 1):
            for column, cell in enumerate(row):
                _put(page, n, column, cell, zone, day)
    workbook.close()
    file.seek(0)
    return file


def _put(page: Any, row: int, column: int, cell: Any, zone: ZoneInfo, day: Any) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell)
    elif isinstance(cell, datetime):
        page.write_datetime(row, column, cell.astimezone(zone).replace(tzinfo=None, microsecond=0))
    elif isinstance(cell, date):
        page.write_datetime(row, column, cell, day)
    else:
        page.write_string(row, column, str(cell)[:_LONGEST])


WRITERS: Final = {"csv": (CSV, write_csv), "xlsx": (XLSX, write_xlsx)}
"""By the ending of the path: the media type, and what writes it."""
