"""Energy is neither made nor lost between sun, battery, load and grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from heliograph.clock import DAY_MS
from heliograph.simulate.flows import Flow, flow, hybrid

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

SINCE_MS = 1_711_756_800_000  # 2024-03-30 UTC
UNTIL_MS = SINCE_MS + 40 * DAY_MS
STORED = 4_000_000


@pytest.fixture
def moved(plant: SimulatedPlant) -> Flow:
    """Forty days of the plant, over a clock change of three of the zones."""
    return flow(plant, STORED, SINCE_MS, UNTIL_MS)


def test_the_meter_balances_to_the_milliwatt_hour_in_every_interval(plant: SimulatedPlant, moved: Flow) -> None:
    sun = np.sum([made.ac_mwh for made in moved.generation.values()], axis=0)
    out = 0 if moved.battery is None else moved.battery.discharged - moved.battery.charged
    assert np.array_equal(moved.imported - moved.exported, moved.demand.mwh - sun - out)


def test_import_and_export_exclude_each_other(moved: Flow) -> None:
    assert moved.imported.min() >= 0
    assert moved.exported.min() >= 0
    assert not (moved.imported * moved.exported).any()
    assert moved.imported.any()
    assert moved.exported.any()


def test_a_hybrid_puts_out_sun_and_battery_within_its_rating(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["london"]
    owner = hybrid(plant)
    assert owner is not None
    assert owner.inverter is not None
    moved = flow(plant, STORED, SINCE_MS, UNTIL_MS)
    out = moved.ac[owner.key]
    assert 0 <= out.min() <= out.max() <= owner.inverter.ac_w * 1000 / 12
    assert moved.battery is not None
    assert moved.battery.charged.any()
    assert not moved.battery.charged[~moved.generation[owner.key].sun_up].any()


def test_a_stopped_hybrid_gives_nothing(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["london"]
    moved = flow(plant, STORED, SINCE_MS, SINCE_MS + 700 * DAY_MS)
    halted = moved.generation["hybrid"].stopped
    assert halted.any()
    assert not moved.ac["hybrid"][halted].any()


def test_without_a_battery_all_is_as_the_sun_gives_it(plants: dict[str, SimulatedPlant]) -> None:
    moved = flow(plants["adelaide"], 0, SINCE_MS, UNTIL_MS)
    assert moved.battery is None
    assert np.array_equal(moved.ac["inverter"], moved.generation["inverter"].ac_mwh)


def test_a_plant_needs_an_array(plants: dict[str, SimulatedPlant]) -> None:
    bare = msgspec.structs.replace(plants["adelaide"], devices=plants["adelaide"].devices[1:])
    with pytest.raises(ValueError, match="no array"):
        flow(bare, 0, SINCE_MS, UNTIL_MS)
