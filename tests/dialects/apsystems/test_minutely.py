"""The day of an ECU, and times of day."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import HOUR_MS, Level, hour_starts, local, zone
from heliograph.dialects.apsystems.minutely import clock_times
from heliograph.model.devices import DeviceKind
from heliograph.model.plants import Plant
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import NOW_MS, FakeHub
from tests.unit.store.world import at

NaN = float("nan")
MINUTE_MS = 60_000
DAY = {"energy_level": "minutely", "date_range": "2025-07-01"}
BEFORE = {"energy_level": "minutely", "date_range": "2025-06-30"}


@pytest.fixture
def plant(hub: FakeHub) -> Plant:
    """A plant of two inverters that send every five minutes, not at the same instants."""
    plant = hub.add_plant()
    for _ in range(2):
        hub.add_device(plant)
    return plant


def instants(*clock: str) -> list[int]:
    """Instants of the first of July."""
    return [at(f"2025-07-01T{each}", "Europe/London") for each in clock]


async def test_a_day_has_exactly_the_keys_of_the_document(client: Client, hub: FakeHub, plant: Plant) -> None:
    first, second = hub.all_devices.values()
    hub.measure(first, instants("10:00", "10:05:02", "10:10"), ac__power=[1000.0, 2000.0, 1500.0])
    hub.measure(second, instants("10:01", "10:07", "10:17"), ac__power=[500.0, NaN, 100.0])
    hours = instants("10:00")
    hub.total("plant", plant.id, Level.HOUR, hours, production=[300.0])
    hub.total("plant", plant.id, Level.DAY, [at("2025-07-01", plant.zone)], production=[12_284.0])
    sid, (eid,), _ = await client.ids()
    told = await client.data("ecu/energy", sid, eid, **DAY)
    assert told == {
        "time": ["10:00", "10:05", "10:10", "10:15"],
        "energy": ["0.000000", "0.122093", "0.122093", "0.055814"],
        "power": ["1500.00", "2000.00", "1500.00", "100.00"],
        "today": "12.28",
    }


async def test_a_past_day_without_a_sample_has_no_data_and_today_is_empty(
    client: Client, hub: FakeHub, plant: Plant
) -> None:
    sid, (eid,), _ = await client.ids()
    assert await client.data("ecu/energy", sid, eid, **DAY) == {"time": [], "energy": [], "power": [], "today": "0.00"}
    assert await client.code("ecu/energy", sid, eid, **BEFORE) == 1001


async def test_power_is_that_of_the_phases_where_no_whole_is_told(client: Client, hub: FakeHub, plant: Plant) -> None:
    first, _ = hub.all_devices.values()
    hub.measure(first, instants("10:00", "10:05"), ac__a__power=[100.0, 200.0], ac__b__power=[1.0, 2.0])
    sid, (eid,), _ = await client.ids()
    told = await client.data("ecu/energy", sid, eid, **DAY)
    assert told["power"] == ["101.00", "202.00"]
    # Nobody has folded the hour: what lies under the powers stands as it is.
    assert told["energy"] == ["0.000000", f"{151.5 / 12 / 1000:.6f}"]


async def test_points_are_as_far_apart_as_the_slowest_inverter_samples(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    ecu = hub.add_device(plant, DeviceKind.GATEWAY, serial="203000000001")
    hub.add_device(plant, DeviceKind.GATEWAY, serial="203000000002")
    fast, slow = (hub.add_device(plant, interval_s=each, gateway_id=ecu.id) for each in (10, 900))
    hub.measure(fast, instants("10:00", "10:00:10", "10:14:50", "10:15"), ac__power=[10.0, 20.0, 30.0, 50.0])
    hub.measure(slow, instants("10:14"), ac__power=[1000.0])
    told = await client.data("ecu/energy", "1", ecu.serial, **DAY)
    assert (told["time"], told["power"]) == (["10:00", "10:15"], ["1020.00", "50.00"])
    hub.measure(slow, instants("10:14"), ac__power=[NaN])
    told = await client.data("ecu/energy", "1", ecu.serial, **DAY)
    assert told["power"] == ["20.00", "50.00"]
    empty = await client.data("ecu/energy", "1", "203000000002", **DAY)
    assert empty == {"time": [], "energy": [], "power": [], "today": "0.00"}


async def test_a_day_that_starts_within_a_point_starts_at_midnight(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant("Asia/Kathmandu")
    device = hub.add_device(plant, interval_s=3600)
    hub.measure(device, [at("2025-07-01T00:10", plant.zone)], ac__power=[1.0])
    sid, (eid,), _ = await client.ids()
    assert (await client.data("ecu/energy", sid, eid, **DAY))["time"] == ["00:00"]


@given(
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Shanghai"]),
    st.integers(date(2024, 1, 1).toordinal(), date(2026, 1, 1).toordinal()),
    st.lists(st.integers(0, 25 * 60), max_size=40),
)
def test_times_are_those_of_the_wall_clock(name: str, day: int, minutes: list[int]) -> None:
    tz = zone(name)
    since_ms = hour_starts(day, tz)[0]
    at_ms = np.array(sorted(since_ms + minute * MINUTE_MS for minute in minutes), np.int64)
    assert clock_times(at_ms, tz) == [f"{local(each, tz):%H:%M}" for each in at_ms.tolist()]


def test_a_repeated_hour_comes_twice() -> None:
    tz = zone("America/New_York")
    since_ms = at("2025-11-02T01:30", tz.key)
    assert clock_times(np.array([since_ms, since_ms + HOUR_MS], np.int64), tz) == ["01:30", "01:30"]
    assert since_ms > NOW_MS
