"""The worker that folds days whose samples changed, oldest first, and on demand for who reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
import numpy as np

from heliograph.clock import Level, day_of, hour_starts, local, period, zone
from heliograph.model.buckets import DECLARED, PRODUCTION, RECEIVED
from heliograph.model.derive import derive, sources
from heliograph.model.devices import INVERTERS, Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Floats, Instants, Series
from heliograph.rollup import levels
from heliograph.rollup.fold import SLOT_MS, DayFold, Irradiance, fold_day
from heliograph.rollup.levels import RollupConfig
from heliograph.rollup.reported import MISSING_SLOTS, plant_month, plant_period, with_declared
from heliograph.rollup.totals import plant_hours, with_consumption
from heliograph.store.base import Bucket, DirtyDay, Rows
from heliograph.store.buckets import (
    NO_DEVICE,
    Buckets,
    count_days,
    encode_hours,
    put,
    read_hours,
    read_one,
    summed,
    total,
)
from heliograph.store.declared import declared_wh, has_chain
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier
from heliograph.store.sealed import Tiers
from heliograph.store.sqlite import Database

BATCH = 48
"""Device-days folded before the lock is given up."""
PART = 4
"""Device-days written by one job, so that callers' records do not wait long behind it."""


class FoldedDay(msgspec.Struct, frozen=True):
    """A device's day, folded and not yet written."""

    device: Device
    fold: DayFold
    before: dict[str, float]
    """The counters' last readings before the day."""
    old_carry: dict[str, float]
    """The readings that the day handed on until now."""
    marks: tuple[DirtyDay, ...]


class Folding:
    """Keeps buckets true to the samples."""

    def __init__(
        self, database: Database, registry: Registry, hot: HotTier, tiers: Tiers, buckets: Buckets, config: RollupConfig
    ) -> None:
        self._database, self._registry = database, registry
        self._hot, self._tiers, self._buckets = hot, tiers, buckets
        self.config = config
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Fold whatever is marked, for ever."""
        while True:
            if not await self.fold_some():
                await asyncio.sleep(self.config.fold_every_s)

    async def fold_some(self) -> int:
        """Fold a batch of the oldest marked days; returns how many."""
        async with self._lock:
            if not self._hot.any_dirty():
                return 0
            days = await self._database.write(lambda _: self._hot.dirty(BATCH))
            await self._fold(days)
            return len(days)

    async def fold_all(self) -> int:
        """Fold until nothing is marked; returns how many device-days were folded."""
        total = 0
        while folded := await self.fold_some():
            total += folded
        return total

    async def settle(self, device_ids: set[int], until_day: int) -> None:
        """Fold every marked day of these devices up to a day, so that a reader sees the truth."""
        while self._hot.has_dirty(until_day, device_ids):
            async with self._lock:
                days = await self._database.write(lambda _: self._hot.dirty_until(until_day, device_ids))
                for start in range(0, len(days), BATCH):
                    await self._fold(days[start : start + BATCH])

    async def _fold(self, days: Sequence[DirtyDay]) -> None:
        by_day: dict[int, dict[int, list[DirtyDay]]] = {}
        orphans: list[DirtyDay] = []
        for mark in days:
            device = self._registry.devices.get(mark.device_id)
            if device is None or device.plant_id not in self._registry.plants:
                orphans.append(mark)
                continue
            by_day.setdefault(mark.day, {}).setdefault(device.plant_id, []).append(mark)
        if orphans:
            await self._database.write(lambda rows: _clear(rows, orphans))
        # A day starts from the carry of the one before: days strictly in order, the plants of one day together.
        for day in sorted(by_day):
            jobs = []
            for plant_id, marks in by_day[day].items():
                jobs.append(asyncio.ensure_future(self._fold_plant_day(self._registry.plants[plant_id], day, marks)))
            await asyncio.gather(*jobs)

    async def _fold_plant_day(self, plant: Plant, day: int, marks: list[DirtyDay]) -> None:
        tz = zone(plant.zone)
        starts = np.array(hour_starts(day, tz), np.int64)
        members = [self._registry.devices[i] for i in self._registry.plant_devices.get(plant.id, [])]
        marked = {mark.device_id: mark for mark in marks}
        light_changed = any(self._registry.devices[i].kind is DeviceKind.WEATHER_STATION for i in marked)
        wanted = [d for d in members if d.id in marked or (light_changed and d.kind in INVERTERS)]
        irradiance = self._irradiance(members, starts) if any(d.kind in INVERTERS for d in wanted) else None
        folded: list[FoldedDay] = []
        for device in wanted:
            folded.append(self._fold_device(plant, device, starts, irradiance, marked.get(device.id)))
            await asyncio.sleep(0)
        for start in range(0, len(folded), PART):
            keep = partial(self._keep, plant=plant, starts=starts, folded=folded[start : start + PART])
            await self._database.write(keep, weight=150 * PART, background=True)
        finish = partial(self._finish, plant=plant, starts=starts, marks=[m for item in folded for m in item.marks])
        await self._database.write(finish, weight=300 + 10 * len(members), background=True)

    def _irradiance(self, members: Iterable[Device], starts: Instants) -> Irradiance | None:
        for device in members:
            if device.kind is DeviceKind.WEATHER_STATION and not device.disabled:
                series = self._tiers.series(device.id, int(starts[0]), int(starts[-1]) + 1, (levels.IRRADIANCE,))
                values = series.columns.get(levels.IRRADIANCE)
                if values is not None:
                    return Irradiance(series.at_ms, values)
        return None

    def _fold_device(
        self, plant: Plant, device: Device, starts: Instants, light: Irradiance | None, mark: DirtyDay | None
    ) -> FoldedDay:
        reach_ms = self.config.max_gap_s * 1000
        since, until = int(starts[0]), int(starts[-1])
        # Every sample counts as received, so a device that is not totalled is read with one key, for its times alone.
        keys = levels.keys(device) or (levels.IRRADIANCE,)
        series = self._tiers.series(device.id, since - reach_ms, until + reach_ms + 1, keys)
        carry = self._buckets.carry_before(plant.id, device.id, since)
        self._derive(device, series)
        fold = fold_day(
            series, starts, levels.rules(device), carry, self.config, light if device.kind in INVERTERS else None
        )
        old = self._buckets.carry_at(plant.id, device.id, since)
        return FoldedDay(device, fold, carry, old, (mark,) if mark else ())

    def _derive(self, device: Device, series: Series) -> None:
        """Fill in the powers that a rule needs and nothing tells, from other readings of the device."""
        if not len(series.at_ms):
            return
        since, until = int(series.at_ms[0]), int(series.at_ms[-1]) + 1
        for rule in levels.rules(device):
            told = (*rule.counters, rule.daily, rule.power)
            parts = sources(rule.power)
            if not parts or any(_tells(series, key) for key in told):
                continue
            again = self._tiers.series(device.id, since, until, parts)
            if len(again.at_ms) != len(series.at_ms):
                return  # a record came between the two looks: the day is marked again
            power = derive(rule.power, again.columns)
            if power is not None:
                series.columns[rule.power] = power

    def _still(self, plant: Plant) -> bool:
        """Whether a plant's days are still those that were read; else they are marked anew."""
        held = self._registry.plants.get(plant.id)
        return held is not None and held.zone == plant.zone

    def _keep(self, rows: Rows, plant: Plant, starts: Instants, folded: list[FoldedDay]) -> None:
        """Write some devices' day. Their marks stay until the plant's own totals are written too."""
        if not self._still(plant):
            return
        for item in folded:
            values = self._device_day(rows, plant, item, starts)
            # A day without any quantity is kept only where it hands on a reading that no day before it had.
            carry = item.fold.carry if values or item.fold.carry != item.before else {}
            self._keep_day(rows, plant, item.device, starts, item.fold.hours, Bucket(Level.DAY, 0, values, carry))
            if item.fold.carry != item.old_carry:
                following = self._buckets.next_day(plant.id, item.device.id, int(starts[-1]))
                if following is not None:
                    self._hot.mark({day_of(following, zone(plant.zone)): {item.device.id}}, rows)

    def _finish(self, rows: Rows, plant: Plant, starts: Instants, marks: list[DirtyDay]) -> None:
        """Write the plant's day from its devices', and clear the marks."""
        if not self._still(plant):
            return
        members = [self._registry.devices[i] for i in self._registry.plant_devices.get(plant.id, [])]
        since = int(starts[0])
        by_device = {d.id: read_hours(rows, plant.id, d.id, since) for d in members}
        hours = plant_hours(plant, members, by_device, starts, zone(plant.zone))
        values = {name: total(column) for name, column in hours.items()}
        hours, values = with_consumption(hours, self._plant_day(rows, plant, members, since, values))
        self._keep_day(rows, plant, None, starts, hours, Bucket(Level.DAY, 0, values))
        _clear(rows, marks)

    @staticmethod
    def _device_day(rows: Rows, plant: Plant, item: FoldedDay, starts: Instants) -> dict[str, float]:
        """A device's day: what its hours add up to, and the total that was reported of it."""
        values = {name: total(column) for name, column in item.fold.hours.items()}
        if not has_chain(rows, item.device.id):
            return values
        on = local(int(starts[0]), zone(plant.zone)).date().isoformat()
        slots = int(starts[-1] - starts[0]) // max(SLOT_MS, item.device.interval_s * 1000)
        gap = slots - values.get(RECEIVED, 0.0) >= MISSING_SLOTS
        return with_declared(values, declared_wh(rows, item.device.id, on), item.device.reported, gap=gap)

    @staticmethod
    def _plant_day(
        rows: Rows, plant: Plant, members: Sequence[Device], since: int, values: dict[str, float]
    ) -> dict[str, float]:
        """A plant's day, with the totals that were reported of its devices."""
        if not any(has_chain(rows, device.id) for device in members):
            return values
        days = {device.id: read_one(rows, plant.id, device.id, Level.DAY, since) for device in members}
        return plant_period(plant, members, days, values) if any(DECLARED in day for day in days.values()) else values

    def _plant_month(
        self, rows: Rows, plant: Plant, span: tuple[int, int], values: dict[str, float]
    ) -> dict[str, float]:
        """A plant's month, with the months that were reported of its devices as a whole."""
        members = [self._registry.devices[i] for i in self._registry.plant_devices.get(plant.id, [])]
        on = local(span[0], zone(plant.zone)).date().isoformat()[:7]
        stated = [d for d in members if has_chain(rows, d.id) and declared_wh(rows, d.id, on) is not None]
        if not stated:
            return values
        months = {d.id: read_one(rows, plant.id, d.id, Level.MONTH, span[0]) for d in members}
        days = {d.id: summed(rows, plant.id, d.id, Level.DAY, *span) for d in members}
        return plant_month(plant, members, months, days, values)

    def _keep_day(
        self, rows: Rows, plant: Plant, device: Device | None, starts: Instants, hours: dict[str, Floats], day: Bucket
    ) -> None:
        """Write a day of a device, or of the plant, its hours, and the month and year that it is part of."""
        since, tz = int(starts[0]), zone(plant.zone)
        owner = NO_DEVICE if device is None else device.id
        body = encode_hours(starts, hours) if hours else None
        put(rows, plant.id, owner, Bucket(Level.HOUR, since, {}), body)
        put(rows, plant.id, owner, Bucket(Level.DAY, since, day.values, day.carry))
        for part, level in ((Level.DAY, Level.MONTH), (Level.MONTH, Level.YEAR)):
            begin, end = period(level, since, tz)
            values = summed(rows, plant.id, owner, part, begin, end)
            if level is Level.MONTH:
                values = self._month(rows, plant, device, (begin, end), values)
            put(rows, plant.id, owner, Bucket(level, begin, values))

    def _month(
        self, rows: Rows, plant: Plant, device: Device | None, span: tuple[int, int], values: dict[str, float]
    ) -> dict[str, float]:
        """A month with the total that was reported of it as a whole, or of its devices."""
        if device is None:
            return self._plant_month(rows, plant, span, values)
        if not has_chain(rows, device.id):
            return values
        tz = zone(plant.zone)
        first, after = day_of(span[0], tz), day_of(span[1], tz)
        stated = declared_wh(rows, device.id, local(span[0], tz).date().isoformat()[:7])
        gap = count_days(rows, plant.id, device.id, span, PRODUCTION) < after - first
        return with_declared(values, stated, device.reported, gap=gap)


def _tells(series: Series, key: str) -> bool:
    """Whether a series holds any reading of a key."""
    values = series.columns.get(key)
    return values is not None and not np.isnan(values).all()


def _clear(rows: Rows, marks: Iterable[DirtyDay]) -> None:
    rows.executemany(
        "DELETE FROM dirty WHERE device = ? AND day = ? AND seq = ?",
        [(mark.device_id, mark.day, mark.seq) for mark in marks],
    )


def touched_days(at_ms: Sequence[int], tz_name: str, reach_ms: int) -> set[int]:
    """The local days that records at these instants touch: their own, and the neighbour's within reach."""
    tz = zone(tz_name)
    days: set[int] = set()
    for at in {min(at_ms), max(at_ms)} if max(at_ms) - min(at_ms) < reach_ms else at_ms:
        days.update((day_of(at - reach_ms, tz), day_of(at, tz), day_of(at + reach_ms, tz)))
    return days
