"""The policy of folding: which readings make which energy for each kind of device."""

from __future__ import annotations

import pytest

from heliograph.model import buckets as b
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.model.measurements import CATALOGUE, Aggregation
from heliograph.model.units import WH, W
from heliograph.rollup import levels
from heliograph.rollup.levels import Part, Reset


def device(kind: DeviceKind, role: MeterRole = MeterRole.GRID) -> Device:
    """A device of a kind."""
    return Device(id=1, plant_id=1, kind=kind, name="d", role=role)


EVERY = [device(kind, role) for kind in DeviceKind for role in MeterRole]


@pytest.mark.parametrize("made", EVERY, ids=lambda made: f"{made.kind.value}-{made.role.value}")
def test_a_rule_names_quantities_and_measurements_that_exist(made: Device) -> None:
    quantities = [rule.quantity for rule in levels.rules(made)]
    assert set(quantities) <= set(b.QUANTITIES)
    assert len(quantities) == len(set(quantities))
    for rule in levels.rules(made):
        for key in rule.counters:
            assert CATALOGUE[key].aggregation is Aggregation.COUNTER
            assert CATALOGUE[key].unit == WH
        if rule.daily:
            assert CATALOGUE[rule.daily].aggregation is Aggregation.DAILY
        if rule.power:
            assert CATALOGUE[rule.power].unit == W
        assert {*rule.counters, rule.daily, rule.power} - {""} <= set(levels.keys(made))
    assert set(levels.counters(made)) <= set(levels.keys(made))


def quantities(kind: DeviceKind, role: MeterRole = MeterRole.GRID) -> set[str]:
    """What is totalled for a kind."""
    return {rule.quantity for rule in levels.rules(device(kind, role))}


def test_each_kind_is_totalled_as_what_it_is() -> None:
    house = {b.PURCHASE, b.FEED_IN, b.CONSUMPTION}
    assert quantities(DeviceKind.INVERTER) == {b.PRODUCTION, b.PV_INPUT} | house
    assert quantities(DeviceKind.HYBRID_INVERTER) == quantities(DeviceKind.INVERTER) | {b.CHARGED, b.DISCHARGED}
    assert quantities(DeviceKind.BATTERY) == {b.CHARGED, b.DISCHARGED}
    assert quantities(DeviceKind.METER) == quantities(DeviceKind.POWER_SENSOR) == {b.PURCHASE, b.FEED_IN}
    assert quantities(DeviceKind.METER, MeterRole.PRODUCTION) == {b.PRODUCTION}
    assert quantities(DeviceKind.METER, MeterRole.LOAD) == {b.CONSUMPTION}
    assert quantities(DeviceKind.GATEWAY) == quantities(DeviceKind.WEATHER_STATION) == set()


def test_grid_power_is_import_when_positive_and_battery_power_is_discharge_when_positive() -> None:
    parts = {rule.quantity: rule.part for rule in levels.rules(device(DeviceKind.HYBRID_INVERTER))}
    assert parts[b.PURCHASE] is parts[b.DISCHARGED] is Part.POSITIVE
    assert parts[b.FEED_IN] is parts[b.CHARGED] is Part.NEGATIVE


def test_inverters_restart_their_counters_and_meters_do_not() -> None:
    assert levels.rules(device(DeviceKind.INVERTER))[0].reset is Reset.RESTART
    assert all(rule.reset is Reset.HOLD for rule in levels.rules(device(DeviceKind.METER)))


def test_a_weather_station_is_read_for_its_light_and_a_gateway_for_nothing() -> None:
    assert levels.keys(device(DeviceKind.WEATHER_STATION)) == (levels.IRRADIANCE, levels.IRRADIATION_TODAY)
    assert levels.keys(device(DeviceKind.GATEWAY)) == ()
