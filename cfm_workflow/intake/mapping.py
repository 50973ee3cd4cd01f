"""Which column of a file becomes which field of a feedback item, checked once; then row by row, fast.

Collects everything that is wrong with the mapping before refusing it; stores nothing.
"""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cfm_workflow import clock, limits
from cfm_workflow.errors import Invalid
from cfm_workflow.intake.fields import (
    ATTRIBUTES,
    FIELDS,
    Cleaner,
    attribute,
    check_attributes,
    check_scale,
    find_field,
)
from cfm_workflow.intake.instants import Instants, check_date_format, find_zone
from cfm_workflow.intake.reading import Record
from cfm_workflow.intake.refusals import RowError, Unfit, suggestion
from cfm_workflow.policy.metrics import SCALES

CUSTOMER: Final = "customer."


@dataclass(slots=True)
class FeedbackRow:
    """The clean fields of one item. `customer` has only the members the row names; instants are aware, in UTC."""

    source: str
    text: str
    external_id: str | None = None
    channel: str | None = None
    touchpoint: str | None = None
    language: str | None = None
    metric: str | None = None
    score: int | None = None
    received_at: datetime | None = None
    customer: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


class Mapping:
    """A checked mapping; `columns` is what it uses, by field."""

    def __init__(
        self,
        columns: dict[str, str],
        *,
        source: str,
        constants: dict[str, Any],
        cleaners: dict[str, Cleaner],
        open_attributes: bool,
    ) -> None:
        self.columns = columns
        self.source = source
        self._constants = constants
        self._plan = [(name, column, cleaners[name]) for name, column in columns.items()]
        self._open_attributes = open_attributes
        self._metric_is_constant = "metric" in constants

    @classmethod
    def build(
        cls,
        columns: Sequence[str] | None,
        *,
        source: str,
        fields: AnyMapping[str, str] | None = None,
        constants: AnyMapping[str, str] | None = None,
        date_format: str | None = None,
        time_zone: str | None = None,
        now: datetime | None = None,
    ) -> "Mapping":
        """Check a mapping against the columns of a file.

        Args:
            columns: the header of a CSV file; None for JSONL, whose lines may differ.
            source: where the feedback is from; part of each row's identity.
            fields: field -> column; without any, columns named like fields are taken.
            constants: field -> one value for all rows.
            date_format: as strptime has it, when received_at is not in ISO 8601.
            time_zone: IANA name for times without an offset.
            now: the present; instants more than a day later are refused.

        Raises:
            Invalid: all that is wrong, under `map.FIELD`, `constant.FIELD`, `source`, `date_format`, `time_zone`.
        """
        problems: dict[str, list[str]] = {}
        chosen = dict(fields) if fields else _by_name(columns)
        instants = _instants(date_format, time_zone, "received_at" in chosen, now or clock.now(), problems)
        cleaners = _cleaners([*chosen, *(constants or {})], instants)
        _check_columns(chosen, columns, by_name=not fields, problems=problems)
        fixed = _checked_constants(constants or {}, chosen, cleaners, problems)
        _check_metric({*chosen, *(constants or {})}, problems)
        if not source.strip() or len(source.strip()) > limits.SOURCE or "\0" in source:
            problems["source"] = [f"A name of 1 to {limits.SOURCE} characters is needed."]
        if problems:
            raise Invalid(problems)
        return cls(
            chosen,
            source=source.strip(),
            constants=fixed,
            cleaners=cleaners,
            open_attributes=columns is None and not fields,
        )

    def apply(self, record: Record) -> FeedbackRow:
        """The clean row of a record.

        Raises:
            RowError: a value does not fit its field, or the text is missing.
        """
        values = record.values
        got: dict[str, Any] = dict(self._constants)
        for name, column, clean in self._plan:
            value = values.get(column)
            if value is None or value == "":
                continue
            try:
                cleaned = clean(value)
            except Unfit as unfit:
                raise RowError(name, str(unfit), column=column) from None
            if cleaned is not None:
                got[name] = cleaned
        return self._row(got, values)

    def _row(self, got: dict[str, Any], values: dict[str, Any]) -> FeedbackRow:
        text = got.pop("text", None)
        if text is None:
            raise RowError("text", "The text is missing.", column=self.columns["text"])
        row = FeedbackRow(self.source, text)
        for name, value in got.items():
            if name.startswith(ATTRIBUTES):
                row.attributes[name[len(ATTRIBUTES) :]] = value
            elif name.startswith(CUSTOMER):
                row.customer[name[len(CUSTOMER) :]] = value
            else:
                setattr(row, name, value)
        if self._open_attributes:
            _add_open_attributes(row, values)
        self._check_score(row)
        if row.attributes:
            _check("attributes", check_attributes, row.attributes)
        return row

    def _check_score(self, row: FeedbackRow) -> None:
        """A constant metric is what the scores are of; a row without a score has none, and no metric then."""
        if row.score is not None and row.metric is not None:
            _check("score", check_scale, row.metric, row.score, column=self.columns.get("score"))
        elif row.score is not None:
            raise RowError(
                "metric", "A score needs its metric: nps, csat, ces or gcr.", column=self.columns.get("metric")
            )
        elif self._metric_is_constant:
            row.metric = None
        elif row.metric is not None:
            raise RowError("score", "A metric needs its score.", column=self.columns.get("score"))


def _check(name: str, check: Any, *facts: Any, column: str | None = None) -> None:
    try:
        check(*facts)
    except Unfit as unfit:
        raise RowError(name, str(unfit), column=column) from None


def _add_open_attributes(row: FeedbackRow, values: dict[str, Any]) -> None:
    for column, value in values.items():
        if column.startswith(ATTRIBUTES) and value is not None:
            if find_field(column) is None:
                raise RowError("attributes", f"{column[len(ATTRIBUTES) :][:40]!r} is no name for an attribute.")
            try:
                cleaned = attribute(value)
            except Unfit as unfit:
                raise RowError(column, str(unfit)) from None
            if cleaned is not None:
                row.attributes[column[len(ATTRIBUTES) :]] = cleaned


def _by_name(columns: Sequence[str] | None) -> dict[str, str]:
    if columns is None:
        return {name: name for name in FIELDS}
    return {name: name for name in columns if find_field(name) is not None}


def _cleaners(names: Sequence[str], instants: Instants) -> dict[str, Cleaner]:
    found = ((name, find_field(name)) for name in names)
    return {name: known.clean or instants for name, known in found if known is not None}


def _instants(
    date_format: str | None, time_zone: str | None, needed: bool, now: datetime, problems: dict[str, list[str]]
) -> Instants:
    zone = None
    try:
        zone = find_zone(time_zone) if time_zone else None
    except Unfit as unfit:
        problems["time_zone"] = [str(unfit)]
    try:
        if date_format:
            check_date_format(date_format)
    except Unfit as unfit:
        problems["date_format"] = [str(unfit)]
    if needed and date_format and "%z" not in date_format and not time_zone:
        problems["time_zone"] = [
            "The date format has no offset (%z): say where the times were taken, as in Asia/Seoul."
        ]
    return Instants(date_format=date_format or None, zone=zone, now=now)


def _check_columns(
    chosen: dict[str, str], columns: Sequence[str] | None, *, by_name: bool, problems: dict[str, list[str]]
) -> None:
    known = list(FIELDS)
    listed = "" if columns is None else f" Its columns: {', '.join(columns)}."
    for name, column in chosen.items():
        if find_field(name) is None:
            problems[f"map.{name}"] = [
                f"There is no field {name!r}.{suggestion(name, known)} Fields: {', '.join(known)}, attributes.NAME."
            ]
        elif columns is not None and column not in columns:
            problems[f"map.{name}"] = [f"The file has no column {column!r}.{suggestion(column, list(columns))}{listed}"]
    if "text" not in chosen:
        missing = "No column is named text: say" if by_name else "Say"
        problems["map.text"] = [f"{missing} which column holds the text.{listed}"]
    if sum(name.startswith(ATTRIBUTES) for name in chosen) > limits.ATTRIBUTE_KEYS:
        problems["map.attributes"] = [f"At most {limits.ATTRIBUTE_KEYS} attributes are kept."]


def _check_metric(given: set[str], problems: dict[str, list[str]]) -> None:
    if "score" in given and "metric" not in given:
        problems.setdefault(
            "map.metric", [f"A score needs its metric: a column, or constant.metric={'|'.join(SCALES)}."]
        )
    if "metric" in given and "score" not in given:
        problems.setdefault("map.score", ["A metric needs its score: say which column holds it."])


def _checked_constants(
    constants: AnyMapping[str, str],
    chosen: dict[str, str],
    cleaners: dict[str, Cleaner],
    problems: dict[str, list[str]],
) -> dict[str, Any]:
    fixed: dict[str, Any] = {}
    for name, value in constants.items():
        try:
            fixed[name] = _constant(name, value, chosen, cleaners)
        except Unfit as unfit:
            problems[f"constant.{name}"] = [str(unfit)]
    return {name: value for name, value in fixed.items() if value is not None}


def _constant(name: str, value: str, chosen: dict[str, str], cleaners: dict[str, Cleaner]) -> Any:
    known = find_field(name)
    allowed = [field_name for field_name, entry in FIELDS.items() if entry.constant]
    if known is None or not known.constant:
        raise Unfit(f"{name!r} cannot be one value for all rows. Possible: {', '.join(allowed)}, attributes.NAME.")
    if name in chosen:
        raise Unfit(f"{name!r} is read from the column {chosen[name]!r} already.")
    if "\0" in value:
        raise Unfit("The value holds a NUL character, which cannot be stored.")
    return cleaners[name](value)
