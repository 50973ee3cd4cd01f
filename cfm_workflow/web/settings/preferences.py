"""What people hear of: each for themselves, with digest and working hours; and what holds for who chose nothing."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cfm_workflow.access import allows
from cfm_workflow.forms.following import MyPreferencesIn, PreferencesIn
from cfm_workflow.forms.loading import load
from cfm_workflow.operations import digests, preferences
from cfm_workflow.policy.audiences import KINDS, Level
from cfm_workflow.policy.digests import Every
from cfm_workflow.policy.weekly import is_wanted
from cfm_workflow.queries import following as following_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.kinds import LEVELS, SECTIONS
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import filled, worded
from cfm_workflow.web.settings.weeks import HOURS, day_names, read_week, write_week
from cfm_workflow.web.speech import say

EVERY: Final = {Every.DAY: mark("Every day"), Every.WEEK: mark("Every week"), Every.NEVER: mark("Never")}
AT: Final = mark("A time such as 08:00.")
_OWN: Final = "/settings/preferences"
_ALL: Final = "/settings/notices"
_BEFORE: Final = "notice:"
"""Before the names of kinds, to tell them from the other fields."""


@page("GET", _OWN, "preferences", right="self.read")
def own(visit: Visit) -> Shown:
    """What the reader hears of at once, in the digest or never; when the digest comes; when they work."""
    account = people_query.find_user(visit.session, visit.caller.id or 0)
    chosen = following_query.own_choices(visit.session, account.id)
    usual = following_query.preferences({}, following_query.defaults(visit.session))["notices"]
    values = {
        "sections": sections(chosen, usual),
        "levels": _levels(),
        "may_see_reports": allows(visit.caller, "reports.read"),
        "weekly_report": is_wanted(account.role, account.weekly_report),
        "digest": digests.digest_of(account),
        "every": [(every.value, say(label)) for every, label in EVERY.items()],
        "days": day_names(),
        "has_hours": account.working_hours is not None,
        "hours": write_week(account.working_hours or {}),
    }
    return Shown("settings/preferences.html", values)


def _levels() -> list[tuple[str, str]]:
    return [(level.value, say(label)) for level, label in LEVELS.items()]


def sections(chosen: Mapping[str, Level], usual: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every kind with what was chosen for it and what holds without."""
    return [
        {
            "name": say(section),
            "kinds": [
                {
                    "field": _BEFORE + kind,
                    "name": say(name),
                    "level": chosen.get(kind, ""),
                    "usual": _in_words(usual[kind]["relations"].values()),
                }
                for kind, name in kinds.items()
            ],
        }
        for section, kinds in SECTIONS.items()
    ]


def _in_words(levels: Iterable[Level]) -> str:
    """The levels there are among the relations, the most urgent first."""
    there = set(levels)
    return " / ".join(say(label) for level, label in LEVELS.items() if level in there)


def _notices(visit: Visit) -> dict[str, str | None]:
    names = (kind for kind in KINDS if _BEFORE + kind in visit.form)
    return {kind: visit.form[_BEFORE + kind] or None for kind in names}


@page("POST", _OWN, "change_preferences", right="self.read", again=own, once=False)
def change_own(visit: Visit) -> See:
    """Choose."""
    given: dict[str, Any] = {
        "notices": _notices(visit),
        "digest": filled(visit.form, "every", "on", "at"),
        "working_hours": read_week(visit.form) if "has_hours" in visit.form else None,
    }
    account = people_query.find_user(visit.session, visit.caller.id or 0)
    wanted = "weekly_report" in visit.form
    if wanted != is_wanted(account.role, account.weekly_report):  # else it stays a choice that was never made
        given["weekly_report"] = wanted
    with worded({"working_hours": HOURS, "digest.at": AT}):
        preferences.change_own(visit.session, visit.caller, load(MyPreferencesIn(), given), now=visit.now)
    return See(_OWN, Said(say(SAVED)))


@page("GET", _ALL, "default_notices", right="settings.manage")
def for_all(visit: Visit) -> Shown:
    """What holds for everybody who chose nothing."""
    built_in = following_query.preferences({}, {})["notices"]
    values = {"sections": sections(following_query.defaults(visit.session), built_in), "levels": _levels()}
    return Shown("settings/notices.html", values)


@page("POST", _ALL, "change_default_notices", right="settings.manage", again=for_all, once=False)
def change_for_all(visit: Visit) -> See:
    """Decide it."""
    fields = load(PreferencesIn(), {"notices": _notices(visit)})
    preferences.change_defaults(visit.session, visit.caller, fields["notices"], now=visit.now)
    return See(_ALL, Said(say(SAVED)))
