"""The pages of settings, a module per noun. Whose right a change needs, and what it means, the operations know."""

from cfm_workflow.web.settings import (
    absences,
    integrations,
    labels,
    outcomes,
    people,
    preferences,
    root_causes,
    teams,
    templates,
    tokens,
)

PAGES = (
    absences,
    integrations,
    labels,
    outcomes,
    people,
    preferences,
    root_causes,
    teams,
    templates,
    tokens,
)
"""The modules whose import has declared all pages."""
