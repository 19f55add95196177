"""Meter ECUs: what a system consumed, bought, fed in and produced."""

from __future__ import annotations

import pytest

from heliograph.clock import Level
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.model.plants import Plant
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub
from tests.unit.store.world import at

NaN = float("nan")
DAY = {"energy_level": "minutely", "date_range": "2025-07-01"}
FLOWS = {"production": [5000.0], "feed_in": [1200.0], "purchase": [300.0], "consumption": [4100.0]}
CONSUMED = {"consumed": "4.100000", "exported": "1.200000", "imported": "0.300000", "produced": "5.000000"}


def instants(*clock: str) -> list[int]:
    """Instants of the first of July."""
    return [at(f"2025-07-01T{each}", "Europe/London") for each in clock]


@pytest.fixture
def plant(hub: FakeHub) -> Plant:
    """A plant of an inverter and a meter at the grid."""
    plant = hub.add_plant()
    hub.add_device(plant)
    hub.add_device(plant, DeviceKind.METER)
    return plant


async def eid(client: Client) -> str:
    """The ECU that has the meter."""
    (found,) = await client.data("systems/meters", "1")
    return str(found)


async def test_the_summary_of_four_periods(client: Client, hub: FakeHub, plant: Plant) -> None:
    hub.total("plant", plant.id, Level.DAY, [at("2025-07-01", plant.zone)], **FLOWS)
    month = {**FLOWS, "consumption": [9999.0]}
    hub.total("plant", plant.id, Level.MONTH, [at("2025-07-01", plant.zone)], **month)
    years = [at("2024-01-01", plant.zone), at("2025-01-01", plant.zone)]
    hub.total("plant", plant.id, Level.YEAR, years, production=[1000.0, 2000.0], feed_in=[NaN, 500.0])
    told = await client.data("meter/summary", "1", await eid(client))
    assert told == {
        "today": CONSUMED,
        "month": {**CONSUMED, "consumed": "9.999000"},
        "year": {"consumed": "0.000000", "exported": "0.500000", "imported": "0.000000", "produced": "2.000000"},
        "lifetime": {"consumed": "0.000000", "exported": "0.500000", "imported": "0.000000", "produced": "3.000000"},
    }


async def test_a_meter_that_told_nothing_has_noughts(client: Client, plant: Plant) -> None:
    told = await client.data("meter/summary", "1", await eid(client))
    nought = dict.fromkeys(("consumed", "exported", "imported", "produced"), "0.000000")
    assert told == dict.fromkeys(("today", "month", "year", "lifetime"), nought)


@pytest.mark.parametrize(
    ("level", "span", "count", "names"),
    [
        ("hourly", "2025-07-01", 24, ("00", "23")), ("daily", "2025-02", 28, ("01", "28")),
        ("monthly", "2025", 12, ("01", "12")), ("yearly", "", 1, ("2025", "2025")),
    ],
)  # fmt: skip
async def test_lists_by_periods_have_their_lengths(
    client: Client, plant: Plant, level: str, span: str, count: int, names: tuple[str, str]
) -> None:
    told = await client.data("meter/period", "1", await eid(client), energy_level=level, date_range=span)
    assert set(told) == {"time", "produced", "consumed", "imported", "exported"}
    assert (told["time"][0], told["time"][-1]) == names
    assert {name: set(values) for name, values in told.items() if name != "time"} == {
        name: {"0.000"} for name in ("produced", "consumed", "imported", "exported")
    }
    assert {len(values) for values in told.values()} == {count}


async def test_a_day_by_periods(client: Client, hub: FakeHub, plant: Plant) -> None:
    hub.total("plant", plant.id, Level.HOUR, instants("10:00"), **FLOWS)
    told = await client.data("meter/period", "1", await eid(client), energy_level="hourly", date_range="2025-07-01")
    assert [told[name][10] for name in ("produced", "consumed", "imported", "exported")] == [
        "5.000", "4.100", "0.300", "1.200",
    ]  # fmt: skip


async def test_a_day_is_positive_on_import_and_its_points_add_up(client: Client, hub: FakeHub, plant: Plant) -> None:
    inverter, meter = hub.all_devices.values()
    hub.measure(inverter, instants("10:05", "10:10", "10:15"), ac__power=[1000.0, 2000.0, 1500.0])
    hub.measure(meter, instants("10:00", "10:05", "10:10", "10:15"), meter__power=[400.0, 167.96, -300.0, -200.0])
    hub.total("plant", plant.id, Level.HOUR, instants("10:00"), **FLOWS)
    hub.total("plant", plant.id, Level.DAY, [at("2025-07-01", plant.zone)], **FLOWS)
    told = await client.data("meter/period", "1", await eid(client), **DAY)
    assert list(told) == ["time", "today", "power", "energy"]
    assert told["time"] == ["10:00", "10:05", "10:10", "10:15"]
    assert told["today"] == CONSUMED
    assert told["power"] == {
        "consumed": ["400.00", "1167.96", "1700.00", "1300.00"],
        "imported_exported": ["400.00", "167.96", "-300.00", "-200.00"],
        "produced": ["0.00", "1000.00", "2000.00", "1500.00"],
    }
    assert set(told["energy"]) == {"consumed", "exported", "imported", "produced"}
    for name, values in told["energy"].items():
        assert sum(map(float, values)) == pytest.approx(float(CONSUMED[name]), abs=3e-6)
    assert told["energy"]["imported"][-1] == told["energy"]["exported"][1] == "0.000000"


async def test_an_hour_that_adds_nothing_to_the_day_has_points_without_energy(
    client: Client, hub: FakeHub, plant: Plant
) -> None:
    meter = list(hub.all_devices.values())[1]
    hub.measure(meter, instants("10:00", "10:30", "11:00", "11:30"), meter__power=[400.0] * 4)
    hub.total(
        "plant", plant.id, Level.HOUR, instants("10:00", "11:00"), consumption=[90.0, NaN], purchase=[200.0, 150.0]
    )
    hub.total("plant", plant.id, Level.DAY, [at("2025-07-01", plant.zone)], consumption=[90.0], purchase=[350.0])
    told = await client.data("meter/period", "1", await eid(client), **DAY)
    for name in ("consumed", "imported"):
        assert sum(map(float, told["energy"][name])) == pytest.approx(float(told["today"][name]), abs=3e-6)
    assert told["energy"]["consumed"][-1] == "0.000000"
    assert float(told["energy"]["imported"][-1]) > 0


async def test_loads_that_are_measured_go_first(client: Client, hub: FakeHub, plant: Plant) -> None:
    inverter, meter = hub.all_devices.values()
    load = hub.add_device(plant, DeviceKind.METER, role=MeterRole.LOAD)
    hub.measure(inverter, instants("10:00"), ac__power=[1000.0])
    hub.measure(meter, instants("10:00"), meter__a__power=[100.0], meter__b__power=[100.0])
    hub.measure(load, instants("10:00"), meter__power=[777.0])
    power = (await client.data("meter/period", "1", await eid(client), **DAY))["power"]
    assert power == {"consumed": ["777.00"], "imported_exported": ["200.00"], "produced": ["1000.00"]}


async def test_an_inverter_tells_of_the_house_where_no_meter_does(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    hybrid = hub.add_device(plant, DeviceKind.HYBRID_INVERTER)
    hub.measure(hybrid, instants("10:00"), grid__power=[-50.0], load__power=[30.0])
    power = (await client.data("meter/period", "1", await eid(client), **DAY))["power"]
    assert power == {"consumed": ["30.00"], "imported_exported": ["-50.00"], "produced": ["0.00"]}


async def test_production_is_that_of_its_meter_where_no_inverter_tells(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    meter = hub.add_device(plant, DeviceKind.METER, role=MeterRole.PRODUCTION)
    hub.measure(meter, instants("10:00"), meter__power=[900.0])
    power = (await client.data("meter/period", "1", await eid(client), **DAY))["power"]
    assert power == {"consumed": ["0.00"], "imported_exported": ["0.00"], "produced": ["900.00"]}


async def test_a_past_day_without_a_sample_has_no_data_and_today_is_empty(client: Client, plant: Plant) -> None:
    told = await client.data("meter/period", "1", await eid(client), **DAY)
    assert told["time"] == []
    assert set(map(str, told["power"].values())) == {"[]"}
    past = {**DAY, "date_range": "2025-06-01"}
    assert await client.code("meter/period", "1", await eid(client), **past) == 1001


async def test_an_ecu_without_a_meter_is_none(client: Client, hub: FakeHub) -> None:
    plant = hub.add_plant()
    hub.add_device(plant)
    sid, (own,), _ = await client.ids()
    assert await client.code("meter/summary", sid, own) == 4001
    assert await client.code("meter/period", sid, own, **DAY) == 4001
