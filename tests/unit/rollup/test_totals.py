"""From devices to the plant: each quantity from whoever measures it best, and none counted twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from heliograph.clock import hour_starts, zone
from heliograph.model import buckets as b
from heliograph.model.devices import Device, DeviceKind, MeterRole
from heliograph.model.plants import Plant
from heliograph.model.samples import Floats
from heliograph.rollup.totals import plant_hours, with_consumption

NaN = float("nan")
INVERTER, SECOND, GRID, OUTPUT, LOAD, BATTERY, SKY, SKY_TOO = range(1, 9)
ALL = [
    Device(id=INVERTER, plant_id=1, kind=DeviceKind.INVERTER, name="one"),
    Device(id=SECOND, plant_id=1, kind=DeviceKind.HYBRID_INVERTER, name="two"),
    Device(id=GRID, plant_id=1, kind=DeviceKind.METER, name="grid"),
    Device(id=OUTPUT, plant_id=1, kind=DeviceKind.METER, name="output", role=MeterRole.PRODUCTION),
    Device(id=LOAD, plant_id=1, kind=DeviceKind.POWER_SENSOR, name="load", role=MeterRole.LOAD),
    Device(id=BATTERY, plant_id=1, kind=DeviceKind.BATTERY, name="battery"),
    Device(id=SKY, plant_id=1, kind=DeviceKind.WEATHER_STATION, name="sky"),
    Device(id=SKY_TOO, plant_id=1, kind=DeviceKind.WEATHER_STATION, name="sky too"),
]


def hours(*values: float) -> Floats:
    """The first hours of a day; nothing is known of the others."""
    return np.array([*values, *[NaN] * (24 - len(values))])


def total(
    of: dict[int, dict[str, Floats]], tariff: tuple[float, ...] = (), name: str = "UTC", on: str = "2024-06-01"
) -> dict[str, list[float]]:
    """The plant's first three hours by quantity."""
    plant = Plant(id=1, account_id=1, name="p", zone=name, tariff=tariff)
    starts = np.array(hour_starts(date.fromisoformat(on).toordinal(), zone(name)), np.int64)
    found = plant_hours(plant, ALL, of, starts, zone(name))
    return {quantity: values[:3].tolist() for quantity, values in found.items()}


def same(one: Any, other: list[float]) -> bool:
    """Whether hours are equal, unknown ones too."""
    return np.array_equal(one, other, equal_nan=True)


def test_production_is_the_inverters_and_not_the_meter_s_too() -> None:
    found = total({
        INVERTER: {b.PRODUCTION: hours(1, 2)},
        SECOND: {b.PRODUCTION: hours(10, NaN)},
        OUTPUT: {b.PRODUCTION: hours(99, 99, 99)},
    })  # fmt: skip
    assert same(found[b.PRODUCTION], [11, 2, NaN])


def test_the_production_meter_speaks_where_no_inverter_does() -> None:
    found = total({INVERTER: {b.RECEIVED: hours(12)}, OUTPUT: {b.PRODUCTION: hours(5)}})
    assert same(found[b.PRODUCTION], [5, NaN, NaN])


def test_the_grid_meter_is_believed_before_the_inverters() -> None:
    found = total({
        SECOND: {b.PURCHASE: hours(7), b.FEED_IN: hours(8), b.CONSUMPTION: hours(9)},
        GRID: {b.PURCHASE: hours(1)},
    })  # fmt: skip
    assert (found[b.PURCHASE][0], found[b.FEED_IN][0], found[b.CONSUMPTION][0]) == (1, 8, 9)
    assert total({LOAD: {b.CONSUMPTION: hours(3)}, SECOND: {b.CONSUMPTION: hours(9)}})[b.CONSUMPTION][0] == 3


def test_a_battery_of_its_own_is_believed_before_the_hybrid_inverter() -> None:
    found = total({SECOND: {b.CHARGED: hours(7), b.DISCHARGED: hours(6)}, BATTERY: {b.CHARGED: hours(1)}})
    assert (found[b.CHARGED][0], found[b.DISCHARGED][0]) == (1, 6)


def used(of: dict[str, Floats], day: dict[str, float] | None = None) -> tuple[list[float], float]:
    """The consumption of the first three hours, and of the day."""
    sums = {quantity: float(np.nansum(values)) for quantity, values in of.items()}
    filled, whole = with_consumption(of, sums if day is None else day)
    return filled.get(b.CONSUMPTION, hours())[:3].tolist(), whole.get(b.CONSUMPTION, NaN)


def test_a_plant_without_a_meter_at_its_loads_used_what_it_kept_and_what_it_bought() -> None:
    # An hour asleep, one that feeds in, and one in which the battery feeds in more than was produced.
    parts = {b.PRODUCTION: hours(NaN, 10, 3), b.FEED_IN: hours(0, 4, 5), b.PURCHASE: hours(2, 1, 0)}
    found, day = used(parts)
    assert found == [2, 7, 0]
    assert day == 9, "the hours add up to the day"


def test_what_was_bought_or_sold_must_be_known_to_know_what_was_used() -> None:
    found, day = used({b.PRODUCTION: hours(10, 10, 10), b.FEED_IN: hours(NaN, 4, 4), b.PURCHASE: hours(3, NaN, 3)})
    assert same(found, [NaN, NaN, 9])
    assert day == 9
    nothing = {b.PRODUCTION: hours(10, 10), b.PURCHASE: hours(1, 1)}
    assert b.CONSUMPTION not in with_consumption(nothing, {b.PRODUCTION: 20.0, b.PURCHASE: 2.0})[1]
    asleep = {b.FEED_IN: hours(0, 0), b.PURCHASE: hours(1, 1)}
    assert b.CONSUMPTION not in with_consumption(asleep, {b.FEED_IN: 0.0, b.PURCHASE: 2.0})[0]


def test_measured_loads_are_the_consumption_of_their_whole_day() -> None:
    parts = {
        b.PRODUCTION: hours(10, 10),
        b.FEED_IN: hours(4, 4),
        b.PURCHASE: hours(3, 3),
        b.CONSUMPTION: hours(NaN, 19),
    }
    found, day = used(parts)
    assert same(found, [NaN, 19, NaN])
    assert day == 19


def test_a_day_whose_production_was_reported_is_reckoned_as_a_whole() -> None:
    parts = {b.FEED_IN: hours(4, 0), b.PURCHASE: hours(0, 3)}
    stated = {b.PRODUCTION: 50.0, b.REPORTED: 50.0, b.FEED_IN: 4.0, b.PURCHASE: 3.0}
    found, day = used(parts, stated)
    assert same(found, [NaN, NaN, NaN])
    assert day == 49
    found, day = used({**parts, b.PRODUCTION: hours(20, 10)}, stated)
    assert same(found, [16, 13, NaN])
    assert day == 49


def test_what_the_plant_integrated_is_told_only_of_the_production_it_tells() -> None:
    meter = {b.PRODUCTION: hours(5), b.INTEGRATED: hours(5)}
    counted, integrated = {b.PRODUCTION: hours(4)}, {b.PRODUCTION: hours(4), b.INTEGRATED: hours(4)}
    assert b.INTEGRATED not in total({INVERTER: counted, OUTPUT: meter})
    assert total({INVERTER: integrated, SECOND: counted})[b.INTEGRATED][0] == 4
    assert total({INVERTER: integrated, SECOND: counted})[b.PRODUCTION][0] == 8
    assert total({OUTPUT: meter})[b.INTEGRATED][0] == 5


def test_counts_add_up_over_all_devices_and_light_is_averaged() -> None:
    found = total({
        INVERTER: {b.RECEIVED: hours(12), b.PRODUCING: hours(3), b.IDLE: hours(1)},
        GRID: {b.RECEIVED: hours(10)},
        SKY: {b.IRRADIATION: hours(100, NaN, NaN), b.RECEIVED: hours(1)},
        SKY_TOO: {b.IRRADIATION: hours(200, 50, NaN)},
    })  # fmt: skip
    assert (found[b.RECEIVED][0], found[b.PRODUCING][0], found[b.IDLE][0]) == (23, 3, 1)
    assert same(found[b.IRRADIATION], [150, 50, NaN])


def test_nothing_comes_of_nothing() -> None:
    assert total({}) == {}
    assert b.REVENUE not in total({INVERTER: {b.PRODUCTION: hours(1000)}})
    assert b.REVENUE not in total({GRID: {b.PURCHASE: hours(1000)}}, tariff=(0.5,))


def test_one_price_holds_all_day() -> None:
    found = total({INVERTER: {b.PRODUCTION: hours(1000, 500)}}, tariff=(0.8,))
    assert same(found[b.REVENUE], [0.8, 0.4, NaN])


@pytest.mark.parametrize(
    ("name", "on", "prices"),
    [
        ("UTC", "2024-06-01", list(range(24))),
        ("Europe/London", "2024-03-31", [0, *range(2, 24)]),
        ("Europe/London", "2024-10-27", [0, 1, 1, *range(2, 24)]),
        ("America/Sao_Paulo", "2018-11-04", list(range(1, 24))),
        ("Australia/Lord_Howe", "2024-04-07", list(range(24))),
    ],
)
def test_twenty_four_prices_follow_the_local_clock(name: str, on: str, prices: list[int]) -> None:
    plant = Plant(id=1, account_id=1, name="p", zone=name, tariff=tuple(float(n) for n in range(24)))
    starts = np.array(hour_starts(date.fromisoformat(on).toordinal(), zone(name)), np.int64)
    flat = {INVERTER: {b.PRODUCTION: np.full(len(starts) - 1, 1000.0)}}
    assert plant_hours(plant, ALL, flat, starts, zone(name))[b.REVENUE].tolist() == prices
