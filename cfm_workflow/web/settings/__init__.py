"""The pages of settings, a module per noun. Whose right a change needs, and what it means, the operations know."""

from cfm_workflow.web.settings import (
    absences,
    audit,
    calendars,
    integrations,
    labels,
    mails,
    outcomes,
    people,
    policies,
    preferences,
    root_causes,
    system,
    teams,
    templates,
    tokens,
    webhooks,
    workflows,
)

PAGES = (
    absences,
    audit,
    calendars,
    integrations,
    labels,
    mails,
    outcomes,
    people,
    policies,
    preferences,
    root_causes,
    system,
    teams,
    templates,
    tokens,
    webhooks,
    workflows,
)
"""The modules whose import has declared all pages."""
