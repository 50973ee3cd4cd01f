"""How often the races are run: enough to lose the bad ones quickly, two hundred times with --long."""

import pytest


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """Every race is run this often on each database."""
    return 200 if request.config.getoption("--long") else 25
