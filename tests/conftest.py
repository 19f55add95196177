"""What all tests share: the event loop, and how hard Hypothesis tries."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "moderate",
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", parent=settings.get_profile("moderate"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "moderate"))

CI_PATIENCE = 4.0
"""How much longer a test may take where CI runs: machines are shared there, and what hangs is ended all the same."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its time."""
    if os.environ.get("CI", "") not in ("", "0", "false"):
        for item in items:
            marker = item.get_closest_marker("timeout")
            limit_s = float(marker.args[0] if marker else config.getini("timeout"))
            item.add_marker(pytest.mark.timeout(limit_s * CI_PATIENCE), append=False)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop that the hub runs on."""
    return "asyncio"
