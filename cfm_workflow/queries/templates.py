"""Templates as everybody sees them, and which one fits. Never writes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import NotFound
from cfm_workflow.models import Team, Template
from cfm_workflow.queries.pages import Page, Sort, fetch_page

SELECT: Final[Any] = select(Template, Team.key.label("team_key"), Team.name.label("team_name")).outerjoin(
    Team, Team.id == Template.team_id
)


def find(session: Session, template_id: int, *, lock: bool = False) -> Template:
    """Raises NotFound unless there is such a template."""
    template = session.get(Template, template_id, with_for_update={"key_share": True} if lock else None)
    if template is None:
        raise NotFound("template", template_id)
    return template


def show(session: Session, template: Template) -> dict[str, Any]:
    """A template in the words of the API."""
    team = None if template.team_id is None else session.get(Team, template.team_id)
    return view(template, None if team is None else (team.key, team.name))


def view(template: Template, team: tuple[str, str] | None) -> dict[str, Any]:
    """The same with the key and the name of its team at hand."""
    return {
        "id": template.id,
        "name": template.name,
        "kind": template.kind,
        "language": template.language,
        "team": None if team is None else {"id": template.team_id, "key": team[0], "name": team[1]},
        "subject": template.subject,
        "body": template.body,
        "active": template.active,
        "version": template.version,
        "created_at": template.created_at,
    }


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of templates; filters `kind`, `language`, `active`."""
    query = SELECT
    for name in ("kind", "language"):
        if wanted.get(name) is not None:
            query = query.where(getattr(Template, name) == wanted[name])
    if wanted.get("active") is not None:
        query = query.where(Template.active if wanted["active"] else ~Template.active)
    return fetch_page(
        session,
        query,
        wanted,
        {"id": Sort((Template.id,))},
        present=lambda row: view(row[0], None if row.team_key is None else (row.team_key, row.team_name)),
    )


def best(session: Session, kind: str, *, languages: Sequence[str], teams: Collection[int]) -> Template | None:
    """The template of a kind in the first of `languages` that has one, that of one of the `teams` first, the newest
    first; in any language when none has one."""
    query = select(Template).where(Template.kind == kind, Template.active).order_by(Template.id.desc())
    fitting = [each for each in session.scalars(query) if each.team_id is None or each.team_id in teams]

    def rank(template: Template) -> tuple[int, bool]:
        known = template.language in languages
        return languages.index(template.language) if known else len(languages), template.team_id is None

    return min(fitting, key=rank, default=None)
