"""Reports of plants and devices by the hour, day, month and year of the plant's calendar. (2.4 to 2.7, 2.11 to 2.13)"""

from __future__ import annotations

from datetime import date
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from heliograph.clock import MINUTE_MS, Level, day_of, day_start, local, period
from heliograph.dialects.huawei.fields import BATTERY, REPORT_TYPES
from heliograph.dialects.huawei.figures import (
    BATTERY_FIGURES,
    DAILY_FIGURES,
    INVERTER_FIGURES,
    names_of,
    only,
    open_figures,
)
from heliograph.dialects.huawei.lookup import (
    asked_instant,
    asked_type,
    device_numbers,
    known_devices,
    known_plants,
    plant_codes,
)
from heliograph.dialects.huawei.operations import (
    DEVICE_DAYS,
    DEVICE_HOURS,
    DEVICE_MONTHS,
    DEVICE_YEARS,
    PLANT_DAYS,
    PLANT_HOURS,
    PLANT_MONTHS,
    PLANT_YEARS,
)
from heliograph.dialects.huawei.wire import DeviceRows, PlantHour, PlantHours, PlantPeriod, PlantPeriods, Row
from heliograph.errors import BadRequestError
from heliograph.model import buckets as b
from heliograph.model import kpi
from heliograph.model.devices import INVERTERS
from heliograph.model.units import H
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from heliograph.dialects.huawei.lookup import NamedDevice, NamedPlant
    from heliograph.dialects.huawei.wire import DeviceQuery, Number, PlantQuery
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.devices import Device
    from heliograph.model.plants import Plant
    from heliograph.model.samples import Floats
    from heliograph.protocol.hub import Subject

D = TypeVar("D")

YEARS = 25
"""How many years a yearly report goes back. (2.7)"""
SPAN_OF = {Level.HOUR: Level.DAY, Level.DAY: Level.MONTH, Level.MONTH: Level.YEAR}
"""The period that a report covers, by the period of its rows."""
_MEASURED = (
    b.PRODUCTION, b.PV_INPUT, b.FEED_IN, b.PURCHASE, b.CHARGED, b.DISCHARGED, b.CONSUMPTION, b.IRRADIATION, b.REVENUE,
)  # fmt: skip
_KILO = 1000.0
# Decimals of the examples; those of money are the hourly ones.
_ENERGY, _MONEY, _RADIATION, _THEORY = 3, 4, 4, 2


def span(level: Level, at_ms: int, tz: ZoneInfo) -> tuple[int, int]:
    """The half-open span of a report whose rows are periods of `level`. [ms, ms)"""
    if level is not Level.YEAR:
        return period(SPAN_OF[level], at_ms, tz)
    first = date(local(at_ms, tz).year - YEARS + 1, 1, 1)
    return day_start(first.toordinal(), tz), period(Level.YEAR, at_ms, tz)[1]


def constants(plant: Plant) -> kpi.KpiProfile:
    """The constants of a plant's figures; those of the document where its profile is unknown."""
    try:
        return kpi.profile(plant.kpi_profile)
    except BadRequestError:
        return kpi.HUAWEI_2020


def _with_data(series: BucketSeries) -> BucketSeries:
    """The buckets in which anything was measured or received."""
    filled = series.column(b.RECEIVED) > 0
    for quantity in _MEASURED:
        if quantity in series.columns:
            filled |= np.isfinite(series.columns[quantity])
    if filled.all():
        return series
    columns = {quantity: values[filled] for quantity, values in series.columns.items()}
    return b.BucketSeries(series.subject_id, series.level, series.since_ms[filled], columns)


async def _fetch(
    call: Call[Any], subject: Subject, owners: Iterable[tuple[int, ZoneInfo]], level: Level, at_ms: int
) -> dict[int, BucketSeries]:
    """The buckets with data of each plant or device, up to now, over the span that its own calendar gives."""
    spans: dict[tuple[int, int], list[int]] = {}
    for subject_id, tz in owners:
        since_ms, until_ms = span(level, at_ms, tz)
        spans.setdefault((since_ms, min(until_ms, call.now_ms + 1)), []).append(subject_id)
    found: dict[int, BucketSeries] = {}
    for (since_ms, until_ms), ids in spans.items():
        if since_ms < until_ms:
            for series in await call.hub.buckets(call.caller, subject, ids, level, since_ms, until_ms):
                found[series.subject_id] = _with_data(series)
    return found


def _wire(values: Floats, digits: int) -> list[float]:
    rounded: list[float] = (np.round(values, digits) + 0.0).tolist()  # adding zero turns -0.0 into 0.0
    return rounded


def _of(watts: float | None, rows: int) -> Floats:
    return np.full(rows, np.nan if watts is None else watts)


def _hour_columns(plant: Plant, series: BucketSeries) -> list[list[float]]:
    """The columns of PlantHour, in its order. (3.2)"""
    irradiation = series.column(b.IRRADIATION)
    return [
        _wire(irradiation / _KILO, _RADIATION),
        _wire(kpi.theory_energy_wh(irradiation, _of(plant.capacity_w, len(irradiation))) / _KILO, _THEORY),
        _wire(series.column(b.PRODUCTION) / _KILO, _ENERGY),
        _wire(series.column(b.FEED_IN) / _KILO, _ENERGY),
        _wire(series.column(b.REVENUE), _MONEY),
    ]


def used_wh(column: Callable[[str], Floats]) -> Floats:
    """What a plant used: own use and purchase, and measured loads where meters do not tell both. [Wh] (3.3)"""
    balance = kpi.consumption_wh(column(b.PRODUCTION), column(b.FEED_IN), column(b.PURCHASE))
    used: Floats = np.where(np.isnan(balance), column(b.CONSUMPTION), balance)
    return used


def _period_columns(plant: Plant, series: BucketSeries) -> list[list[float]]:
    """The columns of PlantPeriod, in its order. (3.3)"""
    profile = constants(plant)
    irradiation, production = series.column(b.IRRADIATION), series.column(b.PRODUCTION)
    capacity = _of(plant.capacity_w, len(production))
    theory = kpi.theory_energy_wh(irradiation, capacity)
    ratio = kpi.performance_ratio_percent(production, theory)
    return [
        _wire(capacity / _KILO, _ENERGY),
        _wire(irradiation / _KILO, _RADIATION),
        _wire(theory / _KILO, _THEORY),
        _wire(kpi.capped_percent(ratio, profile.pr_cap_percent), 3),
        _wire(production / _KILO, _ENERGY),
        _wire(series.column(b.FEED_IN) / _KILO, _ENERGY),
        _wire(used_wh(series.column) / _KILO, _ENERGY),
        _wire(series.column(b.REVENUE), _MONEY),
        _wire(kpi.specific_yield_h(production, capacity), 3),
        _wire(kpi.co2_kg(production, profile) / _KILO, 3),
        _wire(kpi.coal_kg(production, profile) / _KILO, 3),
        _trees(production, profile),
    ]


def _trees(production: Floats, profile: kpi.KpiProfile) -> list[float]:
    """Trees, as whole numbers where the profile counts whole ones: the example has 999, not 999.0."""
    counts: list[float] = kpi.trees(production, profile).tolist()
    return [int(count) if count.is_integer() else count for count in counts]


class _Asked(NamedTuple):
    """What a report of plants is made from: each plant with its buckets, and the figures it may show."""

    series: list[tuple[NamedPlant, BucketSeries]]
    figures: frozenset[str] | None


async def _asked(call: Call[PlantQuery], level: Level, items: type[msgspec.Struct]) -> _Asked:
    codes = plant_codes(call)
    at_ms = asked_instant(call.request.at_ms)
    plants = await known_plants(call, codes)
    figures = open_figures(call, names_of(items))
    found = await _fetch(call, "plant", [(each.plant.id, each.tz) for each in plants], level, at_ms)
    return _Asked([(each, found[each.plant.id]) for each in plants if each.plant.id in found], figures)


async def plant_hours(call: Call[PlantQuery]) -> PlantHours:
    """The hours of the local day that holds `collectTime`. (2.4)"""
    asked = await _asked(call, Level.HOUR, PlantHour)
    rows: list[Row[PlantHour]] = []
    for each, series in asked.series:
        items = map(PlantHour, *_hour_columns(each.plant, series))
        rows += map(_plant_row, items, repeat(each.code), series.since_ms.tolist())
    return PlantHours(only(rows, asked.figures))


async def plant_periods(level: Level, call: Call[PlantQuery]) -> PlantPeriods:
    """The days, months or years of the local month, year or 25 years that hold `collectTime`. (2.5 to 2.7)"""
    asked = await _asked(call, level, PlantPeriod)
    rows: list[Row[PlantPeriod]] = []
    for each, series in asked.series:
        items = map(PlantPeriod, *_period_columns(each.plant, series))
        rows += map(_plant_row, items, repeat(each.code), series.since_ms.tolist())
    return PlantPeriods(only(rows, asked.figures))


def _plant_row(items: D, code: str, at_ms: int) -> Row[D]:
    return Row(items, plant=code, at_ms=at_ms)


def deviations(
    inverters: Sequence[Device], found: Mapping[int, BucketSeries], top_percent: float
) -> dict[int, dict[int, float]]:
    """The yield deviation of each inverter of one plant, by the start of the period. [%]"""
    rated = [(inverter, found[inverter.id]) for inverter in inverters if inverter.id in found]
    if not rated:
        return {}
    starts = np.unique(np.concatenate([series.since_ms for _, series in rated]))
    yields = np.full((len(rated), len(starts)), np.nan)
    for row, (inverter, series) in enumerate(rated):
        energy = series.column(b.PRODUCTION)
        capacity = _of(inverter.capacity_w, len(energy))
        yields[row, np.searchsorted(starts, series.since_ms)] = kpi.specific_yield_h(energy, capacity)
    percent = np.round(kpi.yield_deviation_percent(yields, top_percent), 3) + 0.0
    return {
        inverter.id: dict(zip(starts.tolist(), row.tolist(), strict=True))
        for (inverter, _), row in zip(rated, percent, strict=True)
    }


def _battery_columns(series: BucketSeries) -> dict[str, list[float]]:
    columns = (
        _wire(series.column(b.CHARGED) / _KILO, _ENERGY),
        _wire(series.column(b.DISCHARGED) / _KILO, _ENERGY),
        _wire(series.column(b.CHARGING_TIME) / H.factor, 3),
        _wire(series.column(b.DISCHARGING_TIME) / H.factor, 3),
    )
    return dict(zip(BATTERY_FIGURES, columns, strict=True))


def _inverter_columns(device: Device, series: BucketSeries) -> dict[str, list[float]]:
    energy = series.column(b.PRODUCTION)
    capacity = _of(device.capacity_w, len(energy))
    columns = (
        _wire(capacity / _KILO, _ENERGY),
        _wire(energy / _KILO, _ENERGY),
        _wire(kpi.specific_yield_h(energy, capacity), 3),
    )
    return dict(zip(INVERTER_FIGURES, columns, strict=True))


def _daily_columns(each: NamedDevice, series: BucketSeries, deviation: Mapping[int, float]) -> dict[str, list[float]]:
    starts = series.since_ms.tolist()
    expected: Floats | float | None = constants(each.plant).aoc_expected_per_day
    if expected is None:
        ends = [day_start(day_of(start, each.tz) + 1, each.tz) for start in starts]
        expected = (np.array(ends) - series.since_ms) / (5.0 * MINUTE_MS)
    columns = (
        [deviation.get(start, np.nan) for start in starts],
        _wire(kpi.production_percent(series.column(b.PRODUCING), series.column(b.IDLE)), 3),
        _wire(kpi.communication_percent(series.column(b.RECEIVED), expected), 3),
    )
    return dict(zip(DAILY_FIGURES, columns, strict=True))


async def device_periods(level: Level, call: Call[DeviceQuery]) -> DeviceRows:
    """The periods of one level of inverters or batteries. (2.11 to 2.13)"""
    numbers = device_numbers(call)
    wanted = asked_type(call.request.type_id, REPORT_TYPES)
    at_ms = asked_instant(call.request.at_ms)
    devices = await known_devices(call, numbers, wanted)
    daily = level is Level.DAY and wanted != BATTERY
    figures = open_figures(call, BATTERY_FIGURES if wanted == BATTERY else INVERTER_FIGURES + DAILY_FIGURES * daily)
    owners = {each.device.id: each.tz for each in devices}
    peers = await _peers(call, devices) if daily else {}
    for each in devices:
        owners.update((peer.id, each.tz) for peer in peers.get(each.plant.id, ()))
    found = await _fetch(call, "device", owners.items(), level, at_ms)
    deviation: dict[int, dict[int, float]] = {}
    for plant in {each.plant.id: each.plant for each in devices}.values():
        deviation |= deviations(peers.get(plant.id, []), found, constants(plant).yd_top_percent)
    rows: list[Row[dict[str, Number]]] = []
    for each in devices:
        series = found.get(each.device.id)
        if series is None:
            continue
        columns = _battery_columns(series) if wanted == BATTERY else _inverter_columns(each.device, series)
        if daily:
            columns |= _daily_columns(each, series, deviation.get(each.device.id, {}))
        for at, values in zip(series.since_ms.tolist(), zip(*columns.values(), strict=True), strict=True):
            rows.append(Row(dict(zip(columns, values, strict=True)), device=each.number, at_ms=at))
    return DeviceRows(only(rows, figures))


async def _peers(call: Call[DeviceQuery], devices: Sequence[NamedDevice]) -> dict[int, list[Device]]:
    """All inverters of the plants of these devices, by plant."""
    plants = sorted({each.plant.id for each in devices})
    peers: dict[int, list[Device]] = {}
    for device in await call.hub.devices(call.caller, plants):
        if device.kind in INVERTERS:
            peers.setdefault(device.plant_id, []).append(device)
    return peers


HANDLERS: tuple[Handler, ...] = (
    handle(PLANT_HOURS, plant_hours),
    handle(PLANT_DAYS, partial(plant_periods, Level.DAY)),
    handle(PLANT_MONTHS, partial(plant_periods, Level.MONTH)),
    handle(PLANT_YEARS, partial(plant_periods, Level.YEAR)),
    handle(DEVICE_HOURS, partial(device_periods, Level.HOUR)),
    handle(DEVICE_DAYS, partial(device_periods, Level.DAY)),
    handle(DEVICE_MONTHS, partial(device_periods, Level.MONTH)),
    handle(DEVICE_YEARS, partial(device_periods, Level.YEAR)),
)
