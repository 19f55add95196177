"""Inverters by channel: energies that add up to what was produced, and the telemetry of a day."""

from __future__ import annotations

from datetime import date

import pytest

from heliograph.clock import Level
from heliograph.model.devices import Device
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub
from tests.unit.store.world import at

NaN = float("nan")
LONDON = "Europe/London"
DAY = {"energy_level": "minutely", "date_range": "2025-07-01"}


def instants(*clock: str) -> list[int]:
    """Instants of the first of July."""
    return [at(f"2025-07-01T{each}", LONDON) for each in clock]


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """An inverter of two channels, the second one three times as strong, on three days of two months."""
    device = hub.add_device(hub.add_plant(connected_on=date(2025, 2, 1)), serial="902000000001")
    hub.read(device, {"pv.1.power": 0.0, "pv.2.power": 0.0})
    days = ["2025-06-29", "2025-06-30", "2025-07-01"]
    moments = [at(f"{day}T{clock}", LONDON) for day in days for clock in ("10:00", "10:05", "10:10")]
    hub.measure(device, moments, pv__1__power=[100.0] * 9, pv__2__power=[300.0] * 3 + [100.0] * 3 + [300.0] * 3)
    hours = [at(f"{day}T10:00", LONDON) for day in days]
    hub.total("device", device.id, Level.HOUR, hours, production=[4000.0, 2000.0, 8000.0])
    starts = [at(day, LONDON) for day in days]
    hub.total("device", device.id, Level.DAY, starts, production=[4000.0, 2000.0, 8000.0], received=[3.0, 3.0, 3.0])
    months = [at("2025-06-01", LONDON), at("2025-07-01", LONDON)]
    hub.total("device", device.id, Level.MONTH, months, production=[6000.0, 8000.0], received=[6.0, 3.0])
    hub.total("device", device.id, Level.YEAR, [at("2025-01-01", LONDON)], production=[14_000.0], received=[9.0])
    return device


async def test_the_summary_has_the_channels_that_exist(client: Client, inverter: Device) -> None:
    assert await client.data("inverter/summary", "1", inverter.serial) == {
        "d1": "2.00", "m1": "2.00", "y1": "4.00", "t1": "4.00",
        "d2": "6.00", "m2": "6.00", "y2": "10.00", "t2": "10.00",
    }  # fmt: skip


async def test_a_lifetime_is_the_counter_s(client: Client, hub: FakeHub, inverter: Device) -> None:
    hub.read(inverter, {"pv.1.power": 0.0, "pv.2.power": 0.0, "ac.energy": 28_000.0})
    told = await client.data("inverter/summary", "1", inverter.serial)
    assert (told["t1"], told["t2"]) == ("8.00", "20.00")


@pytest.mark.parametrize(
    ("level", "span", "length", "place", "expected"),
    [
        ("hourly", "2025-07-01", 24, 10, ("2.00", "6.00")), ("daily", "2025-06", 30, 29, ("1.00", "1.00")),
        ("daily", "2025-06", 30, 28, ("1.00", "3.00")), ("monthly", "2025", 12, 5, ("2.00", "4.00")),
        ("monthly", "2025", 12, 6, ("2.00", "6.00")), ("yearly", "", 1, 0, ("4.00", "10.00")),
    ],
)  # fmt: skip
async def test_lists_by_channel(
    client: Client, inverter: Device, level: str, span: str, length: int, place: int, expected: tuple[str, str]
) -> None:
    told = await client.data("inverter/energy", "1", inverter.serial, energy_level=level, date_range=span)
    assert list(told) == ["e1", "e2"]
    assert [len(values) for values in told.values()] == [length, length]
    assert tuple(values[place] for values in told.values()) == expected


async def test_shares_are_remembered_until_something_changes(
    client: Client, hub: FakeHub, inverter: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = {"energy_level": "daily", "date_range": "2025-06"}
    before = await client.data("inverter/energy", "1", inverter.serial, **query)
    hub.measure(inverter, [at("2025-06-29T10:00", LONDON), at("2025-06-29T10:05", LONDON)], pv__1__power=[5.0, 5.0])
    assert await client.data("inverter/energy", "1", inverter.serial, **query) == before
    starts = [at("2025-06-29", LONDON)]
    hub.total("device", inverter.id, Level.DAY, starts, production=[4000.0], received=[4.0])
    after = await client.data("inverter/energy", "1", inverter.serial, **query)
    assert (after["e1"][28], after["e2"][28]) == ("4.00", "0.00")
    monkeypatch.setattr("heliograph.dialects.apsystems.shares.KEPT", 0)
    hub.total("device", inverter.id, Level.DAY, starts, production=[5000.0], received=[4.0])
    assert (await client.data("inverter/energy", "1", inverter.serial, **query))["e1"][28] == "5.00"


async def test_an_inverter_that_tells_of_no_string_has_one_channel(client: Client, hub: FakeHub) -> None:
    device = hub.add_device(hub.add_plant(), serial="902000000001")
    hub.read(device, {"ac.power": 1.0})
    hub.total("device", device.id, Level.DAY, instants("00:00"), production=[4000.0])
    told = await client.data("inverter/summary", "1", device.serial)
    assert told == {"d1": "4.00", "m1": "0.00", "y1": "0.00", "t1": "0.00"}
    hub.measure(device, instants("10:00", "10:05"), ac__power=[240.0, 240.0])
    course = await client.data("inverter/energy", "1", device.serial, **DAY)
    assert course == {
        "t": ["10:00", "10:05"], "ac_p": ["240.00", "240.00"], "dc_e1": ["0.000000", "0.000000"],
    }  # fmt: skip


async def test_an_inverter_that_never_sent_anything_has_no_data(client: Client, hub: FakeHub) -> None:
    hub.add_device(hub.add_plant(), serial="902000000001")
    assert await client.code("inverter/summary", "1", "902000000001") == 1001
    assert await client.code("inverter/energy", "1", "902000000001", **DAY) == 1001
    ahead = {**DAY, "date_range": "2025-07-02"}
    assert await client.code("inverter/energy", "1", "902000000001", **ahead) == 4001


async def test_the_telemetry_of_a_day(client: Client, hub: FakeHub, inverter: Device) -> None:
    hub.measure(
        inverter, instants("10:00", "10:05", "10:05:30", "10:10"),
        pv__1__power=[100.0, 200.0, 200.0, 100.0], pv__1__voltage=[30.0, 30.1, 30.25, NaN],
        pv__1__current=[3.333, 6.6, 6.6, 3.3], pv__2__voltage=[30.0] * 4, pv__2__current=[10.0] * 4,
        ac__a__voltage=[240.0] * 4, ac__b__voltage=[NaN] * 4, inverter__temperature=[41.5] * 4,
        ac__power=[400.0, 500.0, 490.0, 380.0], ac__frequency=[50.01] * 4,
    )  # fmt: skip
    told = await client.data("inverter/energy", "1", inverter.serial, **DAY)
    assert told["t"] == ["10:00", "10:05", "10:10"]
    assert told["dc_p1"] == ["100.00", "200.00", "100.00"]
    assert told["dc_p2"] == ["300.00"] * 3
    assert told["dc_i1"] == ["3.33", "6.60", "3.30"]
    # A single gap in what is measured can only be a nought.
    assert told["dc_v1"] == ["30.00", "30.25", "0.00"]
    assert (told["ac_v1"], told["ac_t"]) == (["240.00"] * 3, ["41.50"] * 3)
    assert (told["ac_p"], told["ac_f"]) == (["400.00", "490.00", "380.00"], ["50.01"] * 3)
    assert set(told) == {
        "t", "dc_p1", "dc_p2", "dc_i1", "dc_i2", "dc_v1", "dc_v2", "dc_e1", "dc_e2", "ac_v1", "ac_t", "ac_p", "ac_f",
    }  # fmt: skip
    energy = sum(float(each) for name in ("dc_e1", "dc_e2") for each in told[name])
    assert energy == pytest.approx(8.0, abs=3e-6)


async def test_the_power_has_the_name_of_the_live_service_too_where_that_is_set(hub: FakeHub, inverter: Device) -> None:
    hub.measure(inverter, instants("10:00", "10:05"), ac__power=[400.0, 500.0])
    assert "ac_p1" not in await Client(hub).data("inverter/energy", "1", inverter.serial, **DAY)
    hub.settings = {"apsystems": {"live_names": True}}
    told = await Client(hub).data("inverter/energy", "1", inverter.serial, **DAY)
    assert told["ac_p"] == told["ac_p1"] == ["400.00", "500.00"]


async def test_a_past_day_without_a_sample_has_no_data_and_today_is_empty(
    client: Client, hub: FakeHub, inverter: Device
) -> None:
    past = {**DAY, "date_range": "2025-06-01"}
    assert await client.code("inverter/energy", "1", inverter.serial, **past) == 1001
    hub.series.clear()
    assert await client.data("inverter/energy", "1", inverter.serial, **DAY) == {"t": [], "dc_e1": [], "dc_e2": []}
    hours = {"energy_level": "hourly", "date_range": "2025-07-01"}
    told = await client.data("inverter/energy", "1", inverter.serial, **hours)
    # Nothing tells of the channels any more: each has the same.
    assert (told["e1"][10], told["e2"][10]) == ("4.00", "4.00")
