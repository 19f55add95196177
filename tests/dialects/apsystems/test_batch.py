"""A day of all inverters below an ECU."""

from __future__ import annotations

import numpy as np
import pytest

from heliograph.clock import Level
from heliograph.dialects.apsystems.fields import whole
from heliograph.dialects.apsystems.wire import ChannelEnergy
from heliograph.model.devices import Device
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub
from tests.unit.store.world import at

LONDON = "Europe/London"
POWER, ENERGY = ({"energy_level": level, "date_range": "2025-07-01"} for level in ("power", "energy"))
NaN = float("nan")


def instants(*clock: str) -> list[int]:
    """Instants of the first of July."""
    return [at(f"2025-07-01T{each}", LONDON) for each in clock]


@pytest.fixture
def inverters(hub: FakeHub) -> list[Device]:
    """An inverter of two channels, one of one, and one that was never heard."""
    plant = hub.add_plant()
    made = [hub.add_device(plant, serial=f"70100000123{place}") for place in range(3)]
    hub.read(made[0], {"pv.1.power": 1.0, "pv.2.power": 1.0})
    hub.read(made[1], {"ac.power": 1.0})
    hub.measure(
        made[0], instants("10:00", "10:05", "10:10"), pv__1__power=[45.2, 56.0, NaN], pv__2__power=[0.0, 5.0, 99.7]
    )
    hub.measure(made[1], instants("10:05", "10:06", "10:15"), pv__power=[100.0, 200.0, 12_345.4])
    for device, energy in zip(made, (2480.0, 1000.0), strict=False):
        hub.total("device", device.id, Level.DAY, instants("00:00"), production=[energy])
    return made


async def test_powers_are_as_long_as_their_times(client: Client, inverters: list[Device]) -> None:
    sid, (eid,), _ = await client.ids()
    assert await client.data("inverter/batch/energy", sid, eid, **POWER) == {
        "time": ["10:00", "10:05", "10:10", "10:15"],
        "power": {
            "701000001230-1": ["45", "56", "0", "0"],
            "701000001230-2": ["0", "5", "100", "0"],
            "701000001231-1": ["0", "150", "0", "12345"],
        },
    }


async def test_an_inverter_that_was_heard_all_day_has_every_point(client: Client, hub: FakeHub) -> None:
    device = hub.add_device(hub.add_plant(), serial="701000001234")
    hub.read(device, {"pv.1.power": 1.0})
    hub.measure(device, instants("10:00", "10:05", "10:10", "10:15"), pv__1__power=[45.0, 56.0, 78.0, 98.0])
    sid, (eid,), _ = await client.ids()
    told = await client.data("inverter/batch/energy", sid, eid, **POWER)
    assert told["power"] == {"701000001234-1": ["45", "56", "78", "98"]}


async def test_energies_are_texts_of_uid_channel_and_energy(client: Client, inverters: list[Device]) -> None:
    sid, (eid,), _ = await client.ids()
    told = (await client.data("inverter/batch/energy", sid, eid, **ENERGY))["energy"]
    parsed = [ChannelEnergy.parse(each) for each in told]
    assert [(each.inverter, each.channel) for each in parsed] == [
        ("701000001230", 1), ("701000001230", 2), ("701000001231", 1),
    ]  # fmt: skip
    assert [each.format() for each in parsed] == told
    assert float(parsed[0].kwh) + float(parsed[1].kwh) == pytest.approx(2.48)
    assert told[2] == "701000001231-1-1.00"


async def test_a_past_day_without_a_sample_has_no_powers_but_energies(client: Client, inverters: list[Device]) -> None:
    sid, (eid,), _ = await client.ids()
    past = {"date_range": "2025-06-01"}
    assert await client.code("inverter/batch/energy", sid, eid, **POWER | past) == 1001
    told = await client.data("inverter/batch/energy", sid, eid, **ENERGY | past)
    assert [each[-4:] for each in told["energy"]] == ["0.00", "0.00", "0.00"]


async def test_an_ecu_without_inverters_has_none(client: Client, hub: FakeHub) -> None:
    hub.add_plant()
    sid, (eid,), _ = await client.ids()
    assert await client.data("inverter/batch/energy", sid, eid, **POWER) == {"time": [], "power": {}}
    assert await client.data("inverter/batch/energy", sid, eid, **ENERGY) == {"energy": []}


@pytest.mark.parametrize(
    ("level", "span"), [("power", ""), ("power", "2025-07"), ("energy", "2025-07-02"), ("hourly", "2025-07-01")]
)
async def test_levels_and_ranges_are_checked(client: Client, inverters: list[Device], level: str, span: str) -> None:
    sid, (eid,), _ = await client.ids()
    assert await client.code("inverter/batch/energy", sid, eid, energy_level=level, date_range=span) == 4001


def test_whole_numbers_as_text() -> None:
    assert whole(np.array([])) == []
    assert whole(np.array([0.4, 9999.0, NaN])) == ["0", "9999", "0"]
    assert whole(np.array([-1.6, 10_000.0])) == ["-2", "10000"]
