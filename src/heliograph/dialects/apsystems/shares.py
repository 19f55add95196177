"""How the production of days and months divides among an inverter's channels, remembered once it was worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import Level, day_of, day_start, hour_starts
from heliograph.dialects.apsystems.channels import Channel, channels, divide, in_proportion, powers
from heliograph.dialects.apsystems.codes import NO_DATA, refuse
from heliograph.dialects.apsystems.periods import totals
from heliograph.model.buckets import PRODUCTION, RECEIVED
from heliograph.model.devices import Device

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from heliograph.model.samples import Floats, Instants, Latest
    from heliograph.protocol.operations import Call

KEPT = 100_000
"""Periods of inverters that are remembered; when there are more, all are worked out anew."""

Key = tuple[int, int, int]
Mark = tuple[float, float, tuple[Channel, ...]]


class Parted(msgspec.Struct, frozen=True):
    """An inverter with its channels and their measurements."""

    device: Device
    channels: tuple[Channel, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The measurements that the powers of its channels are made of."""
        return tuple(key for channel in self.channels for key in channel.keys)


def parted(device: Device, latest: Latest) -> Parted:
    """An inverter with its channels. Raises VendorError when it never sent anything: they are not known."""
    if latest.at_ms is None:
        raise refuse(NO_DATA, "the inverter never sent anything")
    return Parted(device, channels(frozenset(latest.readings)))


def hours_between(since_ms: int, until_ms: int, tz: ZoneInfo) -> Instants:
    """The starts of the hours of whole days, and the end of the last. [ms]"""
    days = range(day_of(since_ms, tz), day_of(until_ms - 1, tz) + 1)
    starts = [start for day in days for start in hour_starts(day, tz)[:-1]]
    return np.array([*starts, until_ms], np.int64)


class Shares:
    """What each channel has of the production of days and months, for one running facade.

    A period is worked out again when its production or the number of its samples changed.
    """

    def __init__(self) -> None:
        self._held: dict[Key, tuple[Mark, Floats]] = {}

    async def of(
        self, call: Call[Any], unit: Parted, level: Level, edges: Instants, tz: ZoneInfo
    ) -> tuple[Floats, Floats]:
        """For each period between edges, days or months: what each channel (row) has, and the whole. [Wh]"""
        until_ms = min(int(edges[-1]), call.now_ms + 1)
        (series,) = await call.hub.buckets(call.caller, "device", [unit.device.id], level, int(edges[0]), until_ms)
        produced, received = totals(series, PRODUCTION, edges), totals(series, RECEIVED, edges)
        if len(unit.channels) == 1:
            return np.nan_to_num(produced)[None, :], produced
        out = np.zeros((len(unit.channels), len(produced)))
        for place in np.flatnonzero(produced > 0).tolist():
            span = int(edges[place]), int(edges[place + 1])
            if level is Level.MONTH and span[0] <= call.now_ms < span[1]:
                weights = (await self.of(call, unit, Level.DAY, _days(span, tz), tz))[0].sum(axis=1)
            else:
                mark = (float(produced[place]), float(np.nan_to_num(received[place])), unit.channels)
                weights = await self._weights(call, unit, span, mark, tz)
            out[:, place] = in_proportion(weights[:, None], produced[place : place + 1])[:, 0]
        return out, produced

    async def _weights(self, call: Call[Any], unit: Parted, span: tuple[int, int], mark: Mark, tz: ZoneInfo) -> Floats:
        key = (unit.device.id, *span)
        held = self._held.get(key)
        if held is not None and held[0] == mark:
            return held[1]
        since_ms, until_ms = span
        (hours,) = await call.hub.buckets(call.caller, "device", [unit.device.id], Level.HOUR, since_ms, until_ms)
        starts = hours_between(since_ms, until_ms, tz)
        weights = np.zeros(len(unit.channels))
        async for series in call.hub.history(call.caller, [unit.device.id], since_ms, until_ms, unit.keys):
            watts = powers(unit.channels, series.columns, len(series.at_ms))
            weights = divide(series.at_ms, watts, starts, totals(hours, PRODUCTION, starts)).sum(axis=1)
        if len(self._held) >= KEPT:
            self._held.clear()
        self._held[key] = mark, weights
        return weights


def _days(span: tuple[int, int], tz: ZoneInfo) -> Instants:
    """The starts of the days of a span, and its end. [ms]"""
    days = range(day_of(span[0], tz), day_of(span[1] - 1, tz) + 1)
    return np.array([*(day_start(day, tz) for day in days), span[1]], np.int64)
