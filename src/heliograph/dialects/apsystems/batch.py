"""A day of all inverters below an ECU: the powers of their channels, or their energies. (3.5.3)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import Level
from heliograph.dialects.apsystems import periods
from heliograph.dialects.apsystems.channels import channels, divide, in_proportion, powers
from heliograph.dialects.apsystems.fields import kwh, whole
from heliograph.dialects.apsystems.minutely import asked_day, clock_times, point_ms
from heliograph.dialects.apsystems.operations import INVERTER_BATCH
from heliograph.dialects.apsystems.shares import Parted
from heliograph.dialects.apsystems.wire import Batch, ChannelEnergy, Full
from heliograph.model.buckets import PRODUCTION
from heliograph.model.samples import Floats, Instants, Series
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from zoneinfo import ZoneInfo

    from heliograph.dialects.apsystems.lookup import Ecu, Layouts, System
    from heliograph.dialects.apsystems.minutely import Day
    from heliograph.dialects.apsystems.wire import EcuPeriodQuery


class Member(msgspec.Struct, frozen=True):
    """An inverter of a batch: its uid and its channels."""

    uid: str
    inverter: Parted


async def members(call: Call[Any], ecu: Ecu) -> list[Member]:
    """The inverters below an ECU that ever sent anything."""
    latest = await call.hub.latest(call.caller, [unit.device.id for unit in ecu.units])
    return [
        Member(unit.uid, Parted(unit.device, channels(frozenset(each.readings))))
        for unit, each in zip(ecu.units, latest, strict=True)
        if each.at_ms is not None
    ]


async def _days(call: Call[Any], found: Sequence[Member], day: Day) -> AsyncIterator[tuple[Member, Series]]:
    """The samples of each inverter; those with the same channels are read together."""
    groups: dict[tuple[str, ...], list[Member]] = {}
    for member in found:
        groups.setdefault(member.inverter.keys, []).append(member)
    for keys, group in groups.items():
        ids = [member.inverter.device.id for member in group]
        rest = iter(group)
        async for series in call.hub.history(call.caller, ids, day.since_ms, day.until_ms, keys):
            yield next(rest), series


class _Rows(msgspec.Struct):
    """The powers of an inverter's channels on the points of a day. [W]"""

    at_ms: Instants
    watts: Floats


def _on_points(series: Series, watts: Floats, step_ms: int) -> _Rows:
    """The mean of what each channel showed within each point; points start at multiples of the step."""
    points = series.at_ms // step_ms * step_ms
    if not len(points) or (np.diff(points) > 0).all():
        return _Rows(points, watts)
    found, place = np.unique(points, return_inverse=True)
    known = np.isfinite(watts)
    out = np.full((len(watts), len(found)), np.nan)
    for row, own in enumerate(watts):
        count = np.bincount(place[known[row]], minlength=len(found))
        total = np.bincount(place[known[row]], own[known[row]], len(found))
        np.divide(total, count, out=out[row], where=count > 0)
    return _Rows(found, out)


async def power(call: Call[Any], ecu: Ecu, found: Sequence[Member], day: Day, tz: ZoneInfo) -> Batch:
    """The powers of all channels at each point of a day. Raises VendorError for one that is over without a sample."""
    step_ms = point_ms(unit.device for unit in ecu.units)
    rows: dict[str, _Rows] = {}
    async for member, series in _days(call, found, day):
        watts = powers(member.inverter.channels, series.columns, len(series.at_ms))
        rows[member.uid] = _on_points(series, watts, step_ms)
    points: Instants = np.unique(np.concatenate([np.empty(0, np.int64), *(each.at_ms for each in rows.values())]))
    day.refuse_empty(len(points))
    lists: dict[str, list[str]] = {}
    for member in found:
        own = rows[member.uid]
        places = np.searchsorted(points, own.at_ms)
        for channel, watts in zip(member.inverter.channels, own.watts, strict=True):
            column = watts
            if len(watts) < len(points):
                column = np.zeros(len(points))
                column[places] = watts
            lists[f"{member.uid}-{channel.number}"] = whole(column)
    return Batch(time=clock_times(np.maximum(points, day.since_ms), tz), power=lists)


async def energy(call: Call[Any], found: Sequence[Member], day: Day) -> Batch:
    """What each channel produced on a day."""
    ids = [member.inverter.device.id for member in found]
    until_ms = min(day.until_ms, call.now_ms + 1)
    whole_day = np.array([day.since_ms, day.until_ms], np.int64)
    days = await call.hub.buckets(call.caller, "device", ids, Level.DAY, day.since_ms, until_ms)
    hours = await call.hub.buckets(call.caller, "device", ids, Level.HOUR, day.since_ms, until_ms)
    produced = {each.subject_id: periods.sums(each, PRODUCTION, whole_day) for each in days}
    by_hour = {each.subject_id: periods.totals(each, PRODUCTION, day.hours) for each in hours}
    shares: dict[str, Floats] = {}
    async for member, series in _days(call, found, day):
        device, of = member.inverter.device.id, member.inverter.channels
        watts = powers(of, series.columns, len(series.at_ms))
        weights = divide(series.at_ms, watts, day.hours, by_hour[device]).sum(axis=1)
        shares[member.uid] = in_proportion(weights[:, None], produced[device])[:, 0]
    return Batch(
        energy=[
            ChannelEnergy(member.uid, channel.number, text).format()
            for member in found
            for channel, text in zip(member.inverter.channels, kwh(shares[member.uid]), strict=True)
        ]
    )


def handlers(layouts: Layouts) -> tuple[Handler, ...]:
    """The call, over one facade's view of what sends through what."""

    async def batch(call: Call[EcuPeriodQuery]) -> Full[Batch]:
        """A day of all inverters below an ECU. (3.5.3)"""
        query = call.request
        asked = periods.asked(query.level, query.span, periods.OF_BATCHES)
        system: System = await layouts.system(call, query.system)
        ecu = system.ecu(query.ecu)
        day = asked_day(call, asked.day, system.tz)
        found = await members(call, ecu)
        if asked.level == periods.POWER:
            return Full(await power(call, ecu, found, day, system.tz))
        return Full(await energy(call, found, day))

    return (handle(INVERTER_BATCH, batch),)
