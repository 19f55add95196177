"""The worker that seals days that are over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from heliograph.clock import DAY_MS, HOUR_MS, Clock, Level, period, zone
from heliograph.store.base import Rows
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier
from heliograph.store.sealed import Tiers
from heliograph.store.sqlite import Database

MERGE_AFTER_MS = 2 * DAY_MS
"""How much older than sealing demands a day is before it is merged; most late records have come by then. [ms]"""
SLACK_PAGES = 64
VACUUM_PAGES = 512


class Sealing:
    """Moves the records of ended days into chunks, a device-day at a time."""

    def __init__(
        self, database: Database, registry: Registry, hot: HotTier, tiers: Tiers, clock: Clock,
        *, after_h: float, every_s: float,
    ) -> None:  # fmt: skip
        self._database, self._registry = database, registry
        self._hot, self._tiers, self._clock = hot, tiers, clock
        self._after_ms = int(after_h * HOUR_MS)
        self._every_s = every_s

    async def run(self) -> None:
        """Seal what is due, for ever."""
        while True:
            await self.seal_due()
            await asyncio.sleep(self._every_s)

    async def seal_due(self, progress: Callable[[int], None] | None = None) -> int:
        """Seal every local day that ended long enough ago; returns how many records moved."""
        return await self.seal_until(self._clock.now_ms() - self._after_ms, progress)

    async def seal_until(self, limit_ms: int, progress: Callable[[int], None] | None = None) -> int:
        """Seal every local day that ended by an instant. `progress` hears how many records each step moved."""
        moved = 0
        for device_id in list(self._registry.devices):
            while (due := self._due(device_id, limit_ms)) is not None:
                step = await self._seal(device_id, due)
                moved += step
                if progress is not None:
                    progress(step)
                if step == 0:
                    break
            while (span := self._tiers.mergeable(device_id, limit_ms - MERGE_AFTER_MS)) is not None:
                await self._database.write(partial(self._tiers.merge, device_id, *span), weight=2500, background=True)
        await self._give_back()
        return moved

    async def _give_back(self) -> None:
        """Shrink the file when much of it is empty, a little at a time."""
        free, pages = self._database.empty_share()
        while free > max(pages // 32, SLACK_PAGES):
            await self._database.give_back(VACUUM_PAGES)
            before = free
            free, pages = self._database.empty_share()
            if free >= before:  # the file was made by a version that cannot shrink it, or the disk is too full for it
                break

    def _due(self, device_id: int, limit_ms: int) -> tuple[int, int] | None:
        oldest = self._tiers.oldest_hot(device_id)
        device = self._registry.devices.get(device_id)
        if oldest is None or device is None or device.plant_id not in self._registry.plants:
            return None
        since, until = period(Level.DAY, oldest, zone(self._registry.plants[device.plant_id].zone))
        return self._tiers.span(device_id, oldest, since, until) if until <= limit_ms else None

    async def _seal(self, device_id: int, span: tuple[int, int]) -> int:
        def job(rows: Rows) -> int:
            # The newest readings must not depend on records that leave the hot tier.
            self._hot.flush_device(rows, device_id, *span)
            return self._tiers.seal(device_id, *span, rows)

        return await self._database.write(job, weight=1500, background=True)

    def waiting(self, limit_ms: int) -> Iterator[int]:
        """The devices that have records to seal up to an instant."""
        return (device for device in self._registry.devices if self._due(device, limit_ms) is not None)
