"""The simulated plants, and a year of each, for the tests of the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.clock import DAY_MS
from heliograph.simulate.fleet import State, advance, fleet, initial

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

SEED = 7
NEW_YEAR_MS = 1_704_067_200_000  # 2024-01-01 UTC
PLANTS = {plant.key: plant for plant in fleet(SEED)}


@pytest.fixture(params=list(PLANTS))
def plant(request: pytest.FixtureRequest) -> SimulatedPlant:
    """Each plant in turn."""
    key: str = request.param
    return PLANTS[key]


@pytest.fixture(scope="session")
def plants() -> dict[str, SimulatedPlant]:
    """All plants by key."""
    return PLANTS


@pytest.fixture(scope="session")
def years() -> dict[str, tuple[State, State]]:
    """Where each plant stands at the start and at the end of 2024, in UTC."""
    found = {}
    for key, plant in PLANTS.items():
        before = state = initial(plant, NEW_YEAR_MS, SEED)
        for day in range(0, 366, 61):
            state, _ = advance(plant, state, NEW_YEAR_MS + day * DAY_MS, NEW_YEAR_MS + (day + 61) * DAY_MS)
        found[key] = (before, state)
    return found
