"""What a fleet's periods add up to, reckoned from its raw records in plain Python.

Nothing here comes from the hub but names: neither its calendar, nor its folding, nor its performance figures.
A reading stamped at the end of a period belongs to it, as its counter holds the energy up to then.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from heliograph.model.devices import METERS, DeviceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

STEP_MS, HOUR_MS = 300_000, 3_600_000
LEVELS = ("hour", "day", "month", "year")
Totals = dict[int, float]
"""Sums by the first instant of their period. [ms]"""


class Constants(NamedTuple):
    """What profiles of figures differ in; None where a profile has no such figure."""

    co2: float | None
    coal: float | None
    tree_years: float
    whole_trees: bool
    cap: float | None
    records_a_day: int | None


CONSTANTS = {
    "huawei-2020": Constants(0.997, 0.4, 1.0, True, 89.0, 288),
    "huawei-current": Constants(0.475, 0.4, 40.0, False, 89.0, 288),
    "iec-61724": Constants(None, None, 1.0, True, None, None),
    "grid-factor:0.6": Constants(0.6, None, 40.0, False, None, None),
}


class Raw(msgspec.Struct):
    """What a device sent: its instants, and its columns by measurement. NaN where a record lacks one."""

    at_ms: list[int]
    columns: dict[str, list[float]]

    def readings(self, key: str) -> list[tuple[int, float]]:
        """The readings of a measurement, oldest first."""
        rows = zip(self.at_ms, self.columns.get(key, ()), strict=False)
        return sorted((at, value) for at, value in rows if not math.isnan(value))


@lru_cache(maxsize=1 << 17)
def starts(at_ms: int, tz: ZoneInfo) -> tuple[int, int, int, int]:
    """The first instants of the local hour, day, month and year that hold an instant. [ms]"""
    wall = datetime.fromtimestamp(at_ms // 1000, tz)
    hour = at_ms - at_ms % 1000 - (wall.minute * 60 + wall.second) * 1000
    dates = ((wall.year, wall.month, wall.day), (wall.year, wall.month, 1), (wall.year, 1, 1))
    day, month, year = (round(datetime(*on, tzinfo=tz).timestamp() * 1000) for on in dates)
    return hour, day, month, year


def next_day(day_ms: int, tz: ZoneInfo) -> int:
    """The first instant of the local day after the one that starts here. [ms]"""
    after = datetime.fromtimestamp(day_ms / 1000, tz).date() + timedelta(days=1)
    return round(datetime(after.year, after.month, after.day, tzinfo=tz).timestamp() * 1000)


def rises(readings: Iterable[tuple[int, float]], *, restarts: bool) -> Iterator[tuple[int, float]]:
    """What a counter gained at each reading but the first; zero is a device that has not woken up.

    One that `restarts` begins again where it falls below half; any other fall is held until the old height is passed.
    """
    top = math.nan
    for at, value in readings:
        if value == 0.0:
            continue
        if math.isnan(top):
            top = value
        elif value >= top or (restarts and value < top / 2):
            yield at, value - top if value >= top else value
            top = value
        else:
            yield at, 0.0


def summed(parts: Iterable[tuple[int, float]], tz: ZoneInfo) -> list[Totals]:
    """Parts summed by hour, day, month and year; each belongs to what it ends."""
    totals: list[Totals] = [defaultdict(float) for _ in LEVELS]
    cache: dict[int, tuple[int, int, int, int]] = {}
    for at, value in parts:
        slot = (at - 1) // (15 * 60_000)
        if slot not in cache:
            cache[slot] = starts(at - 1, tz)
        for level, start in enumerate(cache[slot]):
            totals[level][start] += value
    return [dict(total) for total in totals]


def merged(many: Iterable[list[Totals]]) -> list[Totals]:
    """The sums of several."""
    out: list[Totals] = [defaultdict(float) for _ in LEVELS]
    for totals in many:
        for level, total in enumerate(totals):
            for start, value in total.items():
                out[level][start] += value
    return [dict(total) for total in out]


def light(raw: Raw) -> Iterator[tuple[int, float]]:
    """Irradiation of each stretch of up to an hour, at its end. [Wh/m2]"""
    for (before, _), (at, value) in pairwise(raw.readings("weather.poa_global")):
        if at - before <= HOUR_MS:
            yield at, value * (at - before) / HOUR_MS


def durations(raw: Raw, sign: int) -> Iterator[tuple[int, float]]:
    """How long each stretch of up to an hour had battery power of a sign. [s]"""
    for (before, _), (at, value) in pairwise(raw.readings("battery.power")):
        if at - before <= HOUR_MS:
            yield at, (at - before) / 1000 if value * sign > 0 else 0.0


class DeviceBook(msgspec.Struct):
    """What one device's periods come to, by level."""

    spec: SimulatedDevice
    energy: list[Totals]
    """Of an inverter. [Wh]"""
    charged: list[Totals]
    discharged: list[Totals]
    charging_s: list[Totals]
    discharging_s: list[Totals]
    received: Totals
    """Five-minute slots with a record, by day."""
    reliable: dict[int, tuple[int, int]]
    """Slots in daylight with and without a gain, by day."""


class PlantBook(msgspec.Struct):
    """What a plant's periods come to, by level. Energies in Wh, irradiation in Wh/m2, money in its currency."""

    spec: SimulatedPlant
    constants: Constants
    devices: dict[str, DeviceBook]
    production: list[Totals]
    feed_in: list[Totals]
    purchase: list[Totals]
    irradiation: list[Totals]
    revenue: list[Totals]
    heard: list[set[int]]
    """Periods in which anything came."""


def _reliable(raw: Raw, station: Raw | None, tz: ZoneInfo) -> dict[int, tuple[int, int]]:
    if station is None:
        return {}
    bright = {at for at, value in station.readings("weather.poa_global") if value > 50.0}
    found: dict[int, tuple[int, int]] = {}
    for (before, low), (at, high) in pairwise(raw.readings("ac.energy")):
        if at - before == STEP_MS and at in bright:
            day = starts(at - 1, tz)[1]
            rose, idle = found.get(day, (0, 0))
            found[day] = (rose + 1, idle) if high > low else (rose, idle + 1)
    return found


def device_book(spec: SimulatedDevice, raw: Raw, station: Raw | None, tz: ZoneInfo) -> DeviceBook:
    """Reckon one device."""
    received: Totals = defaultdict(float)
    for at in set(raw.at_ms):
        received[starts(at, tz)[1]] += 1

    def counter(key: str) -> list[Totals]:
        return summed(rises(raw.readings(key), restarts=True), tz)

    return DeviceBook(
        spec=spec,
        energy=counter("ac.energy"),
        charged=counter("battery.energy_charged"),
        discharged=counter("battery.energy_discharged"),
        charging_s=summed(durations(raw, -1), tz),
        discharging_s=summed(durations(raw, 1), tz),
        received=dict(received),
        reliable=_reliable(raw, station, tz) if spec.inverter is not None else {},
    )


def _price(tariff: tuple[float, ...], hour_ms: int, tz: ZoneInfo) -> float:
    return tariff[datetime.fromtimestamp(hour_ms / 1000, tz).hour % len(tariff)]


def plant_book(spec: SimulatedPlant, profile: str, raws: dict[str, Raw]) -> PlantBook:
    """Reckon a plant with all its devices. Its grid meter tells what goes to and comes from the grid."""
    tz = spec.tz
    station = next((raws[d.key] for d in spec.devices if d.kind is DeviceKind.WEATHER_STATION), None)
    devices = {d.key: device_book(d, raws[d.key], station, tz) for d in spec.devices}
    [meter] = [raws[d.key] for d in spec.devices if d.kind in METERS]
    production = merged(devices[d.key].energy for d in spec.inverters)
    worth = ((hour + 1, wh / 1000 * _price(spec.tariff, hour, tz)) for hour, wh in production[0].items())
    heard: list[set[int]] = [set() for _ in LEVELS]
    for raw in raws.values():
        for at in raw.at_ms:
            for level, start in enumerate(starts(at, tz)):
                heard[level].add(start)
    return PlantBook(
        spec=spec,
        constants=CONSTANTS[profile],
        devices=devices,
        production=production,
        purchase=summed(rises(meter.readings("meter.energy_forward"), restarts=False), tz),
        feed_in=summed(rises(meter.readings("meter.energy_reverse"), restarts=False), tz),
        irradiation=summed(light(station), tz) if station is not None else [{}, {}, {}, {}],
        revenue=summed(worth, tz),
        heard=heard,
    )


Figure = tuple[float | None, int]
"""A value, and the decimals it has on the wire."""


def _kilo(total: Totals, start: int, decimals: int = 3) -> Figure:
    value = total.get(start)
    return (None if value is None else value / 1000, decimals)


def plant_hour(book: PlantBook, start: int) -> dict[str, Figure]:
    """The figures of an hour of a plant."""
    irradiation = book.irradiation[0].get(start)
    theory = None if irradiation is None else irradiation * book.spec.capacity_w / 1e6
    return {
        "radiation_intensity": _kilo(book.irradiation[0], start, 4),
        "theory_power": (theory, 2),
        "inverter_power": _kilo(book.production[0], start),
        "ongrid_power": _kilo(book.feed_in[0], start),
        "power_profit": (book.revenue[0].get(start), 4),
    }


def plant_period(book: PlantBook, level: int, start: int) -> dict[str, Figure]:
    """The figures of a day, month or year of a plant, each by its formula."""
    made, sold, bought = (of[level].get(start) for of in (book.production, book.feed_in, book.purchase))
    irradiation, fixed, capacity_kw = book.irradiation[level].get(start), book.constants, book.spec.capacity_w / 1000
    theory = None if irradiation is None else irradiation / 1000 * capacity_kw
    ratio = None if made is None or not theory else made / 10 / theory
    used = None if made is None or sold is None or bought is None else max(made - sold, 0.0) + bought
    co2 = None if made is None or fixed.co2 is None else made / 1000 * fixed.co2
    trees = None if co2 is None else co2 / 18.3 / fixed.tree_years
    return {
        "installed_capacity": (capacity_kw, 3),
        "radiation_intensity": _kilo(book.irradiation[level], start, 4),
        "theory_power": (theory, 2),
        "performance_ratio": (ratio if ratio is None or fixed.cap is None else min(ratio, fixed.cap), 3),
        "inverter_power": _kilo(book.production[level], start),
        "ongrid_power": _kilo(book.feed_in[level], start),
        "use_power": (None if used is None else used / 1000, 3),
        "power_profit": (book.revenue[level].get(start), 4),
        "perpower_ratio": (None if made is None else made / 1000 / capacity_kw, 3),
        "reduction_total_co2": (None if co2 is None else co2 / 1000, 3),
        "reduction_total_coal": (None if made is None or fixed.coal is None else made * fixed.coal / 1e6, 3),
        "reduction_total_tree": (trees, 0 if fixed.whole_trees else 3),
    }


def battery_period(book: DeviceBook, level: int, start: int) -> dict[str, Figure]:
    """The figures of a period of a battery."""
    hours = [of[level].get(start) for of in (book.charging_s, book.discharging_s)]
    spent, given = (None if seconds is None else seconds / 3600 for seconds in hours)
    return {
        "charge_cap": _kilo(book.charged[level], start),
        "discharge_cap": _kilo(book.discharged[level], start),
        "charge_time": (spent, 3),
        "discharge_time": (given, 3),
    }


def inverter_period(plant: PlantBook, book: DeviceBook, level: int, start: int) -> dict[str, Figure]:
    """The figures of a period of an inverter; a day has three more."""
    made, capacity_w = book.energy[level].get(start), book.spec.capacity_w or math.nan
    figures: dict[str, Figure] = {
        "installed_capacity": (capacity_w / 1000, 3),
        "product_power": _kilo(book.energy[level], start),
        "perpower_ratio": (None if made is None else made / capacity_w, 3),
    }
    if level == 1:
        rose, idle = book.reliable.get(start, (0, 0))
        expected = plant.constants.records_a_day or (next_day(start, plant.spec.tz) - start) / STEP_MS
        came = book.received.get(start)
        figures["total_aop"] = (100 * rose / (rose + idle) if rose + idle else None, 3)
        figures["aoc_ratio"] = (None if came is None else min(100 * came / expected, 100.0), 3)
        figures["yield_deviation"] = (_deviation(plant, book, start), 3)
    return figures


def _deviation(plant: PlantBook, book: DeviceBook, day: int) -> float | None:
    """How far from the mean of the best fifth of the plant, rounded up. [%]"""
    rated = {d.key: plant.devices[d.key].energy[1].get(day) for d in plant.spec.inverters}
    yields = {d.key: wh / (d.capacity_w or math.nan) for d in plant.spec.inverters if (wh := rated[d.key]) is not None}
    best = sorted(yields.values(), reverse=True)[: -(-len(yields) // 5)]
    mark = sum(best) / len(best) if best else 0.0
    own = yields.get(book.spec.key)
    return None if own is None or mark <= 0 else 100 * (own - mark) / mark
