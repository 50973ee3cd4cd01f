"""The filters of the audit log."""

from marshmallow import fields

from cfm_workflow.forms.fields import Moment, QueryRef
from cfm_workflow.forms.pages import PageQuery


class AuditQuery(PageQuery):
    noun = fields.String()
    person = QueryRef()
    since = Moment()
    until = Moment()
