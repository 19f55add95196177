"""Production of systems and ECUs: what they produced so far, and by periods. (3.2, 3.3)

A system is the plant; so is an ECU that is the only one of its plant. Any other ECU is the sum of its inverters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from heliograph.clock import Level, day_of, period
from heliograph.dialects.apsystems import minutely, periods
from heliograph.dialects.apsystems.fields import kwh
from heliograph.dialects.apsystems.lifetimes import lifetime_wh, total
from heliograph.dialects.apsystems.operations import ECU_ENERGY, ECU_SUMMARY, SYSTEM_ENERGY, SYSTEM_SUMMARY
from heliograph.dialects.apsystems.sources import of_ecu, of_system
from heliograph.dialects.apsystems.systems import first_day
from heliograph.dialects.apsystems.wire import Full, Summary
from heliograph.model.buckets import PRODUCTION
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from datetime import date

    from heliograph.dialects.apsystems.lookup import Layouts, System
    from heliograph.dialects.apsystems.periods import Asked
    from heliograph.dialects.apsystems.sources import Source
    from heliograph.dialects.apsystems.wire import (
        EcuMinutes,
        EcuPeriodQuery,
        EcuQuery,
        SystemPeriodQuery,
        SystemQuery,
    )
    from heliograph.model.samples import Floats, Instants


async def summary(call: Call[Any], source: Source) -> Summary:
    """What was produced today, this month, this year and since ever."""
    tz, now_ms = source.system.tz, call.now_ms
    days = await source.buckets(call, Level.DAY, period(Level.DAY, now_ms, tz)[0], now_ms + 1)
    months = await source.buckets(call, Level.MONTH, period(Level.MONTH, now_ms, tz)[0], now_ms + 1)
    years = await source.buckets(call, Level.YEAR, 0, now_ms + 1)
    values = [
        total(days, PRODUCTION),
        total(months, PRODUCTION),
        total(years, PRODUCTION, period(Level.YEAR, now_ms, tz)[0]),
        await lifetime_wh(call, source, years),
    ]
    return Summary(*kwh(np.array(values)))


async def edges_of(call: Call[Any], system: System, asked: Asked) -> tuple[date, Instants]:
    """The first day of a list and where its periods start and end. Raises VendorError for a range that lies ahead.

    Years are those since the installation, or since the first data if there are older ones.
    """
    periods.refuse_later(asked, system.tz, call.now_ms)
    if asked.on is not None:
        return asked.on, periods.edges(asked.level, asked.on, system.tz)
    on = await first_day(call, system)
    (years,) = await call.hub.buckets(call.caller, "plant", [system.plant.id], Level.YEAR, 0, call.now_ms + 1)
    this = type(on).fromordinal(day_of(call.now_ms, system.tz))
    on = min(on, this)
    if len(years.since_ms):
        on = min(on, type(on).fromordinal(day_of(int(years.since_ms[0]), system.tz)))
    on = on.replace(month=1, day=1)
    return on, periods.edges(asked.level, on, system.tz, this.year)


async def listed(call: Call[Any], source: Source, asked: Asked) -> list[str]:
    """Production by periods."""
    _, edges = await edges_of(call, source.system, asked)
    found = await source.buckets(call, periods.LEVELS[asked.level], int(edges[0]), int(edges[-1]))
    values: Floats = np.zeros(len(edges) - 1)
    for series in found:
        values += periods.sums(series, PRODUCTION, edges)
    return kwh(values)


def handlers(layouts: Layouts) -> tuple[Handler, ...]:
    """The calls, over one facade's view of what sends through what."""

    async def system_summary(call: Call[SystemQuery]) -> Full[Summary]:
        """Production of a system so far. (3.2.1)"""
        return Full(await summary(call, of_system(await layouts.system(call, call.request.system))))

    async def system_energy(call: Call[SystemPeriodQuery]) -> Full[list[str]]:
        """Production of a system by periods. (3.2.2)"""
        query = call.request
        asked = periods.asked(query.level, query.span, periods.OF_SYSTEMS)
        return Full(await listed(call, of_system(await layouts.system(call, query.system)), asked))

    async def ecu_summary(call: Call[EcuQuery]) -> Full[Summary]:
        """Production below an ECU so far. (3.3.1)"""
        system = await layouts.system(call, call.request.system)
        return Full(await summary(call, of_ecu(system, system.ecu(call.request.ecu))))

    async def ecu_energy(call: Call[EcuPeriodQuery]) -> Full[EcuMinutes | list[str]]:
        """Production below an ECU by periods, or over a day. (3.3.2)"""
        query = call.request
        asked = periods.asked(query.level, query.span, periods.OF_DEVICES)
        system = await layouts.system(call, query.system)
        source = of_ecu(system, system.ecu(query.ecu))
        if asked.level == periods.MINUTELY:
            return Full(await minutely.day_of_ecu(call, source, asked.day))
        return Full(await listed(call, source, asked))

    return (
        handle(SYSTEM_SUMMARY, system_summary),
        handle(SYSTEM_ENERGY, system_energy),
        handle(ECU_SUMMARY, ecu_summary),
        handle(ECU_ENERGY, ecu_energy),
    )
