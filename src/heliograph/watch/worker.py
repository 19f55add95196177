"""The worker that looks after every device: it raises alarms, and clears them when their reason is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from heliograph.clock import HOUR_MS, Clock
from heliograph.model.alarm_texts import DATA_MISSING, SILENT
from heliograph.model.alarms import Alarm
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.store.alarms import Alarms
from heliograph.store.base import Rows
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier
from heliograph.store.sealed import Tiers
from heliograph.store.sqlite import Database
from heliograph.watch.past import Past, alarm_of
from heliograph.watch.rules import Condition, conditions, silence_ms

REVIEW_LOOKS = 20
"""Of this many looks one goes through the past too."""
THOROUGH_REVIEWS = 12
"""Of this many reviews one goes as far back as late data may come."""
PART = 200
"""For how many devices alarms are written together."""
TURN_S = 0.005
"""How long devices are looked at before others get their turn. [s]"""
REST = 9
"""How many times as long as it works the worker rests at least."""
MARK = "watched"
"""Under this name stands up to when the past was gone through."""


class WatchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the fleet is watched."""

    every_s: float = 15.0
    """How often every device is looked at. [s]"""
    silent_after_s: float = 1800.0
    """How long a device is silent before an alarm says so; three of its intervals at least. [s]"""
    gaps_back_h: float = 48.0
    """How far back late data can still show what was wrong. [h]"""


class Watch:
    """Keeps the alarms that the hub finds itself true to what the devices say."""

    def __init__(
        self, database: Database, registry: Registry, hot: HotTier, tiers: Tiers, alarms: Alarms, clock: Clock,
        config: WatchConfig,
    ) -> None:  # fmt: skip
        self._database, self._registry = database, registry
        self._hot, self._alarms = hot, alarms
        self.clock, self.config = clock, config
        """`clock` tells up to when samples can have come: a simulation that lags behind puts its own here."""
        self._past = Past(tiers, alarms, config.silent_after_s)
        self._standing: dict[int, dict[str, int]] = {}
        """By device, what was wrong when it was looked at last, with the start of its alarm. [ms]"""
        self._away: tuple[int, int] | None = None
        """From when to when nobody listened, before this start. [ms]"""
        self._turn_s = 0.0

    async def run(self) -> None:
        """Look after the fleet, for ever."""
        looks = 0
        self.begin()
        while True:
            begun_s = time.monotonic()
            await self.look()
            if looks % REVIEW_LOOKS == 0:
                await self.catch_up(thorough=looks % (REVIEW_LOOKS * THOROUGH_REVIEWS) == 0)
            looks += 1
            await asyncio.sleep(max(self.config.every_s, REST * (time.monotonic() - begun_s)))

    def begin(self) -> None:
        """Begin to listen now: what was not heard while nobody listened is not held against a device at once."""
        mark_ms = self._mark()
        self._away = None if mark_ms is None else (mark_ms, self.clock.now_ms())

    def _mark(self) -> int | None:
        """Up to when the past was gone through; None if it never was. [ms]"""
        found = self._database.query(f"SELECT value FROM meta WHERE key = '{MARK}'")  # noqa: S608  a name of ours
        return int(found[0][0]) if found else None

    def _listened(self, device: Device, counted_ms: int, now_ms: int) -> bool:
        """Whether a silence was heard as one: while the hub was there, or for as long again as it was not."""
        if self._away is None or counted_ms <= self._away[0]:
            return True
        left_ms, back_ms = self._away
        return now_ms >= back_ms + min(back_ms - left_ms, silence_ms(device, self.config.silent_after_s))

    def _devices(self, among: Iterable[int] | None = None) -> Iterator[tuple[Device, Plant]]:
        """Every device that takes part, or those of them among some, with its plant."""
        for number in list(self._registry.devices if among is None else among):
            device = self._registry.devices.get(number)
            plant = self._registry.plants.get(device.plant_id) if device is not None else None
            if device is not None and plant is not None and not plant.disabled and not device.disabled:
                yield device, plant

    async def _give_way(self) -> None:
        """Let others have their turn when this one's is over."""
        if time.monotonic() - self._turn_s > TURN_S:
            await asyncio.sleep(0)
            self._turn_s = time.monotonic()

    def _known(self, device_id: int) -> dict[str, int]:
        """What was wrong with a device before, also before a restart, with the start of its alarm. [ms]

        What a person cleared is among it while it lasts, so that it is not raised again.
        """
        standing = self._standing.get(device_id)
        if standing is None:
            newest = self._alarms.newest(device_id, watched=True)
            standing = {alarm.code: alarm.raised_at_ms for alarm in newest if alarm.until_ms is None}
            self._standing[device_id] = standing
        return standing

    async def look(self) -> int:
        """Look at every device once; returns how many alarms were raised or cleared.

        Raises StoreError when some could not be kept; the next look finds them again.
        """
        changed = 0
        waiting: list[Alarm] = []
        for device, plant in self._devices():
            await self._give_way()
            waiting.extend(self._look_at(device, plant, self._known(device.id)))
            if len(waiting) >= PART:
                changed += await self._keep(waiting)
                waiting = []
        return changed + await self._keep(waiting)

    async def _keep(self, alarms: Sequence[Alarm]) -> int:
        """Write alarms down and then believe in them; returns how many there are."""
        if alarms:
            await self._database.write(lambda rows: self._alarms.put(rows, alarms), weight=len(alarms), background=True)
        for alarm in alarms:
            standing = self._standing.get(alarm.device_id)
            if standing is None:
                continue  # it is asked for later
            if alarm.until_ms is None:
                standing[alarm.code] = alarm.raised_at_ms
            elif standing.get(alarm.code) == alarm.raised_at_ms:
                del standing[alarm.code]
        return len(alarms)

    def _look_at(self, device: Device, plant: Plant, standing: dict[str, int]) -> list[Alarm]:
        """What changed for a device."""
        (latest,) = self._hot.latest([device.id], again=False)
        if latest.at_ms is None:
            return []
        now_ms = self.clock.now_ms()
        counted_ms = self._past.counts_from(device, plant, latest.at_ms, now_ms)
        if counted_ms is None:
            found = conditions(device, latest)
        elif counted_ms < now_ms and self._listened(device, counted_ms, now_ms):
            found = [Condition(SILENT, counted_ms)]
        else:
            return []  # it is silent, but may be, or was not heard; what it said last may be over
        wrong = {condition.code: condition.since_ms for condition in found}
        new = [code for code in wrong if code not in standing]
        over = [] if counted_ms is not None else [code for code in standing if code not in wrong]
        changed: list[Alarm] = []
        for code in over:
            until_ms = self._past.ended(device, plant, code, standing[code], latest.at_ms)
            changed.append(alarm_of(device.id, code, standing[code], until_ms))
        for code in new:
            since_ms = wrong[code] if counted_ms is not None else self._past.began(device, code, wrong[code])
            changed.append(alarm_of(device.id, code, since_ms))
        return changed

    async def catch_up(self, *, thorough: bool) -> int:
        """Go through the past since it was gone through last, and thoroughly as far back as late data may come.

        Returns how many alarms were raised or cleared.
        """
        now_ms = self.clock.now_ms()
        back_ms = now_ms - int(self.config.gaps_back_h * HOUR_MS)
        mark_ms = self._mark()
        since_ms = back_ms if mark_ms is None else mark_ms - HOUR_MS
        changed = await self.review(min(since_ms, back_ms if thorough else now_ms), now_ms)

        def job(rows: Rows) -> None:
            rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (MARK, str(now_ms)))

        await self._database.write(job, background=True)
        return changed

    async def review(self, since_ms: int, until_ms: int) -> int:
        """Go through a span: what went wrong and is over, data that is missing, and gaps that were filled since.

        Returns how many alarms were raised or cleared.
        """
        changed = 0
        waiting: list[Alarm] = []
        for device, plant in self._devices():
            await self._give_way()
            waiting.extend(self._past.review(device, plant, since_ms, until_ms))
            if len(waiting) >= PART:
                changed += await self._keep(waiting)
                waiting = []
        changed += await self._keep(waiting)
        return changed + await self._fill(until_ms)

    async def _fill(self, now_ms: int) -> int:
        """Clear the alarms of missing data that has come."""
        filled: list[Alarm] = []
        for device, plant in self._devices(self._alarms.troubled(DATA_MISSING)):
            await self._give_way()
            filled.extend(
                msgspec.structs.replace(alarm, cleared_at_ms=max(now_ms, alarm.raised_at_ms))
                for alarm in self._alarms.open(device.id, DATA_MISSING)
                if self._past.filled(device, plant, alarm)
            )
        return await self._keep(filled)
