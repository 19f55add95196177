"""The present: totals and health of plants, newest readings of devices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.clock import DAY_MS, HOUR_MS, MINUTE_MS, Level, period, zone
from heliograph.model.alarms import Alarm, Severity
from heliograph.model.devices import DeviceKind
from tests.dialects.huawei.client import Client, code, number, numbers
from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from heliograph.model.plants import Plant
    from tests.dialects.huawei.fake_hub import FakeHub


def fill(hub: FakeHub, plant: Plant, **revenue: list[float]) -> None:
    """Today 16 770 kWh, this month 35 100 kWh, 35 100 kWh this year and as much in the year before."""
    tz = zone(plant.zone)
    day, month, year = (period(level, NOW_MS, tz)[0] for level in (Level.DAY, Level.MONTH, Level.YEAR))
    hub.total("plant", plant.id, Level.DAY, [day - DAY_MS, day], production=[1e9, 16_770e3], revenue=[9.0, 26_832.0])
    hub.total("plant", plant.id, Level.MONTH, [month], production=[35_100e3])
    hub.total("plant", plant.id, Level.YEAR, [year - 365 * DAY_MS, year], production=[35_100e3] * 2, **revenue)


async def now_of(client: Client, *plants: Plant) -> list[dict[str, Any]]:
    answer = await client.call("getStationRealKpi", {"stationCodes": code(*plants)})
    assert answer["success"]
    return [row["dataItemMap"] for row in answer["data"]]


async def test_totals_are_numbers_of_the_plants_own_day_and_month(hub: FakeHub, client: Client) -> None:
    plant, bare = hub.add_plant(tariff=(1.6,)), hub.add_plant(zone="America/New_York")
    fill(hub, plant, revenue=[30_576.0, 30_576.0])
    fill(hub, bare, revenue=[1.0, 1.0])
    hub.read(hub.add_device(plant), {"ac.power": 1.0})
    assert await now_of(client, plant, bare) == [
        {
            "real_health_state": 3,
            "day_power": 16770.0,
            "total_power": 70200.0,
            "day_income": 26832.0,
            "month_power": 35100.0,
            "total_income": 61152.0,
            "day_on_grid_energy": None,
            "day_use_energy": None,
        },
        {
            "real_health_state": 1,
            "day_power": 16770.0,
            "total_power": 70200.0,
            "day_income": None,
            "month_power": 35100.0,
            "total_income": None,
            "day_on_grid_energy": None,
            "day_use_energy": None,
        },
    ]


async def test_a_plant_that_never_produced_has_nulls(hub: FakeHub, client: Client) -> None:
    assert await now_of(client, hub.add_plant(tariff=(1.0,))) == [
        {
            "real_health_state": 1,
            "day_power": None,
            "total_power": None,
            "day_income": None,
            "month_power": None,
            "total_income": None,
            "day_on_grid_energy": None,
            "day_use_energy": None,
        }
    ]


@pytest.mark.parametrize(("tariff", "income"), [((1.0,), 0.0), ((), None)])
async def test_a_day_and_a_month_that_have_begun_have_made_nothing_so_far(
    hub: FakeHub, client: Client, tariff: tuple[float, ...], income: float | None
) -> None:
    plant = hub.add_plant(tariff=tariff)
    year = period(Level.YEAR, NOW_MS, zone(plant.zone))[0]
    hub.total("plant", plant.id, Level.YEAR, [year], production=[5e6], revenue=[5e3])
    (items,) = await now_of(client, plant)
    assert (items["day_power"], items["month_power"], items["total_power"]) == (0.0, 0.0, 5000.0)
    assert items["day_income"] == income


@pytest.mark.parametrize(
    ("today", "fed", "used"),
    [
        ({"feed_in": [2e3], "purchase": [3e3], "consumption": [9e3]}, 2.0, 11.0),
        ({"feed_in": [12e3], "purchase": [3e3]}, 12.0, 3.0),
        ({"feed_in": [2e3], "consumption": [9e3]}, 2.0, 9.0),
        ({"purchase": [3e3]}, None, None),
    ],
)
async def test_what_a_plant_fed_in_and_used_today_is_told_too(
    hub: FakeHub, client: Client, today: dict[str, list[float]], fed: float | None, used: float | None
) -> None:
    plant = hub.add_plant()
    day = period(Level.DAY, NOW_MS, zone(plant.zone))[0]
    hub.total("plant", plant.id, Level.DAY, [day], production=[10e3], **today)
    (items,) = await now_of(client, plant)
    assert (items["day_on_grid_energy"], items["day_use_energy"]) == (fed, used)


async def test_a_day_that_has_begun_fed_in_nothing_so_far(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    year = period(Level.YEAR, NOW_MS, zone(plant.zone))[0]
    hub.total("plant", plant.id, Level.YEAR, [year], production=[5e6], feed_in=[1e6], consumption=[2e6])
    (items,) = await now_of(client, plant)
    assert (items["day_on_grid_energy"], items["day_use_energy"]) == (0.0, 0.0)


async def test_the_lifetime_is_that_of_the_counters_when_all_inverters_have_one(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    fill(hub, plant)
    first, second, _silent = hub.add_device(plant), hub.add_device(plant), hub.add_device(plant)
    hub.read(first, {"ac.energy": 100e3})
    hub.read(second, {"ac.energy": 55.5e3})
    hub.read(hub.add_device(plant, DeviceKind.TRANSFORMER), {"ac.power": 1.0})
    assert (await now_of(client, plant))[0]["total_power"] == 155.5
    hub.read(second, {"ac.power": 5.0})
    assert (await now_of(client, plant))[0]["total_power"] == 70200.0


async def test_what_was_reported_of_an_inverter_never_heard_is_added_to_the_counters(
    hub: FakeHub, client: Client
) -> None:
    plant, other = hub.add_plant(), hub.add_plant()
    for each in (plant, other):
        fill(hub, each, **({"reported": [3e3, 0.0]} if each is plant else {}))
        hub.read(hub.add_device(each), {"ac.energy": 100e3})
        hub.add_device(each)
        silent = hub.add_device(each)
        year = period(Level.YEAR, NOW_MS, zone(each.zone))[0]
        hub.total(
            "device", silent.id, Level.YEAR, [year - 365 * DAY_MS, year], production=[2e3, 1e3], reported=[2e3, 1e3]
        )
    assert (await now_of(client, plant))[0]["total_power"] == 103.0
    assert (await now_of(client, other))[0]["total_power"] == 100.0


@pytest.mark.parametrize(
    ("age_ms", "online", "severity", "expected"),
    [
        (0, None, None, 3),
        (30 * MINUTE_MS, None, None, 3),
        (30 * MINUTE_MS + 1, None, None, 1),
        (0, 0.0, None, 1),
        (0, 1.0, Severity.MAJOR, 2),
        (0, 1.0, Severity.CRITICAL, 2),
        (0, 1.0, Severity.MINOR, 3),
        (HOUR_MS, 1.0, Severity.CRITICAL, 1),
    ],
)
async def test_the_health_of_a_plant(
    hub: FakeHub, client: Client, age_ms: int, online: float | None, severity: Severity | None, expected: int
) -> None:
    plant = hub.add_plant()
    device, _silent = hub.add_device(plant), hub.add_device(plant)
    hub.read(device, {"ac.power": 1.0} if online is None else {"device.online": online}, NOW_MS - age_ms)
    if severity is not None:
        hub.all_alarms.append(Alarm(device_id=device.id, code="2032", raised_at_ms=5, severity=severity))
    cleared = Alarm(device_id=device.id, code="1", raised_at_ms=5, cleared_at_ms=9, severity=Severity.CRITICAL)
    hub.all_alarms.append(cleared)
    assert (await now_of(client, plant))[0]["real_health_state"] == expected


async def devices_now(client: Client, type_id: int, devices: str) -> list[dict[str, Any]]:
    answer = await client.call("getDevRealKpi", {"devIds": devices, "devTypeId": str(type_id)})
    assert answer["success"]
    assert answer["params"] == {"devIds": devices, "devTypeId": str(type_id), "currentTime": NOW_MS}
    rows: list[dict[str, Any]] = answer["data"]
    return rows


async def test_a_device_shows_every_point_and_null_for_what_it_never_sent(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    device, silent = hub.add_device(plant), hub.add_device(plant)
    hub.read(
        device,
        {
            "ac.power": 21_050.0,
            "inverter.state": 512.0,
            "inverter.started_at": 1_501_862_400_000.0,
            "ac.frequency": "x",
        },
    )
    first, second = await devices_now(client, 1, numbers(device, silent))
    assert (first["devId"], second) == (number(device), {"dataItemMap": {}, "devId": number(silent)})
    items = first["dataItemMap"]
    assert len(items) == 81
    assert (items["active_power"], items["inverter_state"], items["run_state"]) == (21.05, 512, 1)
    assert items["open_time"] == 1_501_862_400_000
    assert isinstance(items["open_time"], int)
    assert items["elec_freq"] is items["pv24_i"] is items["day_cap"] is None


@pytest.mark.parametrize(("age_ms", "expected"), [(0, 1), (HOUR_MS, 0)])
async def test_whether_a_device_is_connected_is_a_whole_number_and_its_other_states_are_not(
    hub: FakeHub, client: Client, age_ms: int, expected: int
) -> None:
    device = hub.add_device(hub.add_plant())
    hub.read(device, {"inverter.state": 512.0}, NOW_MS - age_ms)
    (row,) = await devices_now(client, 1, numbers(device))
    told = {name: row["dataItemMap"][name] for name in ("run_state", "inverter_state")}
    assert json.dumps(told) == json.dumps({"run_state": expected, "inverter_state": 512.0})


async def test_the_daily_energy_is_made_up_from_the_day_so_far(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    told, untold = hub.add_device(plant), hub.add_device(plant)
    hub.read(told, {"ac.energy_today": 159_260.0})
    hub.read(untold, {"ac.power": 1.0})
    today = period(Level.DAY, NOW_MS, zone(plant.zone))[0]
    for device in (told, untold):
        hub.total("device", device.id, Level.DAY, [today - DAY_MS, today], production=[7e3, 12_345.6])
    rows = await devices_now(client, 1, numbers(told, untold))
    assert [row["dataItemMap"]["day_cap"] for row in rows] == [159.26, 12.3456]


async def test_dongles_are_known_in_real_time_and_have_no_points(hub: FakeHub, client: Client) -> None:
    dongle = hub.add_device(hub.add_plant(), DeviceKind.GATEWAY, attributes={"huawei.devTypeId": "62"})
    hub.read(dongle, {"gateway.signal": 80.0})
    assert await devices_now(client, 62, numbers(dongle)) == [{"dataItemMap": {}, "devId": number(dongle)}]
    asked = {"devIds": numbers(dongle), "devTypeId": 62, "collectTime": NOW_MS}
    assert (await client.call("getDevFiveMinutes", asked))["failCode"] == 20013


async def test_a_register_of_the_day_is_not_told_on_the_next_day(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    asleep, awake, fresh = (hub.add_device(plant) for _ in range(3))
    today = period(Level.DAY, NOW_MS, zone(plant.zone))[0]
    for device in (asleep, awake):
        hub.read(device, {"ac.energy_today": 159_260.0}, today)
    hub.read(fresh, {"ac.power": 0.0})
    hub.total("device", awake.id, Level.DAY, [today], production=[420.0])
    rows = await devices_now(client, 1, numbers(asleep, awake, fresh))
    assert [row["dataItemMap"]["day_cap"] for row in rows] == [0.0, 0.42, None]


async def test_a_battery_tells_its_energy_since_midnight(hub: FakeHub, client: Client) -> None:
    plant = hub.add_plant()
    counting, registering, idle, fresh, untold = (hub.add_device(plant, DeviceKind.BATTERY) for _ in range(5))
    today = period(Level.DAY, NOW_MS, zone(plant.zone))[0]
    life = {"battery.energy_charged": 15_834_930.0, "battery.energy_discharged": 15_659_470.0}
    hub.read(counting, life)
    hub.total(
        "device", counting.id, Level.DAY, [today - DAY_MS, today], charged=[9e3, 13_120.0], discharged=[8e3, 4530.0]
    )
    registering_today = {"battery.energy_charged_today": 240.0, "battery.energy_discharged_today": 140.0}
    hub.read(registering, life | registering_today)
    hub.read(idle, life, today - HOUR_MS)
    hub.read(fresh, life)
    hub.read(untold, {"battery.soc": 100.0})
    rows = await devices_now(client, 39, numbers(counting, registering, idle, fresh, untold))
    told = [tuple(row["dataItemMap"][name] for name in ("charge_cap", "discharge_cap")) for row in rows]
    assert told == [(13.12, 4.53), (0.24, 0.14), (0.0, 0.0), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("age_ms", "interval_s", "online", "expected"),
    [
        (15 * MINUTE_MS, 60, None, 1),
        (15 * MINUTE_MS + 1, 60, None, 0),
        (45 * MINUTE_MS, 900, None, 1),
        (0, 300, 0.0, 0),
        (0, 300, 1.0, 1),
        (HOUR_MS, 300, 1.0, 0),
    ],
)
async def test_a_device_is_connected_while_it_was_heard_of_lately_and_is_not_said_to_be_offline(
    hub: FakeHub, client: Client, age_ms: int, interval_s: int, online: float | None, expected: int
) -> None:
    battery = hub.add_device(hub.add_plant(), DeviceKind.BATTERY, interval_s=interval_s)
    readings = {"battery.power": -800.0} | ({} if online is None else {"device.online": online})
    hub.read(battery, readings, NOW_MS - age_ms)
    (row,) = await devices_now(client, 39, numbers(battery))
    assert (row["dataItemMap"]["run_state"], row["dataItemMap"]["ch_discharge_power"]) == (expected, 800.0)
