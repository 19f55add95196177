"""Arrays and inverters keep to their ratings and to the sun."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.simulate.pv import Generation, energy_mwh, generation, shares
from heliograph.simulate.steps import STEP_MS, cut, stamps
from heliograph.simulate.weather import plane, weather

if TYPE_CHECKING:
    from heliograph.simulate.fleet import State
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

SINCE_MS = 1_717_200_000_000 // DAY_MS * DAY_MS
UNTIL_MS = SINCE_MS + 90 * DAY_MS
# Energy of a year over the rating. [h]
YIELD = {"shanghai": (1000, 1300), "london": (800, 1050), "new-york": (1100, 1450), "adelaide": (1400, 1750)}


def of(plant: SimulatedPlant, device: SimulatedDevice) -> Generation:
    return cut(partial(generation, plant.site, device), SINCE_MS, UNTIL_MS)


def test_no_inverter_gives_more_than_it_gets_or_is_rated_for(plant: SimulatedPlant) -> None:
    for device in plant.inverters:
        assert device.inverter is not None
        made = of(plant, device)
        assert (made.ac_mwh <= made.tracker_mwh.sum(axis=0)).all()
        assert made.ac_mwh.max() <= energy_mwh(np.array([device.inverter.ac_w]))[0]
        assert made.ac_mwh.min() >= 0
        assert made.tracker_mwh.min() >= 0


def test_nothing_is_made_without_sun_or_while_stopped(plant: SimulatedPlant) -> None:
    sky = cut(partial(weather, plant.site), SINCE_MS, UNTIL_MS)
    for device in plant.inverters:
        made = of(plant, device)
        idle = (sky.elevation <= 0) | made.stopped
        assert not made.tracker_mwh[:, idle].any()
        assert not made.ac_mwh[idle].any()
        assert not made.tracker_v[:, idle].any()


def test_a_working_inverter_is_efficient(plant: SimulatedPlant) -> None:
    for device in plant.inverters:
        assert device.inverter is not None
        made = of(plant, device)
        direct = made.tracker_mwh.sum(axis=0)
        loaded = direct > 0.3 * energy_mwh(np.array([device.inverter.ac_w]))[0]
        ratio = made.ac_mwh[loaded] / direct[loaded]
        assert ratio.min() > 0.93
        assert ratio.max() < 0.995


def test_a_year_yields_what_suits_the_latitude(plant: SimulatedPlant, years: dict[str, tuple[State, State]]) -> None:
    before, after = years[plant.key]
    made = sum(
        after.counters[f"{device.key}/ac.energy"] - before.counters[f"{device.key}/ac.energy"]
        for device in plant.inverters
    )
    low, high = YIELD[plant.key]
    assert low < made / 1000 / plant.capacity_w < high


def test_the_performance_ratio_is_below_one(plant: SimulatedPlant) -> None:
    for device in plant.inverters:
        assert device.inverter is not None
        reference_wh = 0.0
        for tracker in device.inverter.trackers:
            face = cut(
                partial(plane, plant.site, tracker.tilt_deg, tracker.azimuth_deg, tracker.mount), SINCE_MS, UNTIL_MS
            )
            reference_wh += float(face.poa_global.sum()) / 1000 * STEP_MS / HOUR_MS * tracker.capacity_w
        ratio = of(plant, device).ac_mwh.sum() / 1000 / reference_wh
        assert 0.7 < ratio < 0.95


def test_production_is_centred_on_solar_noon(plant: SimulatedPlant) -> None:
    solar_hour = (stamps(SINCE_MS, UNTIL_MS) / HOUR_MS + plant.longitude / 15) % 24
    made = np.sum([of(plant, device).ac_mwh for device in plant.inverters], axis=0)
    assert abs((solar_hour * made).sum() / made.sum() - 12) < 0.8


def test_voltages_are_those_of_the_strings(plant: SimulatedPlant) -> None:
    for device in plant.inverters:
        assert device.inverter is not None
        made = of(plant, device)
        for tracker, volts in zip(device.inverter.trackers, made.tracker_v, strict=True):
            each = volts[volts > 0] / tracker.modules
            assert 22 < each.min() < each.max() < 40


def test_like_inverters_differ_a_little(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["shanghai"]
    sums = [int(of(plant, device).ac_mwh.sum()) for device in plant.inverters]
    assert len(set(sums)) == 4
    assert max(sums) / min(sums) < 1.08


def test_shares_add_up_to_their_count() -> None:
    assert shares(1, "x", 5).sum() == pytest.approx(5)
    assert (shares(1, "x", 5) > 0.9).all()
    assert shares(1, "x", 1).tolist() == [1.0]


def test_energy_is_power_times_five_minutes() -> None:
    assert energy_mwh(np.array([0.0, 12.0, 6000.0])).tolist() == [0, 1000, 500_000]


def test_a_device_without_an_array_makes_nothing(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["london"]
    bare = msgspec.structs.replace(plant.inverters[0], inverter=None)
    with pytest.raises(ValueError, match="no array"):
        generation(plant.site, bare, 1231)
