"""Energies by the periods of the plant's calendar: numbers for what was, 0 for what is to come."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from heliograph.clock import HOUR_MS, Level, day_start, hour_starts, zone
from heliograph.dialects.foxess.reports import QUANTITIES, slots
from heliograph.model.devices import Device, DeviceKind, MeterRole
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

NAN = float("nan")
LONDON = zone("Europe/London")
ALL = list(QUANTITIES)


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """The start of an hour of London's clock. [ms]"""
    return day_start(date(year, month, day).toordinal(), LONDON) + hour * HOUR_MS


@pytest.fixture
def inverter(hub: FakeHub) -> Device:
    """A hybrid inverter in London; it is one in the afternoon of the first of July 2025."""
    return hub.add_device(hub.add_plant())


async def report(client: Client, device: Device, **query: object) -> dict[str, list[float | None]]:
    """The values of variables by name, in kilowatt-hours."""
    rows = await client.result("device/report/query", {"sn": device.serial, "variables": ALL, **query})
    assert all(list(row) == ["variable", "unit", "values"] and row["unit"] == "kWh" for row in rows)
    return {row["variable"]: row["values"] for row in rows}


async def test_a_year_has_twelve_months(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.total(
        "device", inverter.id, Level.MONTH, [at(2025, 5, 1), at(2025, 6, 1), at(2025, 7, 1)],
        production=[1_500_000, 2_000_123.4, 40_000], pv_input=[1_600_000, NAN, 41_000],
    )  # fmt: skip
    found = await report(client, inverter, year=2025, dimension="year", month=3, day=40)
    # Before anything was measured is nothing, between what was measured is unknown.
    assert found["generation"] == [0.0] * 4 + [1500.0, 2000.123, 40.0] + [0.0] * 5
    assert found["PVEnergyTotal"] == [0.0] * 4 + [1600.0, None, 41.0] + [0.0] * 5


async def test_a_month_has_its_days(hub: FakeHub, client: Client, inverter: Device) -> None:
    days = [at(2024, 2, day) for day in range(1, 30)]
    hub.total("device", inverter.id, Level.DAY, days, production=[1000 * day for day in range(1, 30)])
    found = await report(client, inverter, year="2024", month="2", day=17, dimension="month", variables=["generation"])
    assert found == {"generation": [float(day) for day in range(1, 30)]}


async def test_a_day_has_24_hours(hub: FakeHub, client: Client, inverter: Device) -> None:
    hub.total("device", inverter.id, Level.HOUR, [at(2025, 7, 1, 9), at(2025, 7, 1, 12)], production=[500, 700])
    found = await report(client, inverter, year=2025, month=7, day=1, dimension="day", variables="generation")
    # Two hours between were not measured; the hour that runs now is not over, the rest is to come.
    assert found["generation"] == [0.0] * 9 + [0.5, None, None, 0.7] + [0.0] * 11
    hub.total("device", inverter.id, Level.HOUR, [])
    found = await report(client, inverter, year=2025, month=7, day=1, dimension="DAY", variables=["generation"])
    assert found["generation"] == [0.0] * 24
    assert set((await report(client, inverter, year=2026, dimension="year"))["generation"]) == {0.0}


@pytest.mark.parametrize(
    ("level", "measured"),
    [(Level.YEAR, at(2024, 1, 1)), (Level.MONTH, at(2025, 2, 1)), (Level.DAY, at(2025, 7, 1))],
)
async def test_what_was_not_measured_after_something_was_is_null(
    hub: FakeHub, client: Client, inverter: Device, level: Level, measured: int
) -> None:
    hub.total("device", inverter.id, level, [measured], production=[70])
    hub.total("device", inverter.id, Level.HOUR, [at(2025, 7, 2, 9)], production=[500])
    hub.plant_clock.at_ms = at(2025, 7, 2, 13)
    found = await report(client, inverter, year=2025, month=7, day=2, dimension="day", variables="generation")
    assert found["generation"] == [None] * 9 + [0.5] + [None] * 3 + [0.0] * 11


async def test_an_inverter_without_a_battery_sleeps_at_night_and_a_gap_by_day_is_null(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    small = hub.add_device(hub.all_plants[1], DeviceKind.INVERTER)
    hours = [at(2025, 6, 3, hour) for hour in (6, 9, 19)]
    for device in (inverter, small):
        hub.total("device", device.id, Level.DAY, [at(2025, 6, 2)], production=[9000], feed_in=[1])
        hub.total("device", device.id, Level.HOUR, hours, production=[10, 300, 20], feed_in=[1, 2, 3])
    asked = {"year": 2025, "month": 6, "day": 3, "dimension": "day"}
    found = await report(client, small, **asked)
    day = [0.01, None, None, 0.3, *[None] * 9, 0.02]
    assert found["generation"] == [0.0] * 6 + day + [0.0] * 4
    assert found["feedin"] == [None] * 6 + [0.001, None, None, 0.002, *[None] * 9, 0.003] + [None] * 4
    assert (await report(client, inverter, **asked))["generation"] == [None] * 6 + day + [None] * 4
    assert (await report(client, small, **{**asked, "day": 4}))["generation"] == [None] * 24


async def test_an_hour_that_is_skipped_is_empty_and_one_that_comes_twice_is_both(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    spring = list(hour_starts(date(2025, 3, 30).toordinal(), LONDON)[:-1])
    assert len(spring) == 23
    hub.total("device", inverter.id, Level.HOUR, spring, production=[1000] * 23)
    found = await report(client, inverter, year=2025, month=3, day=30, dimension="day")
    assert found["generation"] == [1.0, 0.0] + [1.0] * 22
    autumn = list(hour_starts(date(2024, 10, 27).toordinal(), LONDON)[:-1])
    assert len(autumn) == 25
    hub.total("device", inverter.id, Level.HOUR, autumn, production=[1000] * 25)
    found = await report(client, inverter, year=2024, month=10, day=27, dimension="day")
    assert found["generation"] == [1.0, 2.0] + [1.0] * 22


@pytest.mark.parametrize("name", ["Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"])
@pytest.mark.parametrize("on", [date(2024, 10, 6), date(2025, 4, 6), date(2018, 11, 4), date(2025, 3, 30)])
def test_the_hours_of_a_day_follow_each_other_and_fill_it(name: str, on: date) -> None:
    tz = zone(name)
    spans = slots("day", on, tz)
    assert len(spans) == 24
    assert spans[0][0] == day_start(on.toordinal(), tz)
    assert spans[-1][1] == day_start(on.toordinal() + 1, tz)
    assert all(first[1] == second[0] for first, second in pairwise(spans))
    starts = set(hour_starts(on.toordinal(), tz)[:-1])
    # Every hour that the hub totals lies in one of them.
    assert all(any(since <= start < until for since, until in spans) for start in starts)


async def test_the_plant_s_energies_are_told_by_the_inverter_that_stands_for_it(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    plant = hub.all_plants[1]
    hub.add_device(plant, DeviceKind.METER)
    hub.total("device", inverter.id, Level.DAY, [at(2025, 6, 1)], production=[9000])
    hub.total(
        "plant", plant.id, Level.DAY, [at(2025, 6, 1), at(2025, 6, 2)],
        production=[20_000, 10_000], feed_in=[5000, 4000], purchase=[1000, 2000], charged=[3000, 0],
        discharged=[2000, NAN], consumption=[16_000, 7500], pv_input=[21_000, 11_000],
    )  # fmt: skip
    found = await report(client, inverter, year=2025, month=6, dimension="month")
    assert list(found) == ALL
    assert {name: values[:3] for name, values in found.items()} == {
        "generation": [9.0, None, None],
        "feedin": [5.0, 4.0, None],
        "gridConsumption": [1.0, 2.0, None],
        "chargeEnergyToTal": [3.0, 0.0, None],
        "dischargeEnergyToTal": [2.0, None, None],
        "loads": [16.0, 7.5, None],
        "PVEnergyTotal": [0.0, 0.0, 0.0],
    }


async def test_the_house_is_the_plant_s_and_the_battery_the_inverter_s(
    hub: FakeHub, client: Client, inverter: Device
) -> None:
    hub.total(
        "device", inverter.id, Level.DAY, [at(2025, 6, 1)],
        production=[9000], feed_in=[111], purchase=[55], consumption=[NAN], charged=[700],
    )  # fmt: skip
    hub.total(
        "plant", 1, Level.DAY, [at(2025, 6, 1)],
        production=[9000], feed_in=[222], purchase=[NAN], consumption=[8878], charged=[1400],
    )  # fmt: skip
    found = await report(client, inverter, year=2025, month=6, dimension="month")
    assert (found["feedin"][0], found["gridConsumption"][0], found["loads"][0]) == (0.222, 0.055, 8.878)
    assert found["chargeEnergyToTal"][0] == 0.7


async def test_what_an_inverter_cannot_have_is_left_out(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    first, second = hub.add_device(plant, DeviceKind.INVERTER), hub.add_device(plant, DeviceKind.INVERTER)
    told = {"year": 2025, "dimension": "year"}
    assert list(await report(client, first, **told)) == ["generation", "PVEnergyTotal"]
    hub.add_device(plant, DeviceKind.METER, role=MeterRole.LOAD)
    assert list(await report(client, first, **told)) == [
        "generation", "feedin", "gridConsumption", "loads", "PVEnergyTotal",
    ]  # fmt: skip
    assert list(await report(client, second, **told)) == ["generation", "PVEnergyTotal"]
    hub.total("device", second.id, Level.MONTH, [at(2025, 5, 1)], feed_in=[1000])
    assert list(await report(client, second, **told)) == ["generation", "feedin", "PVEnergyTotal"]


async def test_variables_are_needed_unknown_ones_left_out_and_none_means_all(client: Client, inverter: Device) -> None:
    answer = await client.call("device/report/query", {"sn": inverter.serial, "year": 2025, "dimension": "year"})
    assert answer["errno"] == 40257
    assert "variables is missing" in answer["msg"]
    found = await report(client, inverter, year=2025, dimension="year", variables=["loads", "x", "generation"])
    assert list(found) == ["loads", "generation"]
    assert list(await report(client, inverter, year=2025, dimension="year", variables=[])) == ALL


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"dimension": "week", "year": 2025}, "dimension must be year, month or day"),
        ({"year": 2025}, "dimension is missing"),
        ({"dimension": "year"}, "year is missing"),
        ({"dimension": "year", "year": 2019}, "year must lie between 2020"),
        ({"dimension": "year", "year": 9999}, "year must lie between 2020"),
        ({"dimension": "month", "year": 2025}, "month is missing"),
        ({"dimension": "month", "year": 2025, "month": 13}, "month must lie between 1 and 12"),
        ({"dimension": "day", "year": 2025, "month": 2}, "day is missing"),
        ({"dimension": "day", "year": 2025, "month": 2, "day": 29}, "day must lie between 1 and 28"),
        ({"dimension": "day", "year": 2025, "month": 2, "day": 1.5}, "day must be a whole number"),
    ],
)
async def test_a_period_that_is_none_is_refused(
    client: Client, inverter: Device, query: dict[str, Any], told: str
) -> None:
    answer = await client.call("device/report/query", {"sn": inverter.serial, "variables": ALL, **query})
    assert answer["errno"] == 40257
    assert told in answer["msg"]


async def test_generation_is_numbers_in_any_case(hub: FakeHub, client: Client, inverter: Device) -> None:
    query = {"sn": inverter.serial}
    assert await client.result("device/generation", query) == {"today": 0.0, "month": 0.0, "cumulative": 0.0}
    hub.total("device", inverter.id, Level.DAY, [at(2025, 6, 30), at(2025, 7, 1)], production=[9000, 1234.5678])
    hub.total("device", inverter.id, Level.MONTH, [at(2025, 6, 1), at(2025, 7, 1)], production=[200_000, 1234])
    hub.total("device", inverter.id, Level.YEAR, [at(2024, 1, 1), at(2025, 1, 1)], production=[1e6, 2e6])
    assert await client.result("device/generation", query) == {"today": 1.235, "month": 1.234, "cumulative": 3000.0}
    hub.read(inverter, {"ac.energy": 4_141_700.0})
    assert (await client.result("device/generation", query))["cumulative"] == 4141.7
    hub.read(inverter, {"ac.energy": "broken"})
    assert (await client.result("device/generation", query))["cumulative"] == 3000.0
    assert await client.errno("device/generation", {"deviceSN": "nobody"}) == 41930
