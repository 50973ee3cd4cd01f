"""Templates of messages: kept by supervisors, checked when they are saved, tried out on a real item."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.letters.news import on_one_line
from cfm_workflow.models import Message, Template
from cfm_workflow.operations.messages.filling import sender_of, values_of
from cfm_workflow.operations.people import named_team
from cfm_workflow.policy import templates
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import templates as templates_query


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new template.

    Raises:
        Forbidden, Conflict: there are limits.TEMPLATES; Invalid: a variable is unknown, or there is no such team.
    """
    access.require(caller, "templates.manage")
    _check(fields["subject"], fields["body"], fields["kind"])
    values = _with_team(session, fields)
    if session.execute(select(func.count()).select_from(Template)).scalar_one() >= limits.TEMPLATES:
        raise Conflict(f"There are {limits.TEMPLATES} templates already.")
    template = Template(version=1, created_at=now, **values)
    session.add(template)
    session.flush()
    return _recorded(session, caller, "template.created", template, {}, now)


def change(
    session: Session, caller: Caller, template_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a template; what was written by it stays as it is.

    Raises:
        NotFound, Forbidden, Invalid: a variable is unknown, or there is no such team.
    """
    template = templates_query.find(session, template_id, lock=True)
    access.require(caller, "templates.manage")
    after = {name: fields.get(name, getattr(template, name)) for name in ("subject", "body", "kind")}
    _check(after["subject"], after["body"], after["kind"])
    values = _with_team(session, fields)
    changes = ledger.changes(template, values)
    for name in changes:
        setattr(template, name, values[name])
    if not changes:
        return templates_query.show(session, template)
    template.version += 1
    session.flush()
    return _recorded(session, caller, "template.changed", template, {"changes": changes}, now)


def remove(session: Session, caller: Caller, template_id: int, *, now: datetime) -> None:
    """Delete a template by which nothing was written.

    Raises:
        NotFound, Forbidden, Conflict: it was used.
    """
    template = templates_query.find(session, template_id, lock=True)
    access.require(caller, "templates.manage")
    if session.scalars(select(Message.id).where(Message.template_id == template_id).limit(1)).first() is not None:
        raise Conflict("Messages were written by this template: set active to false instead.")
    seen = templates_query.show(session, template)
    session.delete(template)
    session.flush()
    ledger.record(session, [Fact("template.deleted", template_id, {"template": seen}, caller)], now=now)


def preview(
    session: Session, caller: Caller, wanted: Mapping[str, Any], *, template_id: int | None = None
) -> dict[str, Any]:
    """How a mail to the customer of an item would read, by a stored template or by one that is being written.

    Raises:
        NotFound: there is no such template; Forbidden; Invalid: there is no such item, or a variable is unknown.
    """
    stored = None if template_id is None else templates_query.find(session, template_id)
    access.require(caller, "message.write")
    subject, body, language, kind = (
        (stored.subject, stored.body, stored.language, stored.kind)
        if stored is not None
        else (wanted["subject"], wanted["body"], wanted["language"], wanted["kind"])
    )
    _check(subject, body, kind)
    try:
        item = feedback_query.find(session, caller, wanted["feedback"])
    except NotFound:
        raise Invalid({"feedback": ["must be the id of a feedback item"]}) from None
    values = values_of(sender_of(session, caller), item, language)
    return {
        "subject": on_one_line(templates.fill(subject, values), limits.SUBJECT),
        "body": templates.fill(body, values),
        "language": language,
    }


def _check(subject: str, body: str, kind: str) -> None:
    wrong = templates.mistakes(subject, body, kind=kind)
    if wrong:
        raise Invalid(wrong)


def _with_team(session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    if "team" in values:
        ref = values.pop("team")
        values["team_id"] = None if ref is None else named_team(session, ref, field="team").id
    return values


def _recorded(
    session: Session, caller: Caller, event_type: str, template: Template, more: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    seen = templates_query.show(session, template)
    ledger.record(session, [Fact(event_type, template.id, {"template": dict(seen), **more}, caller)], now=now)
    return seen
