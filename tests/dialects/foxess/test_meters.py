"""What a meter is set to, and what goes with which mode."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.errors import UnreachableError
from heliograph.model import settings as s
from heliograph.model.devices import Device, DeviceKind, MeterRole
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_devices import METER
from tests.dialects.foxess.fake_hub import FakeHub

GET, SET = "gw/setting/get", "gw/setting/set"
LIMITS = {
    "outputMaxCurrent": "60.5", "inputMaxCurrent": 80, "overVoltageMaxValue": "253", "underVoltageMinValue": "207.1",
    "sysOnOffPowerValue": "1000",
}  # fmt: skip


@pytest.fixture
def meter(hub: FakeHub) -> Device:
    """A meter at the grid connection of a plant with a hybrid inverter."""
    plant = hub.add_plant()
    hub.add_device(plant)
    return hub.add_device(plant, DeviceKind.POWER_SENSOR)


async def test_everything_is_told_with_unit_precision_range_and_words(client: Client, meter: Device) -> None:
    told = await client.result(GET, {"sn": meter.serial})
    assert list(told) == ["mode", "feedinPower", *LIMITS, "deviceQuantity"]
    assert told["mode"] == {
        "value": "Normal", "unit": "", "precision": 1, "range": {"min": 0, "max": 0},
        "enumList": ["Normal", "ExportLimit", "G100"],
    }  # fmt: skip
    assert told["overVoltageMaxValue"] == {
        "value": "262.2", "unit": "V", "precision": 0.1, "range": {"min": 230, "max": 280}, "enumList": [],
    }  # fmt: skip
    assert told["feedinPower"]["value"] == "30000"
    assert told["outputMaxCurrent"]["value"] == "100.0"
    assert told["deviceQuantity"]["value"] == "1"


async def test_an_inverter_s_serial_number_stands_for_its_meter(hub: FakeHub, client: Client, meter: Device) -> None:
    inverter = hub.all_devices[1]
    assert await client.errno(SET, {"sn": inverter.serial, "mode": "ExportLimit"}) == 0
    assert hub.commands.value(meter.id, s.METER_MODE) == "ExportLimit"
    alone = hub.add_device(hub.add_plant())
    assert await client.errno(GET, {"sn": alone.serial}) == 41930


@pytest.mark.parametrize(
    ("mode", "more", "kept"),
    [
        ("Normal", {}, {}), ("normal", {"feedinPower": "", "outputMaxCurrent": None}, {}),
        ("ExportLimit", {"feedinPower": "5000"}, {s.METER_FEED_IN: 5000.0}), ("ExportLimit", {}, {}),
        ("G100", {}, {}),
        (
            "G100", {"feedinPower": 3680, **LIMITS},
            {
                s.METER_FEED_IN: 3680.0, s.METER_MAX_OUT: 60.5, s.METER_MAX_IN: 80.0, s.METER_OVER: 253.0,
                s.METER_UNDER: 207.1, s.METER_ON_OFF: 1000.0,
            },
        ),
    ],
)  # fmt: skip
async def test_each_mode_takes_what_goes_with_it(
    hub: FakeHub, client: Client, meter: Device, mode: str, more: dict[str, Any], kept: dict[str, float]
) -> None:
    assert await client.result(SET, {"deviceSN": meter.serial, "mode": mode, **more}) == {}
    (given,) = hub.commands.given
    assert given.arguments.pop(s.METER_MODE) in ("Normal", "ExportLimit", "G100")
    assert given.arguments == kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mode"), ({"mode": "G99"}, "mode"), ({"mode": 1}, "mode"),
        ({"mode": "Normal", "feedinPower": 100}, "feedinPower"),
        *(({"mode": "ExportLimit", name: value}, name) for name, value in LIMITS.items()),
        *(({"mode": "Normal", name: value}, name) for name, value in LIMITS.items()),
        ({"mode": "G100", "overVoltageMaxValue": 281}, "overVoltageMaxValue"),
        ({"mode": "G100", "overVoltageMaxValue": 253.05}, "overVoltageMaxValue"),
        ({"mode": "G100", "inputMaxCurrent": "x"}, "inputMaxCurrent"),
        ({"mode": "ExportLimit", "feedinPower": 30001}, "feedinPower"),
    ],
)  # fmt: skip
async def test_what_does_not_go_with_a_mode_or_into_a_range_is_named(
    hub: FakeHub, client: Client, meter: Device, body: dict[str, Any], field: str
) -> None:
    answer = await client.call(SET, {"sn": meter.serial, **body})
    assert answer["errno"] == 40257
    assert f": {field} " in answer["msg"]
    assert hub.commands.given == []


@pytest.mark.parametrize("name", [GET, SET])
async def test_a_meter_that_is_silent_unable_or_not_there_is_told(
    hub: FakeHub, client: Client, meter: Device, name: str
) -> None:
    plant = hub.all_plants[meter.plant_id]
    load = hub.add_device(plant, DeviceKind.METER, role=MeterRole.LOAD)
    disabled = hub.add_device(plant, DeviceKind.METER, disabled=True)
    hidden = hub.add_device(hub.add_plant(disabled=True), DeviceKind.METER)
    body = {"mode": "Normal"}
    assert await client.errno(name, {"sn": load.serial, **body}) == 0
    for serial in (disabled.serial, hidden.serial, "nothing", hub.add_device(plant, DeviceKind.BATTERY).serial):
        assert await client.errno(name, {"sn": serial, **body}) == 41930
    assert await client.errno(name, body) == 40257
    hub.commands.equip(load.id, METER[1:])
    assert await client.errno(name, {"sn": load.serial, **body}) == 42015
    hub.commands.gone = UnreachableError("it is silent")
    assert await client.errno(name, {"sn": meter.serial, **body}) == 41935


async def test_to_set_a_meter_needs_the_scope_control(hub: FakeHub, client: Client, meter: Device) -> None:
    hub.change_credential("home", scopes=("read", "admin"))
    assert await client.errno(SET, {"sn": meter.serial, "mode": "Normal"}) == 41811
    assert await client.errno(GET, {"sn": meter.serial}) == 0
