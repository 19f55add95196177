"""The grid is about as high and as fast as it is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.simulate.mains import mains

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant


def test_voltage_and_frequency_stay_near_their_nominal_values(plant: SimulatedPlant) -> None:
    grid = mains(plant.site, plant.connection, 1231)
    assert grid.voltage.shape[0] == len(plant.connection.phases)
    assert np.abs(grid.voltage / plant.connection.voltage_v - 1).max() < 0.08
    assert np.abs(grid.frequency - plant.connection.frequency_hz).max() < 0.15


def test_phases_differ(plants: dict[str, SimulatedPlant]) -> None:
    grid = mains(plants["shanghai"].site, plants["shanghai"].connection, 1231)
    assert len({round(float(row.mean()), 3) for row in grid.voltage}) == 3


def test_one_phase_has_no_line_voltage_two_have_one_three_have_three(plants: dict[str, SimulatedPlant]) -> None:
    lines = {key: plant.connection.lines for key, plant in plants.items()}
    assert lines["london"] == ()
    assert lines["new-york"] == ("ab",)
    assert lines["shanghai"] == lines["adelaide"] == ("ab", "bc", "ca")
