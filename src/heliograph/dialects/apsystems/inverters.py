"""Inverters by channel: what they produced so far, by periods, and over a day. (3.5.1, 3.5.2)

No inverter of the hub keeps a counter for each channel, so the production is divided as the powers of the channels say:
what the channels have together is what the inverter produced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import Level, day_start, period
from heliograph.dialects.apsystems import periods
from heliograph.dialects.apsystems.channels import current, divide, in_proportion, powers, voltage
from heliograph.dialects.apsystems.energy import edges_of
from heliograph.dialects.apsystems.fields import FINE_DIGITS, INVERTER, POWER_DIGITS, kwh, texts
from heliograph.dialects.apsystems.lifetimes import lifetime_wh
from heliograph.dialects.apsystems.minutely import POWER_KEYS, Day, asked_day, clock_times, hourly, power
from heliograph.dialects.apsystems.operations import INVERTER_ENERGY, INVERTER_SUMMARY
from heliograph.dialects.apsystems.shares import Parted, parted
from heliograph.dialects.apsystems.sources import Source
from heliograph.dialects.apsystems.wire import ChannelSummary, Full, InverterCourse
from heliograph.model.buckets import PRODUCTION
from heliograph.model.measurements import AC_POWER
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from heliograph.dialects.apsystems.lookup import Layouts, System, Unit
    from heliograph.dialects.apsystems.periods import Asked
    from heliograph.dialects.apsystems.shares import Shares
    from heliograph.dialects.apsystems.wire import InverterPeriodQuery, InverterQuery
    from heliograph.model.samples import Floats, Instants, Series


def of_unit(system: System, unit: Unit) -> Source:
    """An inverter's own totals."""
    return Source(system, "device", (unit.device.id,), (unit.device,))


async def known(call: Call[Any], unit: Unit) -> Parted:
    """An inverter with its channels. Raises VendorError when it never sent anything."""
    (latest,) = await call.hub.latest(call.caller, [unit.device.id])
    return parted(unit.device, latest)


async def year_edges(call: Call[Any], source: Source, tz: ZoneInfo) -> Instants:
    """The months of all years that an inverter has data of, through the present one. [ms]"""
    (years,) = await source.buckets(call, Level.YEAR, 0, call.now_ms + 1)
    since_ms = int(years.since_ms[0]) if len(years.since_ms) else period(Level.YEAR, call.now_ms, tz)[0]
    found = [since_ms]
    while found[-1] <= call.now_ms:
        found.append(period(Level.MONTH, found[-1], tz)[1])
    return np.array(found, np.int64)


async def summary(call: Call[Any], shares: Shares, system: System, unit: Unit) -> ChannelSummary:
    """What each channel produced today, this month, this year and since ever."""
    inverter, source, tz = await known(call, unit), of_unit(system, unit), system.tz
    years = await source.buckets(call, Level.YEAR, 0, call.now_ms + 1)
    today = np.array(period(Level.DAY, call.now_ms, tz), np.int64)
    months = await year_edges(call, source, tz)
    of_today, _ = await shares.of(call, inverter, Level.DAY, today, tz)
    of_months, _ = await shares.of(call, inverter, Level.MONTH, months, tz)
    this_year = of_months[:, months[:-1] >= period(Level.YEAR, call.now_ms, tz)[0]].sum(axis=1)
    ever = np.array([await lifetime_wh(call, source, years)])
    columns = {
        "d": of_today[:, 0],
        "m": of_months[:, -1],
        "y": this_year,
        "t": in_proportion(of_months.sum(axis=1)[:, None], ever)[:, 0],
    }
    found = {
        f"{letter}{channel.number}": text
        for letter, values in columns.items()
        for channel, text in zip(inverter.channels, kwh(values), strict=True)
    }
    return ChannelSummary(**found)


async def energies(
    call: Call[Any], shares: Shares, system: System, inverter: Parted, source: Source, asked: Asked
) -> InverterCourse:
    """What each channel produced by periods."""
    on, edges = await edges_of(call, system, asked)
    if asked.level == periods.HOURLY:
        values = await _hourly(call, inverter, source, asked_day(call, on, system.tz), edges)
    elif asked.level == periods.YEARLY:
        firsts = [(year, month) for year in range(on.year, on.year + len(edges) - 1) for month in range(1, 13)]
        months = [day_start(on.replace(year=year, month=month).toordinal(), system.tz) for year, month in firsts]
        of_months, _ = await shares.of(call, inverter, Level.MONTH, np.array([*months, edges[-1]], np.int64), system.tz)
        values = of_months.reshape(len(inverter.channels), -1, 12).sum(axis=2)
    else:
        values, _ = await shares.of(call, inverter, periods.LEVELS[asked.level], edges, system.tz)
    lists = {f"e{channel.number}": kwh(row) for channel, row in zip(inverter.channels, values, strict=True)}
    return InverterCourse(**lists)


async def _hourly(call: Call[Any], inverter: Parted, source: Source, day: Day, edges: Instants) -> Floats:
    """What each channel produced in each hour of the wall clock. [Wh]"""
    hours = await source.buckets(call, Level.HOUR, day.since_ms, day.until_ms)
    produced = periods.sums(hours[0], PRODUCTION, edges)
    weights = np.zeros((len(inverter.channels), len(produced)))
    async for series in call.hub.history(call.caller, [inverter.device.id], day.since_ms, day.until_ms, inverter.keys):
        watts = powers(inverter.channels, series.columns, len(series.at_ms))
        energy = divide(series.at_ms, watts, day.hours, hourly(hours, PRODUCTION, day))
        place = np.clip(np.searchsorted(edges, series.at_ms - 1, "right") - 1, 0, len(produced) - 1)
        for row, own in enumerate(energy):
            weights[row] = np.bincount(place, own, len(produced))
    return in_proportion(weights, produced)


async def telemetry(call: Call[Any], system: System, inverter: Parted, source: Source, on: date) -> InverterCourse:
    """The samples of a day, one a minute at most. A column that nothing was measured of is left out.

    Raises VendorError for a day ahead, or one that is over without a sample.
    """
    day = asked_day(call, on, system.tz)
    keys = tuple(dict.fromkeys((*inverter.keys, *INVERTER.keys, *POWER_KEYS)))
    ids = [inverter.device.id]
    (series,) = [each async for each in call.hub.history(call.caller, ids, day.since_ms, day.until_ms, keys)]
    day.refuse_empty(len(series.at_ms))
    hours = await source.buckets(call, Level.HOUR, day.since_ms, day.until_ms)
    return _course(inverter, series, hourly(hours, PRODUCTION, day), day, system.tz)


def _course(inverter: Parted, series: Series, produced: Floats, day: Day, tz: ZoneInfo) -> InverterCourse:
    watts = powers(inverter.channels, series.columns, len(series.at_ms))
    energy = divide(series.at_ms, watts, day.hours, produced)
    minutes = series.at_ms // 60_000
    last = np.append(np.diff(minutes) > 0, True)[: len(minutes)]
    columns: dict[str, Floats | None] = {}
    for row, channel in enumerate(inverter.channels):
        columns[f"dc_p{channel.number}"] = watts[row]
        columns[f"dc_i{channel.number}"] = current(channel, series.columns)
        columns[f"dc_v{channel.number}"] = voltage(channel, series.columns)
    sides = dict(series.columns)
    told = power(series, inverter.device)
    if told is not None:
        sides[AC_POWER.key] = told
    for name, column in zip(INVERTER.wire_names, INVERTER.encode(sides, len(series.at_ms)), strict=True):
        columns[name] = np.array(column, dtype=np.float64)
    found = {
        name: texts(values[last], POWER_DIGITS)
        for name, values in columns.items()
        if values is not None and np.isfinite(values).any()
    }
    by_minute = np.concatenate(([0], np.cumsum(last)[:-1])).astype(np.intp)[: len(last)]
    for channel, own in zip(inverter.channels, energy, strict=True):
        found[f"dc_e{channel.number}"] = kwh(
            np.bincount(by_minute, own, int(last.sum())).astype(np.float64), FINE_DIGITS
        )
    return InverterCourse(t=clock_times(series.at_ms[last], tz), **found)


def handlers(layouts: Layouts, shares: Shares, *, live_names: bool) -> tuple[Handler, ...]:
    """The calls, over one facade's view of what sends through what; with `live_names` power is `ac_p1` too."""

    async def inverter_summary(call: Call[InverterQuery]) -> Full[ChannelSummary]:
        """What each channel produced so far. (3.5.1)"""
        system = await layouts.system(call, call.request.system)
        return Full(await summary(call, shares, system, system.unit(call.request.inverter)))

    async def inverter_energy(call: Call[InverterPeriodQuery]) -> Full[InverterCourse]:
        """What each channel produced by periods, or what a day was like. (3.5.2)"""
        query = call.request
        asked = periods.asked(query.level, query.span, periods.OF_DEVICES)
        system = await layouts.system(call, query.system)
        unit = system.unit(query.inverter)
        periods.refuse_later(asked, system.tz, call.now_ms)
        inverter, source = await known(call, unit), of_unit(system, unit)
        if asked.level == periods.MINUTELY:
            course = await telemetry(call, system, inverter, source, asked.day)
            return Full(msgspec.structs.replace(course, ac_p1=course.ac_p) if live_names else course)
        return Full(await energies(call, shares, system, inverter, source, asked))

    return (handle(INVERTER_SUMMARY, inverter_summary), handle(INVERTER_ENERGY, inverter_energy))
