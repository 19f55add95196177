"""Meters at the grid connection that count feed-in forward, for those who set the hub so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heliograph.dialects.huawei.turning import POWERS, REGISTERS, turned
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.model.samples import Series
from tests.dialects.huawei.client import Client, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS, FakeHub

READINGS = {
    "meter.power": 1500.0, "meter.a.power": 500.0, "meter.reactive_power": -40.0, "meter.power_factor": 0.9,
    "meter.a.current": 2.0, "meter.energy_forward": 7000.0, "meter.energy_reverse": 9000.0,
    "meter.peak.energy_forward": 10.0, "meter.peak.energy_reverse": 20.0,
    "meter.reactive_energy_forward": 1.0, "meter.reactive_energy_reverse": 2.0,
}  # fmt: skip
AS_COUNTED = {
    "active_power": 1.5, "active_power_a": 0.5, "reactive_power": -0.04, "power_factor": 0.9, "a_i": 2.0,
    "active_cap": 7.0, "reverse_active_cap": 9.0, "positive_active_peak": 0.01, "reverse_active_peak": 0.02,
    "forward_reactive_cap": 0.001, "reverse_reactive_cap": 0.002,
}  # fmt: skip
TURNED = {
    "active_power": -1.5, "active_power_a": -0.5, "reactive_power": 0.04, "power_factor": 0.9, "a_i": 2.0,
    "active_cap": 9.0, "reverse_active_cap": 7.0, "positive_active_peak": 0.02, "reverse_active_peak": 0.01,
    "forward_reactive_cap": 0.002, "reverse_reactive_cap": 0.001,
}  # fmt: skip


async def opened(hub: FakeHub, *, feed_in_positive: bool | None) -> Client:
    """A client of a hub with the setting, or without a word of it."""
    hub.settings = {} if feed_in_positive is None else {"huawei": {"feed_in_positive": feed_in_positive}}
    client = Client(hub)
    await client.login()
    return client


def part(items: dict[str, Any]) -> dict[str, Any]:
    """The points that have a direction, and two that have none."""
    return {name: items[name] for name in AS_COUNTED}


@pytest.mark.parametrize("choice", [None, False, True])
async def test_a_grid_meter_counts_as_the_hub_is_set_and_any_other_meter_as_it_does(
    hub: FakeHub, choice: bool | None
) -> None:
    plant = hub.add_plant()
    grid, made = (hub.add_device(plant, DeviceKind.METER, role=role) for role in (MeterRole.GRID, MeterRole.PRODUCTION))
    for device in (grid, made):
        hub.read(device, READINGS)
        columns = {key: np.array([value]) for key, value in READINGS.items()}
        hub.series[device.id] = Series(device.id, np.array([NOW_MS]), columns)
    client = await opened(hub, feed_in_positive=choice)
    asked = {"devIds": numbers(grid, made), "devTypeId": 17, "collectTime": NOW_MS}
    for call in ("getDevRealKpi", "getDevFiveMinutes"):
        rows = {row["devId"]: row["dataItemMap"] for row in (await client.call(call, asked))["data"]}
        assert part(rows[number(grid)]) == pytest.approx(TURNED if choice else AS_COUNTED)
        assert part(rows[number(made)]) == pytest.approx(AS_COUNTED)


async def test_a_power_sensor_is_turned_too_and_a_register_it_lacks_is_null(hub: FakeHub) -> None:
    sensor = hub.add_device(hub.add_plant(), DeviceKind.POWER_SENSOR)
    hub.read(sensor, {"meter.power": -800.0, "meter.energy_forward": 3000.0})
    client = await opened(hub, feed_in_positive=True)
    [row] = (await client.call("getDevRealKpi", {"devIds": numbers(sensor), "devTypeId": 47}))["data"]
    items = row["dataItemMap"]
    assert (items["active_power"], items["active_cap"], items["reverse_active_cap"]) == (800.0, None, 3.0)


def test_turning_twice_is_turning_not_at_all() -> None:
    columns = {key: np.array([1.0, 2.0]) for key in POWERS} | {
        key: np.array([3.0 + place, np.nan]) for place, key in enumerate(REGISTERS)
    }
    both = np.array([True, False])
    again = turned(turned(columns, both), both)
    assert again.keys() == columns.keys()
    for key, values in columns.items():
        np.testing.assert_array_equal(again[key], values)
    assert {REGISTERS[other] for other in REGISTERS.values()} == set(REGISTERS.values())
    assert not any(key == other for key, other in REGISTERS.items())


def test_nothing_positive_is_minus_zero() -> None:
    out = turned({"meter.power": np.array([0.0])}, np.array([True]))
    assert str(out["meter.power"][0]) == "0.0"
