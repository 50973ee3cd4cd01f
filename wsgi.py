"""For any WSGI server: `wsgi:app`. The clock and migrations are not in here: `cfm scheduler`, `cfm db upgrade`."""

from cfm_workflow import create_app

app = create_app()
