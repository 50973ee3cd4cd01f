"""Who works in the demo: its people and their teams."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.cli.opening import CALLER
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import TeamIn, UserIn
from cfm_workflow.operations import people
from cfm_workflow.queries import callers
from cfm_workflow.service import Service

ZONES: Final = {"ko": "Asia/Seoul"}
"""Where people of a language live; all others where the installation is."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids of people by their key in the story, the language of each id, and the members of teams by key."""

    people: Mapping[str, int]
    languages: Mapping[int, str]
    members: Mapping[str, list[int]]
    leads: Mapping[str, int]

    def as_caller(self, session: Session, account_id: int) -> Caller:
        """Somebody at work."""
        caller = callers.by_id(session, account_id)
        assert caller is not None
        return caller


def hire(service: Service, story: Mapping[str, Any], *, now: datetime) -> Cast:
    """Make the people and teams of the story, in one transaction."""
    language = service.settings.language.value

    def work(session: Session) -> Cast:
        ids = {key: _person(session, service, key, each, now) for key, each in story["people"].items()}
        members = {
            key: [ids[who] for who, each in story["people"].items() if key in each["teams"]] for key in story["teams"]
        }
        for key, team in story["teams"].items():
            said = {"key": key, "name": team["name"][language], "lead": ids[team["lead"]], "members": members[key]}
            people.create_team(session, CALLER, load(TeamIn(), said), now=now)
        languages = {ids[key]: each["language"] for key, each in story["people"].items()}
        return Cast(ids, languages, members, {key: ids[team["lead"]] for key, team in story["teams"].items()})

    return service.database.transaction(work)


def _person(session: Session, service: Service, key: str, each: Mapping[str, Any], now: datetime) -> int:
    zone = ZONES.get(each["language"], service.settings.time_zone.key)
    said = {name: each[name] for name in ("name", "role", "language")}
    fields = load(UserIn(), {**said, "email": f"{key}@example.com", "time_zone": zone})
    made: int = people.create_user(session, CALLER, fields, now=now)["id"]
    return made
