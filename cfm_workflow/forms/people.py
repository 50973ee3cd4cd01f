"""Users, teams, integrations and tokens, in and out."""

from typing import Any

from marshmallow import Schema, fields, validate

from cfm_workflow import limits
from cfm_workflow.access import SCOPES
from cfm_workflow.forms.fields import (
    Email,
    Flag,
    Form,
    Ident,
    Key,
    Moment,
    QueryFlag,
    QueryIdent,
    Ref,
    Text,
    TimeZone,
)
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.models.people import Role, TeamMode

ROLES = [role.value for role in Role]
MODES = [mode.value for mode in TeamMode]
LANGUAGES = ["en", "ko"]


def _ref_list(**kwargs: Any) -> fields.List[Any]:
    return fields.List(Ref(), validate=validate.Length(max=limits.TEAM_MEMBERS), **kwargs)


class UserIn(Form):
    email = Email(required=True)
    name = Text(limits.NAME, required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    time_zone = TimeZone()
    teams = _ref_list(load_default=list, metadata={"description": "Teams by id or key."})
    supervises = _ref_list(load_default=list, metadata={"description": "Limits a supervisor to these teams."})


class SetupIn(Form):
    """Who begins: the first administrator, or whoever was invited."""

    name = Text(limits.NAME, required=True)
    email = Email(required=True)


class UserChange(Form):
    email = Email()
    name = Text(limits.NAME)
    role = fields.String(validate=validate.OneOf(ROLES))
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    time_zone = TimeZone()
    supervises = _ref_list()
    active = Flag()


class MeChange(Form):
    name = Text(limits.NAME)
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    time_zone = TimeZone()


class UserQuery(PageQuery):
    q = Text(limits.QUERY, metadata={"description": "Part of the name or address."})
    role = fields.String(validate=validate.OneOf(ROLES))
    active = QueryFlag()
    team = QueryIdent()


class PersonOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)


class MemberOut(PersonOut):
    active = fields.Boolean(required=True)


class TeamNameOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)


class CalendarNameOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class UserOut(Schema):
    id = fields.Integer(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    language = fields.String(required=True)
    time_zone = fields.String(required=True)
    active = fields.Boolean(required=True)
    teams = fields.List(fields.Nested(TeamNameOut), required=True)
    supervises = fields.List(fields.Nested(TeamNameOut), required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class UserWithAbsenceOut(UserOut):
    away_until = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "null: is there."})
    deputy = fields.Nested(PersonOut, required=True, allow_none=True)


class MeOut(Schema):
    type = fields.String(required=True, validate=validate.OneOf(["user", "integration"]))
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    time_zone = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True, allow_none=True)
    teams = fields.List(fields.Nested(TeamNameOut), required=True)
    leads = fields.List(fields.Nested(TeamNameOut), required=True)


_CALENDAR = {"description": "When it works; null: as the default calendar says."}


class TeamIn(Form):
    key = Key(required=True)
    name = Text(limits.NAME, required=True)
    mode = fields.String(load_default=TeamMode.EVERYONE.value, validate=validate.OneOf(MODES))
    restricted = Flag(load_default=False)
    calendar = Ident(allow_none=True, load_default=None, metadata=_CALENDAR)
    lead = Ref(allow_none=True, load_default=None)
    members = _ref_list(load_default=list)


class TeamChange(Form):
    key = Key()
    name = Text(limits.NAME)
    mode = fields.String(validate=validate.OneOf(MODES))
    restricted = Flag()
    calendar = Ident(allow_none=True, metadata=_CALENDAR)
    lead = Ref(allow_none=True)
    members = _ref_list()


class TeamOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    restricted = fields.Boolean(required=True)
    calendar = fields.Nested(CalendarNameOut, required=True, allow_none=True)
    lead = fields.Nested(PersonOut, required=True, allow_none=True)
    members = fields.List(fields.Nested(MemberOut), required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


def _scopes(**kwargs: Any) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        validate=validate.Length(min=1, max=len(SCOPES)),
        **kwargs,
    )


class TokenIn(Form):
    name = Text(limits.NAME, load_default="token")
    scopes = _scopes(allow_none=True, load_default=None)
    expires_at = Moment(allow_none=True, load_default=None)


class TokenOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    hint = fields.String(required=True, metadata={"description": "Its last characters."})
    scopes = fields.List(fields.String(), required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)


class NewTokenOut(TokenOut):
    token = fields.String(required=True, metadata={"description": "The secret; shown this once."})


class IntegrationIn(Form):
    name = Text(limits.NAME, required=True)
    scopes = _scopes(required=True)


class IntegrationOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    owner_id = fields.Integer(required=True, allow_none=True)
    scopes = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)


class NewIntegrationOut(IntegrationOut):
    token = fields.String(required=True, metadata={"description": "The secret; shown this once."})
