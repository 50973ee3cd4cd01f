"""Reports, in and out."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.actions import CATEGORIES, ActionOut
from cfm_workflow.forms.feedback import METRICS
from cfm_workflow.forms.fields import Day, Form, Moment, QueryFlag, QueryIdents, QueryRef, Text
from cfm_workflow.forms.pages import CountedPageQuery
from cfm_workflow.forms.people import PersonOut, TeamNameOut


class TeamReportQuery(Form):
    team = QueryRef(metadata={"description": "Only the work of this team, by id or key."})


class ReportQuery(TeamReportQuery):
    since = Day(data_key="from", metadata={"description": "The first day; by default four weeks up to `to`."})
    until = Day(data_key="to", metadata={"description": "The last day, included; by default today."})

    @validates_schema
    def _order(self, values: dict[str, Any], **kwargs: Any) -> None:
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            raise ValidationError("must not be after to", "from")


class SteppedReportQuery(ReportQuery):
    by = fields.String(
        validate=validate.OneOf(["day", "week"]),
        metadata={"description": "Of what is shown over time; by default days as long as they are at most 92."},
    )


class WeeklyQuery(TeamReportQuery):
    week = Text(8, metadata={"description": "A week of ISO 8601 such as 2026-W47; by default the last that has ended."})


class StayQuery(CountedPageQuery):
    workflow = Text(limits.KEY)
    state = Text(limits.KEY)
    transition = Text(limits.KEY)
    to_state = Text(limits.KEY)
    hand_off = QueryFlag(metadata={"description": "Only from being given to being accepted."})
    left_from = Moment()
    left_to = Moment(metadata={"description": "Exclusive."})
    belongs_to = QueryIdents(metadata={"description": "Teams by id, parted by commas."})


class FigureOut(Schema):
    """A number, and where exactly what it counts is listed."""

    value = fields.Float(required=True, allow_none=True)
    n = fields.Integer(metadata={"description": "Of what is made of many: of how many. It is they that `rows` lists."})
    rows = fields.String(
        required=True, allow_none=True, metadata={"description": "The list behind it, below the base path of the API."}
    )


class MeaningOut(Schema):
    label = fields.String(required=True)
    definition = fields.String(required=True)


class PeriodOut(Schema):
    since = fields.Date(required=True, data_key="from")
    until = fields.Date(required=True, data_key="to")
    time_zone = fields.String(required=True)


def _figure(**more: Any) -> fields.Field[Any]:
    return fields.Nested(FigureOut, required=True, **more)


def _figures() -> fields.Field[Any]:
    return fields.Dict(keys=fields.String(), values=fields.Nested(FigureOut), required=True)


class _ReportOut(Schema):
    definitions = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(MeaningOut),
        required=True,
        metadata={"description": "What each figure is called and counts, in the caller's language."},
    )


class OutcomeCountOut(Schema):
    outcome = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    actions = _figure()


class CauseCountOut(Schema):
    root_cause = fields.String(required=True)
    actions = _figure()


class StepOut(Schema):
    since = fields.Date(required=True, data_key="from")
    until = fields.Date(required=True, data_key="to")
    opened = _figure()
    finished = _figure()
    became_overdue = _figure()


class OverTimeOut(Schema):
    by = fields.String(required=True, validate=validate.OneOf(["day", "week"]))
    steps = fields.List(fields.Nested(StepOut), required=True)


class OverviewOut(_ReportOut):
    period = fields.Nested(PeriodOut, required=True)
    now = _figures()
    happened = _figures()
    outcomes = fields.List(fields.Nested(OutcomeCountOut), required=True)
    root_causes = fields.List(fields.Nested(CauseCountOut), required=True)
    over_time = fields.Nested(OverTimeOut, required=True)


class AgeOut(Schema):
    days_min = fields.Integer(required=True)
    days_max = fields.Integer(required=True, allow_none=True)
    actions = _figure()


class _LateOut(Schema):
    overdue = _figure()
    by_age = fields.List(fields.Nested(AgeOut), required=True)
    not_accepted_in_time = _figure()


class LateTeamOut(_LateOut):
    team = fields.Nested(TeamNameOut, required=True, allow_none=True)


class LatePersonOut(_LateOut):
    person = fields.Nested(PersonOut, required=True, allow_none=True)


class LateActionOut(ActionOut):
    new = fields.Boolean(required=True, metadata={"description": "Overdue only since the caller last looked."})


class OverdueOut(_ReportOut):
    reviewed_at = fields.AwareDateTime(required=True, allow_none=True)
    overdue = _figure()
    by_age = fields.List(fields.Nested(AgeOut), required=True)
    by_team = fields.List(fields.Nested(LateTeamOut), required=True)
    by_person = fields.List(fields.Nested(LatePersonOut), required=True)
    not_accepted_in_time = _figure()
    new = _figures()
    oldest = fields.List(fields.Nested(LateActionOut), required=True)


class AwayOut(Schema):
    until = fields.AwareDateTime(required=True)
    deputy = fields.Nested(PersonOut, required=True, allow_none=True)


class LoadOut(Schema):
    open = _figure()
    overdue = _figure()
    waiting = _figure()
    due_this_week = _figure()


class PersonLoadOut(LoadOut):
    person = fields.Nested(PersonOut, required=True)
    away = fields.Nested(AwayOut, required=True, allow_none=True)


class WorkloadOut(_ReportOut):
    week_ends = fields.AwareDateTime(required=True)
    unassigned = fields.Nested(LoadOut, required=True)
    people = fields.List(fields.Nested(PersonLoadOut), required=True)


class _TookOut(Schema):
    visits = _figure()
    median_seconds = fields.Integer(required=True, allow_none=True, metadata={"description": "Within 5 per cent."})
    p90_seconds = fields.Integer(required=True, allow_none=True, metadata={"description": "Within 5 per cent."})


class MapStateOut(_TookOut):
    state = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    now = _figure(allow_none=True)


class MapStepOut(_TookOut):
    left = fields.String(required=True, data_key="from")
    transition = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True, allow_none=True)
    entered = fields.String(required=True, data_key="to")
    slowest = fields.Boolean(required=True)


class MapOut(Schema):
    workflow = fields.String(required=True)
    name = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    states = fields.List(fields.Nested(MapStateOut), required=True)
    steps = fields.List(fields.Nested(MapStepOut), required=True)


class ProcessOut(_ReportOut):
    period = fields.Nested(PeriodOut, required=True)
    complete_to = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "What happened before this instant is counted."}
    )
    hand_off = fields.Nested(_TookOut, required=True)
    workflows = fields.List(fields.Nested(MapOut), required=True)


class ChannelScoreOut(Schema):
    channel = fields.String(required=True, allow_none=True)
    result = _figure()


class SourceScoreOut(Schema):
    source = fields.String(required=True)
    result = _figure()


class ScoreStepOut(Schema):
    since = fields.Date(required=True, data_key="from")
    until = fields.Date(required=True, data_key="to")
    result = _figure()


class MetricOut(Schema):
    metric = fields.String(required=True, validate=validate.OneOf(METRICS))
    result = _figure()
    by_channel = fields.List(fields.Nested(ChannelScoreOut), required=True)
    by_source = fields.List(fields.Nested(SourceScoreOut), required=True)
    over_time = fields.List(fields.Nested(ScoreStepOut), required=True)


class MetricsOut(_ReportOut):
    period = fields.Nested(PeriodOut, required=True)
    by = fields.String(required=True, validate=validate.OneOf(["day", "week"]))
    metrics = fields.List(fields.Nested(MetricOut), required=True)


class WeeklyFigureOut(FigureOut):
    figure = fields.String(required=True)
    before = _figure()


class WeeklyOut(_ReportOut):
    week = fields.String(required=True)
    period = fields.Nested(PeriodOut, required=True)
    before = fields.Nested(PeriodOut, required=True)
    complete_to = fields.AwareDateTime(required=True, allow_none=True)
    figures = fields.List(fields.Nested(WeeklyFigureOut), required=True)


class StayActionOut(Schema):
    id = fields.Integer(required=True)
    title = fields.String(required=True)


class StayOut(Schema):
    """A visit of an action to a state that has ended."""

    action = fields.Nested(StayActionOut, required=True)
    workflow = fields.String(required=True)
    state = fields.String(required=True)
    transition = fields.String(required=True)
    entered = fields.String(required=True, data_key="to")
    team = fields.Nested(TeamNameOut, required=True, allow_none=True)
    assignee = fields.Nested(PersonOut, required=True, allow_none=True)
    entered_at = fields.AwareDateTime(required=True)
    left_at = fields.AwareDateTime(required=True)
    seconds = fields.Integer(required=True)


class ReviewedOut(Schema):
    reviewed_at = fields.AwareDateTime(required=True)
