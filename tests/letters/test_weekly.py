"""The letter of the weekly report: every figure in both languages, and that no name of a team breaks out of it."""

from typing import Any

import pytest

from cfm_workflow.letters import Reader, Weekly, compose_weekly, headers
from cfm_workflow.letters.weekly import GROUPS, TEAMS_NAMED
from cfm_workflow.texts import LANGUAGES, zone_named
from tests.letters.samples import BASE, READER
from tests.letters.test_letters import HANGUL, HOSTILE, Seen

TOKENS = {"preferences": "p" * 90, "weekly_report": "w" * 90}
ROWS = "/actions?finished_from=2026-11-16T00%3A00%3A00Z&belongs_to=1%2C2"


def report(value: float | None, before: float | None) -> dict[str, Any]:
    """One in which every figure is the same."""
    now, then = ({"value": each, "rows": ROWS} for each in (value, before))
    figures = [{"figure": name, **now, "before": then} for _, names in GROUPS for name in names]
    period = {"from": "2026-11-16", "to": "2026-11-22", "time_zone": "Asia/Seoul"}
    return {"week": "2026-W47", "period": period, "figures": figures}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("value", "before"), [(12, 3), (0, 0), (None, 5), (-4.25, None), (3_600_000, 1.5)])
def test_every_figure_is_told_in_every_language(value: float | None, before: float | None, language: str) -> None:
    reader = Reader(READER, language, zone_named("UTC"))
    found = compose_weekly(Weekly(report(value, before), None), reader, base_url=BASE, tokens=TOKENS)
    seen = Seen(found.html)
    assert seen.language == language and not seen.tags & {"script", "img", "link", "iframe", "form"}
    assert all(link.startswith(f"{BASE}/") for link in seen.links)
    for text in (found.subject, found.text, seen.text):
        assert "None" not in text and "%(" not in text and (language != "ko" or HANGUL.search(text))
    lists = [link for link in seen.links if "/supervision/actions?" in link]
    assert len(lists) == 14 * (bool(value) + bool(before))


def test_names_of_teams_stay_text_on_their_line_and_are_not_too_many() -> None:
    reader = Reader(READER, "en", zone_named("UTC"))
    teams = [HOSTILE, *(f"Team {n}" for n in range(TEAMS_NAMED + 1))]
    found = compose_weekly(Weekly(report(1, 1), teams), reader, base_url=BASE, tokens=TOKENS)
    [line] = [line for line in found.text.split("\n") if line.startswith("Work of ")]
    assert line.endswith("Team 3 (+2)") and "\u202e" not in line and "\r" not in line
    assert "script" not in Seen(found.html).tags
    told = headers(found, installation="one", base_url=BASE)
    assert told["List-Unsubscribe"] == f"<{BASE}/l/{TOKENS['weekly_report']}>"
