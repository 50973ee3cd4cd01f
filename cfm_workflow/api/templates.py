"""Routes of templates."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.pages import page_of
from cfm_workflow.forms.templates import (
    PreviewIn,
    PreviewOut,
    StoredPreviewIn,
    TemplateChange,
    TemplateIn,
    TemplateOut,
    TemplateQuery,
)
from cfm_workflow.operations import templates as templates_operations
from cfm_workflow.queries import templates as templates_query

TAG = "messages"
RIGHT = "templates.manage"
_ONE = "/templates/<id:template_id>"


@route(
    "GET",
    "/templates",
    "listTemplates",
    tag=TAG,
    right="settings.read",
    query=TemplateQuery,
    answers={200: page_of(TemplateOut)},
)
def list_templates(ask: Ask) -> Any:
    """What is written often."""
    return templates_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/templates",
    "createTemplate",
    tag=TAG,
    right=RIGHT,
    body=TemplateIn,
    answers={201: TemplateOut},
    example={
        "name": "Miles are back",
        "kind": "reply",
        "language": "en",
        "subject": "Your miles",
        "body": "{{ customer.greeting }},\n\nyour miles are back.\n\n{{ sender.name }}",
    },
)
def create_template(ask: Ask) -> Any:
    """Add a template; what its variables are called is checked."""
    return Reply(templates_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route(
    "POST",
    "/templates/preview",
    "previewTemplate",
    tag=TAG,
    right="message.write",
    body=PreviewIn,
    answers={200: PreviewOut},
    example={"feedback": 1, "subject": "Your miles", "body": "{{ customer.greeting }}, they are back."},
)
def preview_template(ask: Ask) -> Any:
    """How a template that is being written reads on a real item; nothing is stored."""
    return templates_operations.preview(ask.session, ask.caller, ask.body)


@route("GET", _ONE, "getTemplate", tag=TAG, right="settings.read", answers={200: TemplateOut})
def get_template(ask: Ask, template_id: int) -> Any:
    """One template."""
    return templates_query.show(ask.session, templates_query.find(ask.session, template_id))


@route(
    "PATCH",
    _ONE,
    "changeTemplate",
    tag=TAG,
    right=RIGHT,
    body=TemplateChange,
    answers={200: TemplateOut},
    example={"active": False},
)
def change_template(ask: Ask, template_id: int) -> Any:
    """Change a template, or set it out of use."""
    return templates_operations.change(ask.session, ask.caller, template_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteTemplate", tag=TAG, right=RIGHT, answers={204: None})
def delete_template(ask: Ask, template_id: int) -> Any:
    """Delete a template by which nothing was written."""
    templates_operations.remove(ask.session, ask.caller, template_id, now=ask.now)


@route(
    "POST",
    f"{_ONE}/preview",
    "previewStoredTemplate",
    tag=TAG,
    right="message.write",
    body=StoredPreviewIn,
    answers={200: PreviewOut},
    example={"feedback": 1},
)
def preview_stored_template(ask: Ask, template_id: int) -> Any:
    """How a template reads on a real item."""
    return templates_operations.preview(ask.session, ask.caller, ask.body, template_id=template_id)
