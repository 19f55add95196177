"""The counters before the simulation agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.clock import DAY_MS
from heliograph.model.measurements import TARIFFS
from heliograph.simulate.before import counters_before, stored_before

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

AT_MS = 1_735_689_600_000


def test_a_plant_has_lived(plant: SimulatedPlant) -> None:
    counters = counters_before(plant, AT_MS, 1)
    lifetime = [value for key, value in counters.items() if "reactive" not in key]
    assert min(lifetime) > 0
    for device in plant.inverters:
        years = counters[f"{device.key}/ac.energy"] / 1000 / (device.capacity_w or 1) / plant.yield_h
        assert 1 < years < 6


def test_trackers_add_up_and_exceed_what_was_put_out(plant: SimulatedPlant) -> None:
    counters = counters_before(plant, AT_MS, 1)
    for device in plant.inverters:
        trackers = [value for key, value in counters.items() if key.startswith(f"{device.key}/mppt.")]
        if trackers:
            assert sum(trackers) == counters[f"{device.key}/pv.energy"] > counters[f"{device.key}/ac.energy"]


def test_tariffs_add_up(plants: dict[str, SimulatedPlant]) -> None:
    counters = counters_before(plants["shanghai"], AT_MS, 1)
    for way in ("energy_forward", "energy_reverse"):
        assert sum(counters[f"meter/meter.{tariff}.{way}"] for tariff in TARIFFS) == counters[f"meter/meter.{way}"]


def test_a_life_balances_at_the_meter(plants: dict[str, SimulatedPlant]) -> None:
    counters = counters_before(plants["london"], AT_MS, 1)
    bought, sold = counters["sensor/meter.energy_forward"], counters["sensor/meter.energy_reverse"]
    assert bought - sold == counters["hybrid/load.energy"] - counters["hybrid/ac.energy"]
    assert bought == counters["hybrid/grid.energy_import"]
    assert sold == counters["hybrid/grid.energy_export"]


def test_a_battery_took_in_more_than_it_gave(plants: dict[str, SimulatedPlant]) -> None:
    counters = counters_before(plants["london"], AT_MS, 1)
    assert counters["battery/battery.energy_charged"] > counters["battery/battery.energy_discharged"] > 0


def test_the_seed_varies_it_and_nothing_else_does(plant: SimulatedPlant) -> None:
    assert counters_before(plant, AT_MS, 1) == counters_before(plant, AT_MS, 1)
    assert counters_before(plant, AT_MS, 1) != counters_before(plant, AT_MS, 2)


def test_a_plant_that_is_not_yet_connected_has_a_month_behind_it(plant: SimulatedPlant) -> None:
    young = counters_before(plant, AT_MS - 9000 * DAY_MS, 1)
    assert all(young[f"{device.key}/ac.energy"] > 0 for device in plant.inverters)


def test_only_a_battery_stores(plant: SimulatedPlant) -> None:
    stored = stored_before(plant, 1)
    if plant.storage is None or plant.storage.battery is None:
        assert stored == 0
    else:
        own = plant.storage.battery
        assert own.capacity_wh * own.floor_permille < stored < own.capacity_wh * own.ceiling_permille


def test_a_battery_that_is_not_known_has_no_counters(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["london"]
    devices = tuple(msgspec.structs.replace(device, battery=None) for device in plant.devices)
    counters = counters_before(msgspec.structs.replace(plant, devices=devices), AT_MS, 1)
    assert not any("battery" in key for key in counters)
