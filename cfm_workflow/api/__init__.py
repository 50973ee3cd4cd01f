"""The JSON edge: reads a request, opens the one transaction, calls one operation, answers. Decides nothing."""

from flask import Flask

from cfm_workflow.api import (
    absences,
    actions,
    calendars,
    customers,
    events,
    exports,
    extensions,
    feedback,
    following,
    health,
    imports,
    labels,
    mails,
    me,
    messages,
    notes,
    openapi,
    outcomes,
    people,
    personal_reminders,
    policies,
    problems,
    reports,
    root_causes,
    routing,
    stream,
    templates,
    webhooks,
    when,
    workflows,
)
from cfm_workflow.service import Service

__all__ = ["register"]

ROUTES = (
    absences,
    actions,
    calendars,
    customers,
    events,
    exports,
    extensions,
    feedback,
    following,
    imports,
    labels,
    mails,
    me,
    messages,
    notes,
    openapi,
    outcomes,
    people,
    personal_reminders,
    policies,
    root_causes,
    reports,
    stream,
    templates,
    webhooks,
    when,
    workflows,
)
"""The modules whose import has declared all operations."""


def register(app: Flask, service: Service) -> None:
    """Add the API, its errors and the health pages to the application."""
    routing.register(app, service)
    stream.register(app, service)
    health.register(app, service)
    problems.register(app)
