"""Reports as plain tables, a row per line of the page; for files. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

Table = tuple[str, list[str], list[list[Any]]]
"""A name, the columns, the rows."""


def of_overview(report: Mapping[str, Any]) -> list[Table]:
    steps = report["over_time"]["steps"]
    counted = ["opened", "finished", "became_overdue"]
    return [
        ("figures", ["figure", "value"], _figures(report["now"]) + _figures(report["happened"])),
        (
            "over time",
            ["from", "to", *counted],
            [[_day(each["from"]), _day(each["to"]), *_values(each, counted)] for each in steps],
        ),
        ("outcomes", ["outcome", "actions"], [[_["outcome"], _["actions"]["value"]] for _ in report["outcomes"]]),
        (
            "root causes",
            ["root_cause", "actions"],
            [[_["root_cause"], _["actions"]["value"]] for _ in report["root_causes"]],
        ),
    ]


def of_overdue(report: Mapping[str, Any]) -> list[Table]:
    ages = [_age(each) for each in report["by_age"]]
    tables: list[Table] = []
    for name, key in (("by team", "team"), ("by person", "person")):
        rows = [
            [
                (each[key] or {}).get("name"),
                each["overdue"]["value"],
                *(age["actions"]["value"] for age in each["by_age"]),
                each["not_accepted_in_time"]["value"],
            ]
            for each in report[f"by_{key}"]
        ]
        tables.append((name, [key, "overdue", *ages, "not_accepted_in_time"], rows))
    return tables


def _age(each: Mapping[str, Any]) -> str:
    return f"{each['days_min']}-{each['days_max'] or ''} days"


def of_workload(report: Mapping[str, Any]) -> list[Table]:
    counted = ["open", "overdue", "waiting", "due_this_week"]
    rows = [
        [
            each["person"]["name"],
            each["person"]["email"],
            *_values(each, counted),
            (each["away"] or {}).get("until"),
            ((each["away"] or {}).get("deputy") or {}).get("name"),
        ]
        for each in report["people"]
    ]
    unassigned = [None, None, *_values(report["unassigned"], counted), None, None]
    return [("workload", ["person", "email", *counted, "away_until", "deputy"], [*rows, unassigned])]


def of_process(report: Mapping[str, Any]) -> list[Table]:
    steps, states = [], []
    took = ["median_seconds", "p90_seconds"]
    for drawn in report["workflows"]:
        states += [
            [
                drawn["workflow"],
                each["state"],
                (each["now"] or {}).get("value"),
                each["visits"]["value"],
                *(each[name] for name in took),
            ]
            for each in drawn["states"]
        ]
        steps += [
            [
                drawn["workflow"],
                each["from"],
                each["transition"],
                each["to"],
                each["visits"]["value"],
                *(each[name] for name in took),
                each["slowest"],
            ]
            for each in drawn["steps"]
        ]
    return [
        ("steps", ["workflow", "from", "transition", "to", "visits", *took, "slowest"], steps),
        ("states", ["workflow", "state", "now", "visits", *took], states),
    ]


def of_metrics(report: Mapping[str, Any]) -> list[Table]:
    split: list[list[Any]] = []
    steps: list[list[Any]] = []
    for each in report["metrics"]:
        name = each["metric"]
        split.append([name, None, None, *_result(each)])
        split += [[name, part["channel"], None, *_result(part)] for part in each["by_channel"]]
        split += [[name, None, part["source"], *_result(part)] for part in each["by_source"]]
        steps += [[name, _day(step["from"]), _day(step["to"]), *_result(step)] for step in each["over_time"]]
    return [
        ("metrics", ["metric", "channel", "source", "value", "n"], split),
        ("over time", ["metric", "from", "to", "value", "n"], steps),
    ]


def of_weekly(report: Mapping[str, Any]) -> list[Table]:
    rows = [[each["figure"], each["value"], each["before"]["value"]] for each in report["figures"]]
    return [(report["week"], ["figure", "value", "week_before"], rows)]


def _figures(figures: Mapping[str, Any]) -> list[list[Any]]:
    return [[name, figure["value"]] for name, figure in figures.items()]


def _values(line: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    return [line[name]["value"] for name in names]


def _result(line: Mapping[str, Any]) -> list[Any]:
    return [line["result"]["value"], line["result"]["n"]]


def _day(text: str) -> date:
    return date.fromisoformat(text)
