"""Reports of plants and devices: the printed figures, the plant's calendar, and what is left out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heliograph.clock import HOUR_MS, Level, instant_ms
from heliograph.dialects.huawei.reports import constants, deviations, span
from heliograph.model import kpi
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import DeviceKind
from tests.dialects.huawei.client import Client, code, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from tests.dialects.huawei.fake_hub import FakeHub

NAN = float("nan")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def start(year: int, month: int = 1, day: int = 1, hour: int = 0, *, tz: ZoneInfo = SHANGHAI) -> int:
    return instant_ms(datetime(year, month, day, hour, tzinfo=tz))


async def rows_of(client: Client, name: str, **asked: object) -> list[dict[str, Any]]:
    answer = await client.call(name, asked)
    assert answer["failCode"] == 0, answer
    rows: list[dict[str, Any]] = answer["data"]
    return rows


async def test_a_day_shows_the_printed_figures(hub: FakeHub, client: Client) -> None:
    first = hub.add_plant()
    second = hub.add_plant(capacity_w=467_040.0)
    day = start(2017, 8, 4)
    hub.total(
        "plant", first.id, Level.DAY, [day],
        production=[18_330e3], feed_in=[18_330e3], purchase=[288_760e3], irradiation=[696.8], revenue=[34_320.0],
    )  # fmt: skip
    hub.total("plant", second.id, Level.DAY, [day], production=[900e3], irradiation=[1412.3], revenue=[2088.0])
    rows = await rows_of(client, "getKpiStationDay", stationCodes=code(first, second), collectTime=day + 1)
    assert rows == [
        {
            "dataItemMap": {
                "use_power": 288_760,
                "radiation_intensity": 0.6968,
                "reduction_total_co2": 18.275,
                "reduction_total_coal": 7.332,
                "theory_power": 17559.36,
                "ongrid_power": 18330,
                "power_profit": 34320,
                "installed_capacity": 25200,
                "perpower_ratio": 0.727,
                "inverter_power": 18330,
                "reduction_total_tree": 999,
                "performance_ratio": 89,
            },
            "stationCode": code(first),
            "collectTime": day,
        },
        {
            "dataItemMap": {
                "use_power": None,
                "radiation_intensity": 1.4123,
                "reduction_total_co2": 0.897,
                "reduction_total_coal": 0.36,
                "theory_power": 659.6,
                "ongrid_power": None,
                "power_profit": 2088,
                "installed_capacity": 467.04,
                "perpower_ratio": 1.927,
                "inverter_power": 900,
                "reduction_total_tree": 49,
                "performance_ratio": 89,
            },
            "stationCode": code(second),
            "collectTime": day,
        },
    ]


async def test_an_hour_has_five_members_and_null_for_what_nobody_measured(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    hours = [start(2017, 8, 4, 23), start(2017, 8, 5, 0), start(2017, 8, 5, 1), start(2017, 8, 6)]
    hub.total(
        "plant",
        plant.id,
        Level.HOUR,
        hours,
        production=[1.0, 0.0, NAN, 1.0],
        revenue=[1.0, 0.0, NAN, 1.0],
        idle=[0.0] * 4,
    )
    rows = await rows_of(client, "getKpiStationHour", stationCodes=code(plant), collectTime=hours[1] + HOUR_MS // 2)
    assert rows == [
        {
            "dataItemMap": {
                "radiation_intensity": None,
                "theory_power": None,
                "inverter_power": 0.0,
                "ongrid_power": None,
                "power_profit": 0.0,
            },
            "stationCode": code(plant),
            "collectTime": hours[1],
        }
    ]


async def test_months_years_and_order(hub: FakeHub, client: Client) -> None:
    plants = [hub.add_plant(), hub.add_plant(zone="America/New_York"), hub.add_plant()]
    for plant in plants[:2]:
        tz = ZoneInfo(plant.zone)
        months = [start(2024, 12, tz=tz), *(start(2025, month, tz=tz) for month in range(1, 13))]
        hub.total("plant", plant.id, Level.MONTH, months, production=[1e3] * 13)
        years = [start(year, tz=tz) for year in range(1999, 2027)]
        hub.total("plant", plant.id, Level.YEAR, years, production=[1e3] * 28)
    asked = code(plants[1], plants[2], plants[0])
    rows = await rows_of(client, "getKpiStationMonth", stationCodes=asked, collectTime=NOW_MS)
    # July has begun; August to December are the future, and December 2024 another year.
    assert [row["stationCode"] for row in rows] == [code(plants[1])] * 7 + [code(plants[0])] * 7
    assert [row["collectTime"] for row in rows[:2]] == [
        start(2025, 1, tz=ZoneInfo("America/New_York")),
        start(2025, 2, tz=ZoneInfo("America/New_York")),
    ]
    rows = await rows_of(client, "getKpiStationYear", stationCodes=code(plants[0]), collectTime=start(2026, 5))
    assert [row["collectTime"] for row in rows] == [start(year) for year in range(2002, 2026)]


async def test_without_meters_measured_loads_are_the_consumption(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant(kpi_profile="iec-61724", capacity_w=None)
    hub.total(
        "plant",
        plant.id,
        Level.YEAR,
        [start(2025)],
        production=[3e6],
        consumption=[5e6],
        irradiation=[0.0],
        received=[9.0],
    )
    (row,) = await rows_of(client, "getKpiStationYear", stationCodes=code(plant), collectTime=NOW_MS)
    items = row["dataItemMap"]
    assert (items["use_power"], items["inverter_power"]) == (5000, 3000)
    for missing in ("installed_capacity", "theory_power", "performance_ratio", "perpower_ratio", "reduction_total_co2",
                    "reduction_total_coal", "reduction_total_tree"):  # fmt: skip
        assert items[missing] is None


def test_the_ratio_is_capped_only_where_the_profile_says() -> None:
    assert constants_of("huawei-2020").pr_cap_percent == 89
    assert constants_of("iec-61724").pr_cap_percent is None
    assert constants_of("a profile of another time") is kpi.HUAWEI_2020


def constants_of(name: str) -> kpi.KpiProfile:
    from heliograph.model.plants import Plant

    return constants(Plant(id=1, account_id=1, name="p", zone="UTC", kpi_profile=name))


async def test_a_day_of_inverters_shows_the_printed_figures(hub: FakeHub, client: Client) -> None:
    first, second = hub.add_device(hub.add_plant()), hub.add_device(hub.add_plant())
    day = start(2017, 8, 4)
    hub.total("device", first.id, Level.DAY, [day], production=[300e3], received=[115.0], producing=[1.0], idle=[19.0])
    hub.total(
        "device", second.id, Level.DAY, [day], production=[16.43e3], received=[101.0], producing=[8.0], idle=[1.0]
    )
    rows = await rows_of(
        client, "getDevKpiDay", devIds=numbers(first, second), devTypeId="1", collectTime=str(start(2017, 8, 5))
    )
    assert rows == [
        {
            "dataItemMap": {
                "aoc_ratio": 39.931,
                "yield_deviation": 0,
                "installed_capacity": 30.24,
                "perpower_ratio": 9.921,
                "product_power": 300,
                "total_aop": 5,
            },
            "devId": number(first),
            "collectTime": day,
        },
        {
            "dataItemMap": {
                "aoc_ratio": 35.069,
                "yield_deviation": 0,
                "installed_capacity": 30.24,
                "perpower_ratio": 0.543,
                "product_power": 16.43,
                "total_aop": 88.889,
            },
            "devId": number(second),
            "collectTime": day,
        },
    ]


async def test_the_deviation_is_from_the_best_of_the_whole_plant(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    inverters = [hub.add_device(plant) for _ in range(4)]
    hub.add_device(plant, DeviceKind.METER)
    days = [start(2025, 6, 1), start(2025, 6, 2)]
    for inverter, energy in zip(inverters, (80e3, 100e3, 50e3), strict=False):
        hub.total("device", inverter.id, Level.DAY, days, production=[energy, NAN], received=[288.0, 5.0])
    rows = await rows_of(client, "getDevKpiDay", devIds=numbers(*inverters), devTypeId=1, collectTime=days[0])
    assert [(row["devId"], row["dataItemMap"]["yield_deviation"]) for row in rows] == [
        (number(inverters[0]), -20.0),
        (number(inverters[0]), None),
        (number(inverters[1]), 0.0),
        (number(inverters[1]), None),
        (number(inverters[2]), -50.0),
        (number(inverters[2]), None),
    ]
    assert rows[1]["dataItemMap"]["aoc_ratio"] == 1.736
    assert rows[1]["dataItemMap"]["total_aop"] is None


def test_a_plant_without_data_has_no_deviations() -> None:
    assert deviations([], {}, 20.0) == {}


async def test_months_years_and_hours_of_inverters_have_three_figures(hub: FakeHub, client: Client) -> None:
    inverter = hub.add_device(hub.add_plant(), DeviceKind.CENTRAL_INVERTER, capacity_w=None)
    for level, at in ((Level.HOUR, NOW_MS), (Level.MONTH, start(2025, 6)), (Level.YEAR, start(2025))):
        hub.total("device", inverter.id, level, [at], production=[5e3], received=[12.0])
    for name in ("getDevKpiHour", "getDevKpiMonth", "getDevKpiYear"):
        (row,) = await rows_of(client, name, devIds=numbers(inverter), devTypeId=14, collectTime=NOW_MS)
        assert row["dataItemMap"] == {"installed_capacity": None, "product_power": 5.0, "perpower_ratio": None}


async def test_batteries_have_energies_and_hours(hub: FakeHub, client: Client) -> None:
    battery = hub.add_device(hub.add_plant(), DeviceKind.BATTERY)
    columns: dict[str, list[float]] = {
        "charged": [7.5e3], "discharged": [6e3], "charging_time": [5400.0], "discharging_time": [NAN]
    }  # fmt: skip
    hub.total("device", battery.id, Level.DAY, [start(2025, 6, 5)], **columns)
    (row,) = await rows_of(client, "getDevKpiDay", devIds=numbers(battery), devTypeId=39, collectTime=start(2025, 6, 9))
    assert row["dataItemMap"] == {"charge_cap": 7.5, "discharge_cap": 6.0, "charge_time": 1.5, "discharge_time": None}


async def test_the_real_length_of_a_day_counts_where_the_profile_says_so(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant(zone="Europe/Warsaw", kpi_profile="iec-61724")
    inverter = hub.add_device(plant)
    short = start(2025, 3, 30, tz=ZoneInfo("Europe/Warsaw"))
    hub.total("device", inverter.id, Level.DAY, [short], production=[1.0], received=[276.0])
    (row,) = await rows_of(client, "getDevKpiDay", devIds=numbers(inverter), devTypeId=1, collectTime=short)
    assert row["dataItemMap"]["aoc_ratio"] == 100.0


@pytest.mark.parametrize(
    ("level", "since", "until"),
    [
        (Level.HOUR, start(2024, 2, 29), start(2024, 3, 1)),
        (Level.DAY, start(2024, 2, 1), start(2024, 3, 1)),
        (Level.MONTH, start(2024), start(2025)),
        (Level.YEAR, start(2000), start(2025)),
    ],
)
def test_a_report_covers_the_period_above_its_rows(level: Level, since: int, until: int) -> None:
    assert span(level, start(2024, 2, 29, 13), SHANGHAI) == (since, until)


def test_deviations_align_inverters_that_miss_days(hub: FakeHub) -> None:
    plant = hub.add_plant()
    one, two = hub.add_device(plant), hub.add_device(plant)
    found = {
        one.id: BucketSeries(one.id, Level.DAY, np.array([1, 3]), {"production": np.array([10.0, 10.0])}),
        two.id: BucketSeries(two.id, Level.DAY, np.array([2, 3]), {"production": np.array([5.0, 5.0])}),
    }
    result = deviations([one, two], found, 20.0)
    assert {at: value for at, value in result[one.id].items() if value == value} == {1: 0.0, 3: 0.0}
    assert {at: value for at, value in result[two.id].items() if value == value} == {2: 0.0, 3: -50.0}
