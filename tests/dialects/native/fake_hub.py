"""A hub in memory, with two tenants, for tests of what a facade makes of it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
import numpy as np

from heliograph.clock import Clock, FixedClock, Level, instant_ms
from heliograph.errors import ConflictError, ForbiddenError, NotFoundError, UnknownDeviceError
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.alarms import NEXT_STATUSES, Alarm, AlarmStatus
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Block, Latest, Reading, Series
from heliograph.protocol.hub import Gap, Ingested, Once, Subject
from tests.dialects.absent import Absent
from tests.dialects.fake_alarms import alarms_raised
from tests.dialects.fake_hub import devices_seen, plants_seen
from tests.dialects.native.fake_services import FakeCommands, FakeLedger

Bag = dict[str, float | str]
NOW_MS = 1_782_043_200_000  # 2026-06-21T12:00:00Z, a summer noon in Berlin at 14:00


class FakeHub(Absent):
    """Plants 1 and 2 of account 10 in Berlin and New York, plant 3 of account 20; devices 7, 8 | 9 | 30."""

    def __init__(self) -> None:
        self.clock: Clock = FixedClock(NOW_MS)
        self.wall: Clock = FixedClock(NOW_MS)
        self.credentials: dict[str, Credential] = {}
        self.kept_plants = {
            1: Plant(id=1, account_id=10, name="Lakeside", zone="Europe/Berlin", capacity_w=10_000.0),
            2: Plant(id=2, account_id=10, name="Harbour", zone="America/New_York"),
            3: Plant(id=3, account_id=20, name="Elsewhere", zone="UTC"),
        }
        self.kept_devices = {
            7: Device(id=7, plant_id=1, kind=DeviceKind.INVERTER, name="Roof east"),
            8: Device(id=8, plant_id=1, kind=DeviceKind.GATEWAY, name="Logger"),
            9: Device(id=9, plant_id=2, kind=DeviceKind.METER, name="Main meter", interval_s=900),
            30: Device(id=30, plant_id=3, kind=DeviceKind.INVERTER, name="Foreign"),
        }
        self.samples: dict[tuple[int, int], Bag] = {}
        self.blocks: list[Block] = []
        self.sources: list[str] = []
        self.kept_alarms: dict[tuple[int, str, int], Alarm] = {}
        self.kept_gaps: list[Gap] = []
        self.kept_buckets: dict[tuple[Subject, int], dict[int, dict[str, float]]] = {}
        self.histories: list[tuple[int, int]] = []
        self.grant("reader", scopes=("read",))
        self.grant("all", scopes=("read", "write", "admin", "control"))
        self.notes: list[str] = []
        self.kept_commands = FakeCommands(NOW_MS)
        self.kept_ledger = FakeLedger()

    @property
    def commands(self) -> FakeCommands:
        """Commands in memory."""
        return self.kept_commands

    @property
    def ledger(self) -> FakeLedger:
        """A ledger in memory."""
        return self.kept_ledger

    def grant(
        self,
        name: str,
        *,
        scopes: tuple[str, ...] = ("read", "write"),
        plants: tuple[int, ...] | None = None,
        operations: tuple[str, ...] | None = None,
        expires_at_ms: int | None = None,
        disabled: bool = False,
    ) -> None:
        """Keep a credential of account 10 whose secret is `secret-of-` and its name."""
        self.credentials[name] = Credential(
            id=len(self.credentials) + 1,
            account_id=10,
            dialect="native",
            name=name,
            secret=Secret(f"secret-of-{name.replace('_', '-')}"),
            scopes=scopes,
            plants=plants,
            operations=operations,
            expires_at_ms=expires_at_ms,
            disabled=disabled,
        )

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential of this name."""
        return self.credentials.get(name) if dialect == "native" else None

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """The plants the caller sees."""
        return plants_seen(self.kept_plants.values(), caller, ids)

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices the caller sees."""
        return devices_seen(self.kept_devices.values(), caller, await self.plants(caller), plant_ids)

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Keep a plant."""
        _demand_admin(caller)
        saved = msgspec.structs.replace(plant, id=plant.id or max(self.kept_plants) + 1)
        self.kept_plants[saved.id] = saved
        return saved

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Keep a device."""
        _demand_admin(caller)
        saved = msgspec.structs.replace(device, id=device.id or max(self.kept_devices) + 1)
        self.kept_devices[saved.id] = saved
        return saved

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """Keep samples, all or nothing."""
        await self._demand(caller, [device for block in blocks for device in block.device_ids])
        self.blocks += blocks
        self.sources.append(source)
        accepted = duplicates = corrected = 0
        for device, at_ms, bag in (record for block in blocks for record in bags(block)):
            held = self.samples.get((device, at_ms))
            if held is None:
                accepted += 1
            elif all(held.get(key) == value for key, value in bag.items()):
                duplicates += 1
            else:
                corrected += 1
            self.samples[(device, at_ms)] = {**(held or {}), **bag}
        return Ingested(accepted, duplicates, corrected)

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """The newest readings."""
        await self._demand(caller, device_ids)
        found: list[Latest] = []
        for device in device_ids:
            readings: dict[str, Reading] = {}
            instants = sorted(at_ms for owner, at_ms in self.samples if owner == device)
            for at_ms in instants:
                readings.update({key: Reading(value, at_ms) for key, value in self.samples[(device, at_ms)].items()})
            found.append(Latest(device, instants[-1] if instants else None, readings))
        return found

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """The samples of each device, in at most 100 records a series."""
        self.histories.append((since_ms, until_ms))
        for device in device_ids:
            instants = sorted(at for owner, at in self.samples if owner == device and since_ms <= at < until_ms)
            for first in range(0, max(1, len(instants)), 100):
                some = instants[first : first + 100]
                yield series_of(device, some, [self.samples[(device, at_ms)] for at_ms in some], keys)

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """The buckets that were put there."""
        found: list[BucketSeries] = []
        for subject_id in ids:
            held = self.kept_buckets.get((subject, subject_id), {})
            starts = sorted(start for start in held if since_ms <= start < until_ms)
            names = sorted({name for start in starts for name in held[start]})
            columns = {name: np.array([held[start].get(name, math.nan) for start in starts]) for name in names}
            found.append(BucketSeries(subject_id, level, np.array(starts, np.int64), columns))
        return found

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """The gaps that were put there."""
        return [g for g in self.kept_gaps if g.device_id in device_ids and since_ms <= g.since_ms < until_ms]

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """The alarms raised within the span."""
        return alarms_raised(self.kept_alarms.values(), device_ids, since_ms, until_ms, active_only=active_only)

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """Keep alarms."""
        before = len(self.kept_alarms)
        self.kept_alarms.update({(alarm.device_id, alarm.code, alarm.raised_at_ms): alarm for alarm in alarms})
        return len(self.kept_alarms) - before

    async def handle_alarm(
        self, caller: Caller, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, note: str = ""
    ) -> Alarm:
        """Move an alarm on."""
        held = self.kept_alarms.get((device_id, code, raised_at_ms))
        if held is None:
            raise NotFoundError("there is no such alarm")
        if status not in NEXT_STATUSES[held.status]:
            raise ConflictError("that does not follow")
        cleared_at_ms = NOW_MS if status is AlarmStatus.CLEARED_BY_USER else None
        moved = msgspec.structs.replace(held, status=status, cleared_at_ms=cleared_at_ms)
        self.kept_alarms[(device_id, code, raised_at_ms)] = moved
        self.notes.append(note)
        return moved

    async def _demand(self, caller: Caller, device_ids: Sequence[int]) -> None:
        seen = {device.id for device in await self.devices(caller)}
        for device in device_ids:
            if device not in seen:
                raise UnknownDeviceError("there is no such device")


def _demand_admin(caller: Caller) -> None:
    if "admin" not in caller.scopes:
        raise ForbiddenError("needs the scope admin")


def bags(block: Block) -> list[tuple[int, int, Bag]]:
    """The records of a block: device, instant [ms], values by key without what is missing."""
    found: list[tuple[int, int, Bag]] = []
    for row, (device, at_ms) in enumerate(zip(block.device_ids, block.at_ms, strict=True)):
        cells = zip(block.keys, block.values[row].tolist(), strict=True)
        numbers = {key: value for key, value in cells if not math.isnan(value)}
        found.append((device, at_ms, {**numbers, **block.texts.get(row, {})}))
    return found


def series_of(device: int, instants: Sequence[int], held: Sequence[Bag], keys: Sequence[str] | None) -> Series:
    """Records as a series."""
    named = sorted({key for bag in held for key in bag if keys is None or key in keys})
    columns, texts = {}, {}
    for key in named:
        values = [bag.get(key) for bag in held]
        words = [value if isinstance(value, str) else None for value in values]
        numbers = [value if isinstance(value, float) else math.nan for value in values]
        if any(word is not None for word in words):
            texts[key] = words
        if not all(map(math.isnan, numbers)):
            columns[key] = np.array(numbers)
    return Series(device, np.array(instants, np.int64), columns, texts)


def utc_ms(text: str) -> int:
    """The instant of an ISO 8601 text with an offset. [ms since 1970, UTC]"""
    return instant_ms(datetime.fromisoformat(text))
