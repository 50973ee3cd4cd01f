"""Actions, groups, fan-out, transitions and bulk, in and out."""

from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.calendars import CalendarRefOut, HolidayOut
from cfm_workflow.forms.extensions import DUE_IN, DUE_ON, ExtensionRequestOut, one_way
from cfm_workflow.forms.feedback import LABELS
from cfm_workflow.forms.fields import (
    Attributes,
    Day,
    Flag,
    Form,
    Ident,
    Moment,
    QueryChoices,
    QueryFlag,
    QueryIdent,
    QueryIdents,
    QueryNames,
    QueryRef,
    QueryWhole,
    Ref,
    Shape,
    SpanField,
    Text,
    whole,
)
from cfm_workflow.forms.pages import CountedPageQuery
from cfm_workflow.forms.people import MODES, PersonOut, TeamNameOut
from cfm_workflow.models.actions import PRIORITIES, Completion, GroupState, Kind
from cfm_workflow.workflow import Category

KINDS = [kind.value for kind in Kind]
PRIORITY_WORDS = tuple(PRIORITIES)
CATEGORIES = tuple(category.value for category in Category)
SORTS = ["-created_at", "created_at", "due_at", "-due_at", "priority", "-priority"]
SORTS_OF_SOME = {
    "finished_at": ("finished", "finished_from", "finished_to"),
    "-finished_at": ("finished", "finished_from", "finished_to"),
    "accept_by": ("not_accepted_in_time",),
    "state_since": ("waiting_since_before",),
}
"""Orders that stand only behind one of these filters: others have no such instant."""


class AssigneeIn(Form):
    """A user, or a team and what giving work to it means."""

    user = Ref(metadata={"description": "A user by id or e-mail address."})
    team = Ref(metadata={"description": "A team by id or key."})
    mode = fields.String(validate=validate.OneOf(MODES), metadata={"description": "Default: the mode of the team."})

    @validates_schema
    def _one_of_them(self, values: dict[str, Any], **kwargs: Any) -> None:
        if ("user" in values) == ("team" in values):
            raise ValidationError("either user or team is needed", "user")
        if "mode" in values and "team" not in values:
            raise ValidationError("goes with a team", "mode")


class CompletionField(fields.Field[Any]):
    """`all`, `any` or `{"at_least": k}`; loads as (completion, at_least)."""

    shape: ClassVar[Shape] = {
        "oneOf": [
            {"type": "string", "enum": [Completion.ALL.value, Completion.ANY.value]},
            {
                "type": "object",
                "required": ["at_least"],
                "additionalProperties": False,
                "properties": {"at_least": {"type": "integer", "minimum": 1, "maximum": limits.FAN_OUT}},
            },
        ]
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> tuple[str, int | None]:
        if value in (Completion.ALL.value, Completion.ANY.value):
            return value, None
        if isinstance(value, dict) and list(value) == ["at_least"]:
            number = whole(value["at_least"])
            if 1 <= number <= limits.FAN_OUT:
                return Completion.AT_LEAST.value, number
        raise ValidationError('must be "all", "any" or {"at_least": a whole number}')


class FanOutIn(Form):
    title = Text(limits.TITLE, required=True)
    description = Text(limits.DESCRIPTION, allow_none=True)
    kind = fields.String(load_default=Kind.INTERNAL.value, validate=validate.OneOf(KINDS))
    priority = fields.String(load_default="normal", validate=validate.OneOf(PRIORITY_WORDS))
    goal = Text(limits.GOAL, allow_none=True)
    benefit = Text(limits.GOAL, allow_none=True)
    external_ref = Text(limits.EXTERNAL_ID, allow_none=True)
    attributes = Attributes()
    workflow = Text(limits.KEY, load_default="standard")
    assignees = fields.List(
        fields.Nested(AssigneeIn), required=True, validate=validate.Length(min=1, max=limits.FAN_OUT)
    )
    completion = CompletionField(
        load_default=lambda: (Completion.ALL.value, None),
        metadata={"description": '`all`, `any` or `{"at_least": k}`.', "default": "all"},
    )
    due_at = Moment(allow_none=True)
    due_in = SpanField(calendar=True, metadata=DUE_IN)
    due_on = Day(metadata=DUE_ON)
    policy = Ref(metadata={"description": "A policy by id or key; by default the first one that suits."})

    @validates_schema
    def _one_due_date(self, values: dict[str, Any], **kwargs: Any) -> None:
        one_way(values)

    @post_load
    def _plain(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        completion, at_least = values.pop("completion")
        return values | {"completion": completion, "at_least": at_least}


class TransitionFields(Form):
    """What transitions can require; which of them, the workflow says (`GET /workflows/{key}`)."""

    comment = Text(limits.COMMENT, allow_none=True)
    reason = Text(limits.REASON, allow_none=True)
    outcome = Text(limits.KEY, allow_none=True)
    assignee = Ref(allow_none=True, metadata={"description": "A user by id or e-mail address."})
    until = Moment(allow_none=True)
    until_answer = Flag(allow_none=True)
    root_cause = Text(limits.ROOT_CAUSE, allow_none=True)
    resolution = Text(limits.RESOLUTION, allow_none=True)
    through = Flag(load_default=False, metadata={"description": "Walk the missing steps before it, in one go."})


class TransitionIn(TransitionFields):
    transition = Text(limits.KEY, required=True)


class _Editable(Form):
    title = Text(limits.TITLE)
    description = Text(limits.DESCRIPTION, allow_none=True)
    priority = fields.String(validate=validate.OneOf(PRIORITY_WORDS))
    goal = Text(limits.GOAL, allow_none=True)
    benefit = Text(limits.GOAL, allow_none=True)
    external_ref = Text(limits.EXTERNAL_ID, allow_none=True)
    attributes = Attributes()
    due_at = Moment(allow_none=True)
    due_on = Day(metadata=DUE_ON)

    @validates_schema
    def _one_due_date(self, values: dict[str, Any], **kwargs: Any) -> None:
        one_way(values)


class ActionChange(_Editable):
    reason = Text(limits.REASON, metadata={"description": "Required with a new due date."})


class BulkIn(TransitionFields):
    """Many actions: a `transition` with its fields, `changes` (with `reason` for a new due date), or `escalate`."""

    ids = fields.List(
        Ident(), required=True, validate=validate.Length(min=1, max=limits.BULK), metadata={"uniqueItems": True}
    )
    transition = Text(limits.KEY)
    changes = fields.Nested(_Editable)
    escalate = Flag(
        validate=validate.Equal(True),
        metadata={"description": "Tell assignee, lead and supervisors of each at once; with a `reason`."},
    )

    @validates_schema
    def _one_of_them(self, values: dict[str, Any], **kwargs: Any) -> None:
        if sum(name in values for name in ("transition", "changes", "escalate")) != 1:
            raise ValidationError("one of transition, changes and escalate is needed", "transition")
        if "escalate" in values and not values.get("reason"):
            raise ValidationError("is required when actions are escalated", "reason")
        if values.get("changes") == {}:
            raise ValidationError("at least one field is needed", "changes")
        if len(set(values["ids"])) != len(values["ids"]):
            raise ValidationError("must not name an action twice", "ids")
        known = {"ids", "changes", "escalate", "reason", "through"}
        odd = sorted(name for name in values if name not in known)
        if "transition" not in values and odd:
            raise ValidationError({name: ["goes with a transition"] for name in odd})


class ActionQuery(CountedPageQuery):
    assignee = QueryRef(metadata={"description": "`me`, or a user by id or e-mail address."})
    assigner = QueryRef(metadata={"description": "`me`, or a user by id or e-mail address."})
    team = QueryRef(metadata={"description": "A team by id or key."})
    state = QueryChoices(metadata={"description": "Some states, parted by commas."})
    category = QueryChoices(CATEGORIES, metadata={"description": f"Some of {', '.join(CATEGORIES)}."})
    kind = fields.String(validate=validate.OneOf(KINDS))
    priority = QueryChoices(PRIORITY_WORDS, metadata={"description": f"Some of {', '.join(PRIORITY_WORDS)}."})
    finished = QueryFlag(metadata={"description": "Whether done, declined or cancelled."})
    overdue = QueryFlag()
    orphaned = QueryFlag(metadata={"description": "Unfinished, and the assignee has been switched off."})
    due_before = Moment()
    due_after = Moment()
    feedback = QueryIdent()
    group = QueryIdent()
    workflow = Text(limits.KEY)
    external_ref = Text(limits.EXTERNAL_ID)
    belongs_to = QueryIdents(
        metadata={"description": "Teams by id, parted by commas: their work, also that of members without a team."}
    )
    team_named = QueryFlag(metadata={"description": "Whether it was given to a team, or to a member of one as such."})
    assigned = QueryFlag(metadata={"description": "Whether somebody has it; in a pool, nobody at first."})
    due_from = Moment(metadata={"description": "Due then or later."})
    created_from = Moment()
    created_to = Moment(metadata={"description": "Exclusive."})
    finished_from = Moment()
    finished_to = Moment(metadata={"description": "Exclusive."})
    overdue_days_min = QueryWhole(0, 100_000, metadata={"description": "Overdue by so many days or more."})
    overdue_days_max = QueryWhole(0, 100_000, metadata={"description": "Overdue by less than so many days."})
    late = QueryFlag(metadata={"description": "Not finished by its due date, whether it is finished by now or not."})
    not_accepted_in_time = QueryFlag(metadata={"description": "Nobody has accepted it by its `accept_by`."})
    waiting_since_before = Moment(metadata={"description": "Has been waiting since before then."})
    waiting_since_from = Moment(metadata={"description": "Has been waiting since then or later."})
    accept_by_from = Moment(metadata={"description": "To be accepted by then or later."})
    extended = QueryFlag(metadata={"description": "Due later than at first."})
    extension_requested = QueryFlag(metadata={"description": "The assignee asks for more time, and nobody answered."})
    finish_met = QueryFlag(metadata={"description": "Finished by its first due date, or not."})
    label = QueryNames(limits.LABEL, LABELS, metadata={"description": "Serves feedback with one of these labels."})
    outcome = QueryChoices(metadata={"description": "Keys of some outcomes, parted by commas."})
    root_cause = Text(limits.ROOT_CAUSE, metadata={"description": "A key of `/root-causes`, or what was written."})
    sort = fields.String(
        validate=validate.OneOf([*SORTS, *SORTS_OF_SOME]), metadata={"description": "Default: -created_at."}
    )

    @validates_schema
    def _order_of_some(self, values: dict[str, Any], **kwargs: Any) -> None:
        needed = SORTS_OF_SOME.get(values.get("sort", ""), ())
        if needed and not any(values.get(name) for name in needed):
            raise ValidationError(f"goes with {' or '.join(needed)}", "sort")


INSTEAD: Final = ("offered", "left_behind", "extension_requests")
"""Other lists than what the caller has to do."""


class MyActionQuery(CountedPageQuery):
    """The caller's own queue; by default what is unfinished, by due date."""

    state = ActionQuery._declared_fields["state"]
    category = ActionQuery._declared_fields["category"]
    finished = QueryFlag(load_default=False)
    overdue = QueryFlag()
    offered = QueryFlag(
        load_default=False,
        metadata={"description": "Instead: what is offered to the caller's teams, and nobody has taken."},
    )
    left_behind = QueryFlag(
        load_default=False,
        metadata={
            "description": "Instead: unfinished work of people who were switched off, in the teams the caller leads."
        },
    )
    extension_requests = QueryFlag(
        load_default=False,
        metadata={
            "description": "Instead: what others ask more time for, of the actions the caller gave or whose team "
            "the caller leads."
        },
    )
    sort = fields.String(load_default="due_at", validate=validate.OneOf(SORTS))

    @validates_schema
    def _one_list(self, values: dict[str, Any], **kwargs: Any) -> None:
        asked = [name for name in INSTEAD if values.get(name)]
        if len(asked) > 1:
            raise ValidationError(f"stands alone: ask for {' or '.join(asked)}", asked[-1])


class ActionOut(Schema):
    id = fields.Integer(required=True)
    feedback_id = fields.Integer(required=True)
    feedback_ids = fields.List(fields.Integer(), required=True)
    group_id = fields.Integer(required=True)
    workflow = fields.String(required=True)
    state = fields.String(required=True)
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    title = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    priority = fields.String(required=True, validate=validate.OneOf(PRIORITY_WORDS))
    goal = fields.String(required=True, allow_none=True)
    benefit = fields.String(required=True, allow_none=True)
    assignee = fields.Nested(PersonOut, required=True, allow_none=True)
    on_behalf_of = fields.Nested(
        PersonOut, required=True, allow_none=True, metadata={"description": "Who is away: the assignee stands in."}
    )
    assigned_by = fields.Nested(PersonOut, required=True)
    team = fields.Nested(TeamNameOut, required=True, allow_none=True)
    pool = fields.Boolean(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    first_due_at = fields.AwareDateTime(required=True, allow_none=True)
    extension_request = fields.Nested(
        ExtensionRequestOut, required=True, allow_none=True, metadata={"description": "More time that is asked for."}
    )
    accept_by = fields.AwareDateTime(required=True, allow_none=True)
    start_by = fields.AwareDateTime(required=True, allow_none=True)
    accept_met = fields.Boolean(required=True, allow_none=True, metadata={"description": "null: not known yet."})
    start_met = fields.Boolean(required=True, allow_none=True)
    finish_met = fields.Boolean(required=True, allow_none=True, metadata={"description": "By the first due date."})
    quiet_until = fields.AwareDateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    waiting_until = fields.AwareDateTime(required=True, allow_none=True)
    waiting_for_answer = fields.Boolean(required=True)
    outcome = fields.String(required=True, allow_none=True)
    root_cause = fields.String(required=True, allow_none=True)
    resolution = fields.String(required=True, allow_none=True)
    external_ref = fields.String(required=True, allow_none=True)
    attributes = fields.Dict(required=True)
    reopened_count = fields.Integer(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    state_since = fields.AwareDateTime(required=True)
    accepted_at = fields.AwareDateTime(required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class PauseOut(Schema):
    start = fields.AwareDateTime(required=True, data_key="from")
    end = fields.AwareDateTime(required=True, allow_none=True, data_key="to")
    counted_seconds = fields.Integer(
        required=True, allow_none=True, metadata={"description": "By how much it moved the date; null: not at all."}
    )


class ActorOut(Schema):
    type = fields.String(required=True)
    name = fields.String(required=True)


class DueChangeOut(Schema):
    at = fields.AwareDateTime(required=True)
    type = fields.String(required=True)
    actor = fields.Nested(ActorOut, required=True)
    old = fields.AwareDateTime(required=True, allow_none=True, data_key="from")
    new = fields.AwareDateTime(required=True, allow_none=True, data_key="to")
    reason = fields.String(required=True, allow_none=True)


class DueOut(Schema):
    """How the due date of an action came about."""

    due_at = fields.AwareDateTime(required=True, allow_none=True)
    first_due_at = fields.AwareDateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    rule = fields.Dict(
        required=True, allow_none=True, metadata={"description": "`in` a span or `on` a day; null: named by somebody."}
    )
    since = fields.AwareDateTime(required=True, metadata={"description": "From when a span counts."})
    calendar = fields.Nested(CalendarRefOut, required=True)
    pauses = fields.List(fields.Nested(PauseOut), required=True)
    free_days = fields.List(fields.Nested(HolidayOut), required=True)
    changes = fields.List(fields.Nested(DueChangeOut), required=True)
    in_words = fields.List(fields.String(), required=True, metadata={"description": "In the caller's language."})


class GroupOut(Schema):
    id = fields.Integer(required=True)
    feedback_id = fields.Integer(required=True)
    completion = fields.Raw(
        required=True,
        metadata={
            "oneOf": [
                {"type": "string", "enum": ["all", "any"]},
                {"type": "object", "required": ["at_least"], "properties": {"at_least": {"type": "integer"}}},
            ]
        },
    )
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in GroupState]))
    state_since = fields.AwareDateTime(required=True)
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    unfinished = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class GroupWithActionsOut(GroupOut):
    actions = fields.List(fields.Nested(ActionOut), required=True)


class FanOutOut(Schema):
    group = fields.Nested(GroupOut, required=True)
    actions = fields.List(fields.Nested(ActionOut), required=True)


class BlockedOut(Schema):
    code = fields.String(required=True)
    reason = fields.String(required=True)


class ChoicesOut(Schema):
    current_state = fields.String(required=True)
    allowed = fields.List(fields.String(), required=True)
    blocked = fields.Dict(keys=fields.String(), values=fields.Nested(BlockedOut), required=True)


class BulkResultOut(Schema):
    id = fields.Integer(required=True)
    status = fields.Integer(required=True)
    action = fields.Nested(ActionOut, allow_none=True)
    problem = fields.Dict(allow_none=True)


class BulkOut(Schema):
    items = fields.List(fields.Nested(BulkResultOut), required=True)
