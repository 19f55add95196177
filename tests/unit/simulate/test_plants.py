"""The fleet is made as it is said to be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from heliograph.model.devices import METERS, DeviceKind, MeterRole
from heliograph.simulate.plants import fleet
from heliograph.simulate.registers import TARIFF_HOURS

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant


def kinds(plant: SimulatedPlant) -> Counter[DeviceKind]:
    return Counter(device.kind for device in plant.devices)


def test_keys_and_serials_are_unique(plant: SimulatedPlant) -> None:
    assert len({device.key for device in plant.devices}) == len(plant.devices)
    assert len({plant.key for plant in fleet(1)}) == 4
    serials = [device.serial for plant in fleet(1) for device in plant.devices]
    assert len(set(serials)) == len(serials)
    assert all(serials)


def test_gateways_are_devices_of_the_plant(plant: SimulatedPlant) -> None:
    gateways = {device.key for device in plant.devices if device.kind is DeviceKind.GATEWAY}
    assert {device.gateway for device in plant.devices} - {None} <= gateways


def test_ratings_add_up(plant: SimulatedPlant) -> None:
    assert plant.capacity_w == pytest.approx(sum(device.capacity_w or 0 for device in plant.inverters))
    for device in plant.inverters:
        assert device.inverter is not None
        assert device.capacity_w == device.inverter.capacity_w
        assert 0.9 < device.inverter.capacity_w / device.inverter.ac_w < 1.5


def test_every_plant_has_a_zone_a_tariff_and_one_grid_meter(plant: SimulatedPlant) -> None:
    assert plant.tz == ZoneInfo(plant.zone) == plant.site.tz
    assert len(plant.tariff) in (1, 24)
    meters = [device for device in plant.devices if device.kind in METERS]
    assert [meter.role for meter in meters] == [MeterRole.GRID]
    assert all((device.latitude, device.longitude) == (plant.latitude, plant.longitude) for device in plant.devices)


def test_the_fleet_holds_every_kind_that_was_asked_for(plants: dict[str, SimulatedPlant]) -> None:
    assert kinds(plants["shanghai"])[DeviceKind.INVERTER] == 4
    assert {DeviceKind.METER, DeviceKind.WEATHER_STATION} <= set(kinds(plants["shanghai"]))
    assert {DeviceKind.HYBRID_INVERTER, DeviceKind.BATTERY, DeviceKind.POWER_SENSOR} <= set(kinds(plants["london"]))
    assert kinds(plants["new-york"])[DeviceKind.MICRO_INVERTER] == 8
    assert kinds(plants["new-york"])[DeviceKind.GATEWAY] == 2
    assert {DeviceKind.INVERTER, DeviceKind.POWER_SENSOR, DeviceKind.WEATHER_STATION} == set(kinds(plants["adelaide"]))


def test_gateways_and_micro_inverters_have_twelve_digits(plants: dict[str, SimulatedPlant]) -> None:
    for device in plants["new-york"].devices:
        if device.kind in {DeviceKind.GATEWAY, DeviceKind.MICRO_INVERTER}:
            assert len(device.serial) == 12
            assert device.serial.isdecimal()
            assert device.wire_ids == {"apsystems": device.serial}


def test_the_prices_of_shanghai_follow_the_hours_of_its_registers(plants: dict[str, SimulatedPlant]) -> None:
    prices = dict(zip(TARIFF_HOURS, plants["shanghai"].tariff, strict=True))
    assert prices["valley"] < prices["flat"] < prices["peak"] < prices["sharp"]
    assert [prices[name] for name in TARIFF_HOURS] == list(plants["shanghai"].tariff)


def test_the_seed_is_the_plants(plants: dict[str, SimulatedPlant]) -> None:
    assert {plant.seed for plant in fleet(42)} == {42}
    assert fleet(1) == fleet(1)
    assert fleet(1) != fleet(2)
