"""The pages of settings, a module per noun. Whose right a change needs, and what it means, the operations know."""

from cfm_workflow.web.settings import (
    labels,
    outcomes,
    people,
    root_causes,
    teams,
)

PAGES = (labels, outcomes, people, root_causes, teams)
"""The modules whose import has declared all pages."""
