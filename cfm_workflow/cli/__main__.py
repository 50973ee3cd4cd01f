"""`python -m cfm_workflow.cli`."""

from cfm_workflow.cli import main

main()
