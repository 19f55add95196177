"""Meter ECUs: what the whole system consumed, bought, fed in and produced. (3.4)

The figures are the plant's. What was consumed is what was measured, else what was kept of the production and what was
bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import Level, period
from heliograph.dialects.apsystems import periods
from heliograph.dialects.apsystems.channels import divide
from heliograph.dialects.apsystems.energy import edges_of
from heliograph.dialects.apsystems.fields import FINE_DIGITS, METER_DIGITS, METER_LIST_DIGITS, POWER_DIGITS, kwh, texts
from heliograph.dialects.apsystems.minutely import (
    METER_KEYS,
    POWER_KEYS,
    Day,
    added,
    asked_day,
    at_points,
    clock_times,
    point_ms,
    power,
)
from heliograph.dialects.apsystems.operations import METER_PERIOD, METER_SUMMARY
from heliograph.dialects.apsystems.wire import (
    Full,
    MeterCourse,
    MeterEnergies,
    MeterEnergy,
    MeterPower,
    MeterSummary,
)
from heliograph.model import buckets as b
from heliograph.model import measurements as m
from heliograph.model.devices import METERS, MeterRole
from heliograph.model.samples import Floats, Instants
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from datetime import date

    from heliograph.dialects.apsystems.lookup import Layouts, System
    from heliograph.dialects.apsystems.periods import Asked
    from heliograph.dialects.apsystems.wire import EcuPeriodQuery, EcuQuery
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.devices import Device

_KEYS = (*METER_KEYS, m.GRID_POWER.key, m.LOAD_POWER.key, *POWER_KEYS)
Course = tuple[Instants, Floats]


class Energies(msgspec.Struct, frozen=True):
    """The four energies of each of some periods. [Wh]"""

    consumed: Floats
    exported: Floats
    imported: Floats
    produced: Floats

    def one(self, place: int) -> MeterEnergy:
        """Those of one period, as text."""
        every = np.array([self.consumed[place], self.exported[place], self.imported[place], self.produced[place]])
        return MeterEnergy(*kwh(every, METER_DIGITS))


def energies(series: BucketSeries, edges: Instants) -> Energies:
    """The four energies of the periods between edges, NaN where nothing was measured. [Wh]"""
    quantities = (b.CONSUMPTION, b.FEED_IN, b.PURCHASE, b.PRODUCTION)
    return Energies(*(periods.totals(series, each, edges) for each in quantities))


async def _of_plant(call: Call[Any], system: System, level: Level, edges: Instants) -> Energies:
    until_ms = min(int(edges[-1]), call.now_ms + 1)
    (found,) = await call.hub.buckets(call.caller, "plant", [system.plant.id], level, int(edges[0]), until_ms)
    return energies(found, edges)


async def summary(call: Call[Any], system: System) -> MeterSummary:
    """The four energies of today, this month, this year and since ever."""
    told: list[MeterEnergy] = []
    for level in (Level.DAY, Level.MONTH, Level.YEAR):
        edges = np.array(period(level, call.now_ms, system.tz), np.int64)
        told.append((await _of_plant(call, system, level, edges)).one(0))
    (years,) = await call.hub.buckets(call.caller, "plant", [system.plant.id], Level.YEAR, 0, call.now_ms + 1)
    each = energies(years, np.append(years.since_ms, call.now_ms + 1))
    parts = (each.consumed, each.exported, each.imported, each.produced)
    ever = Energies(*(np.array([np.nansum(values)]) for values in parts)).one(0)
    return MeterSummary(told[0], told[1], told[2], ever)


async def listed(call: Call[Any], system: System, asked: Asked) -> MeterCourse:
    """The four energies by periods."""
    on, edges = await edges_of(call, system, asked)
    found = await _of_plant(call, system, periods.LEVELS[asked.level], edges)
    return MeterCourse(
        periods.labels(asked.level, on, len(edges) - 1),
        produced=kwh(found.produced, METER_LIST_DIGITS),
        consumed=kwh(found.consumed, METER_LIST_DIGITS),
        imported=kwh(found.imported, METER_LIST_DIGITS),
        exported=kwh(found.exported, METER_LIST_DIGITS),
    )


class Flows(msgspec.Struct, frozen=True):
    """What flows where over a day, at points. [W]"""

    at_ms: Instants
    produced: Floats
    bought: Floats
    """Negative while feeding in."""
    consumed: Floats


async def flows(call: Call[Any], system: System, day: Day) -> Flows:
    """The powers of a day: production of the inverters, the grid's of its meters, loads of theirs.

    Without a meter an inverter tells of grid or loads; without any word of the loads they are what is left.
    """
    units = tuple(unit.device for unit in system.units)
    meters = tuple(device for device in system.devices if device.kind in METERS)
    devices: tuple[Device, ...] = (*units, *meters)
    step_ms = point_ms(devices)
    made: list[Course] = []
    by_role: dict[MeterRole, list[Course]] = {role: [] for role in MeterRole}
    grid: list[Course] = []
    loads: list[Course] = []
    ids = [device.id for device in devices]
    place = 0
    async for series in call.hub.history(call.caller, ids, day.since_ms, day.until_ms, _KEYS):
        device, place = devices[place], place + 1
        own = power(series, device)
        kept = by_role[device.role] if device.kind in METERS else made
        for course, values in (
            (kept, own),
            (grid, series.columns.get(m.GRID_POWER.key)),
            (loads, series.columns.get(m.LOAD_POWER.key)),
        ):
            if values is not None:
                course.append(at_points(series.at_ms, values, step_ms))
    return _together(
        made or by_role[MeterRole.PRODUCTION], by_role[MeterRole.GRID] or grid, by_role[MeterRole.LOAD] or loads
    )


def _together(made: list[Course], grid: list[Course], loads: list[Course]) -> Flows:
    """Courses on the points at which any of them is known; what is not known is 0, consumption without a meter too."""
    parts = [added(made), added(grid), added(loads)]
    points: Instants = np.unique(np.concatenate([part[0] for part in parts]))
    placed: list[Floats] = []
    for at_ms, values in parts:
        column = np.full(len(points), np.nan)
        column[np.searchsorted(points, at_ms)] = values
        placed.append(column)
    produced, bought, told = np.nan_to_num(placed[0]), placed[1], placed[2]
    consumed = np.where(np.isnan(told), np.maximum(produced + bought, 0.0), told)
    return Flows(points, produced, np.nan_to_num(bought), np.nan_to_num(consumed))


async def day_of_meter(call: Call[Any], system: System, on: date) -> MeterCourse:
    """Powers and energies of a day. Raises VendorError for a day ahead, or one over without a sample."""
    day = asked_day(call, on, system.tz)
    found = await flows(call, system, day)
    day.refuse_empty(len(found.at_ms))
    of_hours = await _of_plant(call, system, Level.HOUR, day.hours)
    today = await _of_plant(call, system, Level.DAY, np.array([day.since_ms, day.until_ms], np.int64))

    def spread(watts: Floats, hours: Floats) -> list[str]:
        # An hour of which a total is not known adds nothing to the day, whatever the powers of others say.
        return kwh(divide(found.at_ms, watts[None, :], day.hours, np.nan_to_num(hours))[0], FINE_DIGITS)

    return MeterCourse(
        clock_times(np.maximum(found.at_ms, day.since_ms), system.tz),
        today=today.one(0),
        power=MeterPower(
            texts(found.consumed, POWER_DIGITS), texts(found.bought, POWER_DIGITS), texts(found.produced, POWER_DIGITS)
        ),
        energy=MeterEnergies(
            spread(found.consumed, of_hours.consumed),
            spread(-found.bought, of_hours.exported),
            spread(found.bought, of_hours.imported),
            spread(found.produced, of_hours.produced),
        ),
    )


def handlers(layouts: Layouts) -> tuple[Handler, ...]:
    """The calls, over one facade's view of what sends through what."""

    async def meter_summary(call: Call[EcuQuery]) -> Full[MeterSummary]:
        """The four energies so far. (3.4.1)"""
        system = await layouts.system(call, call.request.system)
        system.meter(call.request.ecu)
        return Full(await summary(call, system))

    async def meter_period(call: Call[EcuPeriodQuery]) -> Full[MeterCourse]:
        """The four energies by periods, or what a day was like. (3.4.2)"""
        query = call.request
        asked = periods.asked(query.level, query.span, periods.OF_DEVICES)
        system = await layouts.system(call, query.system)
        system.meter(query.ecu)
        if asked.level == periods.MINUTELY:
            return Full(await day_of_meter(call, system, asked.day))
        return Full(await listed(call, system, asked))

    return (handle(METER_SUMMARY, meter_summary), handle(METER_PERIOD, meter_period))
