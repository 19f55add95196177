"""The day of an ECU, point by point. (3.3.2)

Inverters do not sample at the same instants: points are as far apart as the slowest of them samples, and the power of a
point is the sum of what each inverter showed within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import MINUTE_MS, SECOND_MS, Level, hour_starts, local
from heliograph.dialects.apsystems.channels import divide
from heliograph.dialects.apsystems.codes import NO_DATA, refuse
from heliograph.dialects.apsystems.fields import ENERGY_DIGITS, FINE_DIGITS, POWER_DIGITS, kwh, kwh_text, texts
from heliograph.dialects.apsystems.periods import HOURLY, Asked, day_edges, refuse_later, totals
from heliograph.dialects.apsystems.wire import EcuMinutes
from heliograph.model.buckets import PRODUCTION
from heliograph.model.derive import derive, sources
from heliograph.model.devices import METERS
from heliograph.model.measurements import AC_POWER, METER_POWER
from heliograph.model.samples import Floats, Instants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from heliograph.dialects.apsystems.sources import Source
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.devices import Device
    from heliograph.model.samples import Series
    from heliograph.protocol.operations import Call

POWER_KEYS = (AC_POWER.key, *sources(AC_POWER.key))
METER_KEYS = (METER_POWER.key, *sources(METER_POWER.key))


class Day(msgspec.Struct, frozen=True):
    """A local day that was asked for: its span, its hours with its end, and whether it is over. [ms]"""

    since_ms: int
    until_ms: int
    hours: Instants
    over: bool

    def refuse_empty(self, points: int) -> None:
        """Refuse a day that is over and of which nothing is known. Raises VendorError."""
        if self.over and not points:
            raise refuse(NO_DATA, "nothing was measured on this day")


def asked_day(call: Call[Any], on: date, tz: ZoneInfo) -> Day:
    """The day of a request. Raises VendorError for one that lies ahead."""
    refuse_later(Asked(HOURLY, on), tz, call.now_ms)
    since_ms, until_ms = day_edges(on, tz)
    return Day(since_ms, until_ms, np.array(hour_starts(on.toordinal(), tz), np.int64), until_ms <= call.now_ms)


def clock_times(at_ms: Instants, tz: ZoneInfo) -> list[str]:
    """`HH:mm` in the zone; a repeated hour comes twice."""
    out: list[str] = []
    base_ms, ahead_ms = 0, -1  # the offset is looked up once for each half hour: no clock changes within one
    for at in at_ms.tolist():
        if at > ahead_ms or at < base_ms:
            base_ms = at - at % (30 * MINUTE_MS)
            ahead_ms = base_ms + 30 * MINUTE_MS - 1
            wall = local(base_ms, tz)
            offset = wall.hour * 60 + wall.minute - base_ms // MINUTE_MS
        hour, minute = divmod((at // MINUTE_MS + offset) % 1440, 60)
        out.append(f"{hour:02d}:{minute:02d}")
    return out


def point_ms(devices: Iterable[Device]) -> int:
    """How far points are apart: the slowest device's interval, a minute at least. [ms]"""
    return max([device.interval_s * SECOND_MS for device in devices] + [MINUTE_MS])


def at_points(at_ms: Instants, values: Floats, step_ms: int) -> tuple[Instants, Floats]:
    """The mean of what was measured within each point; points start at multiples of the step. [ms]"""
    known = np.isfinite(values)
    points, place = np.unique(at_ms[known] // step_ms, return_inverse=True)
    if not len(points):
        return points, np.empty(0)
    return points * step_ms, np.bincount(place, values[known]) / np.bincount(place)


def added(parts: Sequence[tuple[Instants, Floats]]) -> tuple[Instants, Floats]:
    """The sum of several courses at each point at which any of them is known."""
    filled = [part for part in parts if len(part[0])]
    if not filled:
        return np.empty(0, np.int64), np.empty(0)
    points, place = np.unique(np.concatenate([part[0] for part in filled]), return_inverse=True)
    sums: Floats = np.bincount(place, np.concatenate([part[1] for part in filled]), len(points)).astype(np.float64)
    return points, sums


def power(series: Series, device: Device) -> Floats | None:
    """The power out of an inverter, or through a meter: told, else of its phases. [W]"""
    key = METER_POWER.key if device.kind in METERS else AC_POWER.key
    told = series.columns.get(key)
    return derive(key, series.columns) if told is None else told


async def powers(call: Call[Any], devices: Sequence[Device], day: Day, step_ms: int) -> tuple[Instants, Floats]:
    """The power of inverters or meters together, at each point of a day. [W]"""
    by_id = {device.id: device for device in devices}
    metered = any(device.kind in METERS for device in devices)
    keys = (*POWER_KEYS, *METER_KEYS) if metered else POWER_KEYS
    parts: list[tuple[Instants, Floats]] = []
    async for series in call.hub.history(call.caller, list(by_id), day.since_ms, day.until_ms, keys):
        watts = power(series, by_id[series.device_id])
        if watts is not None:
            parts.append(at_points(series.at_ms, watts, step_ms))
    return added(parts)


def hourly(series: Sequence[BucketSeries], quantity: str, day: Day) -> Floats:
    """The total of each hour of a day, NaN where nothing was measured. [Wh]"""
    found = [totals(each, quantity, day.hours) for each in series]
    if not found:
        return np.full(len(day.hours) - 1, np.nan)
    matrix = np.vstack(found)
    return np.where(np.isnan(matrix).all(axis=0), np.nan, np.nansum(matrix, axis=0))


async def day_of_ecu(call: Call[Any], source: Source, on: date) -> EcuMinutes:
    """Power and energy of an ECU over a day. Raises VendorError for a day ahead, or one over without a sample."""
    day = asked_day(call, on, source.system.tz)
    at_ms, watts = await powers(call, source.devices, day, point_ms(source.devices))
    if not len(at_ms):
        at_ms, watts = await powers(call, source.meters, day, point_ms(source.meters))
    day.refuse_empty(len(at_ms))
    hours = await source.buckets(call, Level.HOUR, day.since_ms, day.until_ms)
    whole = await source.buckets(call, Level.DAY, day.since_ms, day.until_ms)
    today = sum(float(np.nansum(each.columns.get(PRODUCTION, np.zeros(1)))) for each in whole)
    energy = divide(at_ms, watts[None, :], day.hours, hourly(hours, PRODUCTION, day))[0]
    return EcuMinutes(
        clock_times(np.maximum(at_ms, day.since_ms), source.system.tz),
        kwh(energy, FINE_DIGITS),
        texts(watts, POWER_DIGITS),
        kwh_text(today, ENERGY_DIGITS),
    )
