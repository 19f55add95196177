"""LocalHub: the contract of `protocol.hub` over this machine's store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from heliograph.clock import Clock, Level, WallClock, day_of, instant_ms, zone
from heliograph.commands.dispatch import Commands
from heliograph.commands.journal import Journal
from heliograph.config import Config
from heliograph.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    StoreError,
    UnknownDeviceError,
)  # fmt: skip
from heliograph.ledger.keeping import Ledger
from heliograph.model import kpi
from heliograph.model.access import Caller, Credential
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.model.samples import Block, Latest, Series
from heliograph.protocol.hub import AliasScheme, Gap, Ingested, Once, Subject
from heliograph.protocol.times import format_instant
from heliograph.rollup.refold import Refolding
from heliograph.rollup.worker import Folding, touched_days
from heliograph.store.alarms import Alarms
from heliograph.store.base import Records, Rows, Submission
from heliograph.store.buckets import NO_DEVICE, Buckets
from heliograph.store.firmware import Catalogue
from heliograph.store.grants import Grants
from heliograph.store.keyring import Keyring
from heliograph.store.names import Names
from heliograph.store.registry import Registry
from heliograph.store.samples import HotTier, pack
from heliograph.store.sealed import Tiers
from heliograph.store.sealing import Sealing
from heliograph.store.sight import Sights
from heliograph.store.sqlite import Database
from heliograph.store.tallies import Tallies
from heliograph.store.tokens import Tokens
from heliograph.watch.worker import Watch

DATABASE = "heliograph.db"
KEY = "heliograph.key"
FIRMWARE = "firmware"
"""The folder of the firmware catalogue's files."""
RESTART_S = 5.0
"""How long a worker that failed rests before it starts again. [s]"""
log = logging.getLogger("heliograph.hub")


class LocalHub:
    """The hub on one machine: opens the data directory, runs the workers, answers the contract."""

    def __init__(
        self, data: Path, config: Config | None = None, *, clock: Clock | None = None, wall: Clock | None = None
    ) -> None:
        self.config = config or Config()
        self.wall: Clock = wall or WallClock()
        self.clock: Clock = clock or self.wall
        self.database = Database(data / DATABASE, self.config.store)
        self.names = Names()
        self.hot = HotTier(self.database, self.names)
        self.tiers = Tiers(self.database, self.names)
        self.buckets_ = Buckets(self.database)
        self._load_names()
        self.registry = Registry(self.database, Keyring(data / KEY))
        self.database.after_rollback = self._after_rollback
        self.folding = Folding(self.database, self.registry, self.hot, self.tiers, self.buckets_, self.config.rollup)
        self.sealing = Sealing(
            self.database, self.registry, self.hot, self.tiers, self.clock,
            after_h=self.config.seal.after_h, every_s=self.config.seal.every_s,
        )  # fmt: skip
        self.refolding = Refolding(self.database, self.registry, self.hot, self.tiers)
        self.sights = Sights(self.registry)
        self.alarms_ = Alarms(self.database)
        self.watch = Watch(
            self.database, self.registry, self.hot, self.tiers, self.alarms_, self.clock, self.config.watch
        )
        self.journal = Journal(self.database, self.wall)
        self.firmware = Catalogue(self.database, data / FIRMWARE)
        self.commands = Commands(
            self.journal, self.registry, self.sights, self.firmware, self.wall, self.config.commands
        )
        self.tokens = Tokens(self.database, self.wall)
        self.grants = Grants(self.database, self.registry)
        self.tallies = Tallies(self.database)
        self.limited = self.config.serve.limits == "documented"
        self.ledger = Ledger(self.database, self.registry, self.sights, self.hot, self.clock, self.wall)
        self.dialect_settings = self.config.dialects
        self._earliest_ms = instant_ms(
            datetime.combine(date.fromisoformat(self.config.ingest.earliest), datetime.min.time(), UTC)
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self.worker_failures = 0

    def _load_names(self) -> None:
        self.names.load(self.database.query)

    def _after_rollback(self) -> None:
        self.hot.forget()
        self._load_names()
        self.registry.load()

    async def start(self) -> None:
        """Repair what an unclean stop left, and start the workers."""
        self.recover()
        self._writer = asyncio.create_task(self.database.run(), name="writer")
        await self.journal.recover()
        workers = {
            "folding": self.folding.run, "sealing": self.sealing.run, "housekeeping": self._housekeeping,
            "watch": self.watch.run, "commands": self.commands.run,
        }  # fmt: skip
        self._tasks = [asyncio.create_task(self._keep(name, work), name=name) for name, work in workers.items()]

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a worker for ever. What stops it is logged and counted, and it starts again after a pause."""
        while True:
            try:
                await work()
            except StoreError as error:
                log.warning("%s waits: %s", name, error)
            except Exception:
                log.exception("%s failed and starts again", name)
            self.worker_failures += 1
            await asyncio.sleep(RESTART_S)

    def recover(self) -> None:
        """After an unclean stop, make the newest readings again; refold what other rules made."""
        clean = self.database.query("SELECT value FROM meta WHERE key = 'clean'")
        if clean and clean[0][0] != "1":
            self.database.write_now(self.hot.recover)
        self.database.write_now(
            lambda rows: rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('clean', '0')")
        )
        self.database.write_now(self.refolding.refold_new_rules)
        self.database.write_now(self.refolding.refold_changed_zones)

    async def stop(self) -> None:
        """Finish what is queued, write down what is only in memory, close the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            try:
                await self.hot.flush()
                await self.database.write(self.tallies.flush)
                await self.database.write(
                    lambda rows: rows.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('clean', '1')")
                )
            except StoreError as error:
                log.warning("the next start has to repair: %s", error)
            self.database.finish()
            await self._writer
        self.grants.passwords.close()
        self.database.close()

    async def _housekeeping(self) -> None:
        """Every second: see what another process changed, write newest readings down, forget old marks."""
        beat = 0
        while True:
            await asyncio.sleep(1.0)
            beat += 1
            self.registry.refresh()
            self.names.refresh()
            if beat % 15 == 0 or self.hot.pending > 20_000:
                await self.hot.flush()
            if beat % 15 == 0 and self.tallies.changed:
                await self.database.write(self.tallies.flush)
            if beat % 60 == 0:
                minute = self.wall.now_ms() // 60_000
                await self.database.write(partial(_forget_once, minute=minute))
                await self.database.write(self.tokens.forget)

    # Access

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """See the contract. A credential of a disabled account is shown as disabled, a granted one as it stands."""
        found = self.registry.credentials.get((dialect, name))
        if found is None:
            return None
        account = self.registry.accounts.get(found.account_id)
        if account is None or account.disabled:
            return msgspec.structs.replace(found, disabled=True)
        return self.grants.as_it_stands(found)

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """See the contract."""
        seen = self.sights.plants(caller)
        return list(seen.values()) if ids is None else [seen[number] for number in ids if number in seen]

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """See the contract."""
        seen = self.sights.devices(caller)
        if plant_ids is None:
            return list(seen.values())
        return [
            seen[number]
            for plant in plant_ids
            for number in self.registry.plant_devices.get(plant, [])
            if number in seen
        ]

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """See the contract. A new zone folds the plant's whole history again.

        Raises BadRequestError for an unknown zone or profile of figures.
        """
        if "admin" not in caller.scopes:
            raise ForbiddenError("this needs the scope admin")
        zone(plant.zone)
        kpi.profile(plant.kpi_profile)
        if plant.id:
            held = self.sights.plant(caller, plant.id)
            plant = msgspec.structs.replace(plant, account_id=held.account_id)
            refold = (held.zone, held.tariff) != (plant.zone, plant.tariff)
        else:
            plant = msgspec.structs.replace(plant, account_id=caller.account_id)
            refold = False

        def job(rows: Rows) -> Plant:
            saved = self.registry.put_plant(rows, plant)
            if refold:
                self.refolding.refold(rows, saved.id)
            self._audit(rows, caller, "plant.saved", f"plant {saved.id}")
            return saved

        return await self.database.write(job)

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """See the contract. A new kind, role, rule or plant folds the whole history of the plants concerned again."""
        if "admin" not in caller.scopes:
            raise ForbiddenError("this needs the scope admin")
        self.sights.plant(caller, device.plant_id)
        held = self.sights.device(caller, device.id) if device.id else None

        def job(rows: Rows) -> Device:
            saved = self.registry.put_device(rows, device)
            if held is not None and _totalled(held) != _totalled(saved):
                for plant_id in {held.plant_id, saved.plant_id}:
                    self.refolding.refold(rows, plant_id)
            self._audit(rows, caller, "device.saved", f"device {saved.id}")
            return saved

        return await self.database.write(job)

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """See the contract."""
        by_wire = self.registry.by_wire(scheme)
        seen = self.sights.plants(caller)
        return [seen.get(by_wire.get(wire, 0)) for wire in wires]

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """See the contract."""
        by_wire = self.registry.by_wire(scheme)
        seen = self.sights.devices(caller)
        return [seen.get(by_wire.get(wire, 0)) for wire in wires]

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """See the contract."""
        held = self.registry.by_id(scheme)
        new = [number for number in ids if number not in held]
        if new:
            await self.database.write(lambda rows: self.registry.mint(rows, scheme, new))
            held = self.registry.by_id(scheme)
        return [held[number] for number in ids]

    # Samples

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """See the contract. What is disabled takes no samples, from nobody."""
        seen = self.sights.of(caller).devices
        records: list[Records] = []
        dirty: dict[int, set[int]] = {}
        for block in blocks:
            if not len(block.at_ms):
                continue
            self._check(block, seen)
            self._touch(block, seen, dirty)
            records.append(pack(block))
        return await self.hot.append(Submission(records, dirty, once, source, caller.account_id))

    def _check(self, block: Block, seen: dict[int, Device]) -> None:
        for device_id in set(block.device_ids) - seen.keys():
            raise UnknownDeviceError(f"there is no device {device_id}", device=str(device_id))
        first, last = min(block.at_ms), max(block.at_ms)
        latest_ms = self.clock.now_ms() + self.config.ingest.max_future_s * 1000
        if first < self._earliest_ms or last > latest_ms:
            bad_ms = first if first < self._earliest_ms else last
            device_id = block.device_ids[block.at_ms.index(bad_ms)]
            early = bad_ms < self._earliest_ms
            where = f"before {self.config.ingest.earliest}" if early else "too far in the future"
            raise BadRequestError(
                f"the time {format_instant(bad_ms)} of a record lies {where}",
                field="time", device=str(device_id),
            )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            total = block.values.sum()
        if not np.isfinite(total) and np.isinf(block.values).any():
            row, column = np.argwhere(np.isinf(block.values))[0].tolist()
            raise BadRequestError(
                f"{block.keys[column]} is not a finite number",
                field=block.keys[column],
                device=str(block.device_ids[row]),
            )

    def _touch(self, block: Block, seen: dict[int, Device], dirty: dict[int, set[int]]) -> None:
        reach_ms = self.config.rollup.max_gap_s * 1000
        zones: dict[str, set[int]] = {}
        for device_id in set(block.device_ids):
            zones.setdefault(self.registry.plants[seen[device_id].plant_id].zone, set()).add(device_id)
        spread = max(block.at_ms) - min(block.at_ms) >= reach_ms
        for name, devices in zones.items():
            if not spread or (len(devices) == 1 and len(zones) == 1):
                for day in touched_days(block.at_ms, name, reach_ms):
                    dirty.setdefault(day, set()).update(devices)
                continue
            for device_id, at_ms in zip(block.device_ids, block.at_ms, strict=True):
                if device_id in devices:
                    for day in touched_days((at_ms,), name, reach_ms):
                        dirty.setdefault(day, set()).add(device_id)

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """See the contract."""
        for device_id in device_ids:
            self.sights.device(caller, device_id)
        return self.hot.latest(device_ids)

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """See the contract."""
        for device_id in device_ids:
            self.sights.device(caller, device_id)
        for device_id in device_ids:
            yield self.tiers.series(device_id, since_ms, until_ms, keys)
            await asyncio.sleep(0)

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """See the contract."""
        if subject == "plant":
            places = [(self.sights.plant(caller, number).id, NO_DEVICE) for number in ids]
        else:
            places = [(self.sights.device(caller, number).plant_id, number) for number in ids]
        concerned = {number for plant, _ in places for number in self.registry.plant_devices.get(plant, [])}
        # A day later than UTC's covers every zone; a marked day before the span can hand its counters on into it.
        await self.folding.settle(concerned, day_of(until_ms, zone("UTC")) + 1)
        return [self.buckets_.read(plant, device, level, since_ms, until_ms) for plant, device in places]

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """See the contract. A gap is longer than one and a half of the device's interval; the future is no gap."""
        found: list[Gap] = []
        until_ms = min(until_ms, self.clock.now_ms())
        for device_id in device_ids:
            interval_ms = self.sights.device(caller, device_id).interval_s * 1000
            at_ms = self.tiers.instants(device_id, since_ms, until_ms)
            edges = np.concatenate(([since_ms - interval_ms], at_ms, [until_ms]))
            width = np.diff(edges)
            for index in np.flatnonzero(width > interval_ms * 1.5).tolist():
                since, until = int(edges[index]) + interval_ms, int(edges[index + 1])
                found.append(Gap(device_id, since, until, max(1, round((until - since) / interval_ms))))
            await asyncio.sleep(0)
        return found

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """See the contract."""
        for device_id in device_ids:
            self.sights.device(caller, device_id)
        return self.alarms_.find(device_ids, since_ms, until_ms, active_only=active_only)

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """See the contract."""
        for alarm in alarms:
            self.sights.device(caller, alarm.device_id)
        return await self.database.write(lambda rows: self.alarms_.put(rows, alarms), weight=len(alarms))

    async def handle_alarm(
        self, caller: Caller, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, note: str = ""
    ) -> Alarm:
        """See the contract. CLEARED is for devices to say."""
        device = self.sights.device(caller, device_id)
        if "write" not in caller.scopes:
            raise ForbiddenError("this needs the scope write")
        if status is AlarmStatus.CLEARED:
            raise ConflictError("only the device itself can tell that an alarm is over; clear it as a user")
        now_ms = self.clock.now_ms()
        detail = f"alarm {code} of device {device.id} from {format_instant(raised_at_ms)}"
        if note:
            detail = f"{detail}: {note}"

        def job(rows: Rows) -> Alarm:
            moved = self.alarms_.handle(rows, device_id, code, raised_at_ms, status, now_ms)
            action = f"alarm.{status.name.lower()}"
            self.registry.audit(rows, caller.account_id, caller.credential_id, action, detail)
            return moved

        return await self.database.write(job)

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """See the contract."""
        people = self.registry.people.values()
        found = [p for p in people if p.account_id == caller.account_id and not p.disabled and p.answers_to(contact)]
        theirs = {
            device.serial
            for device in self.sights.of(caller).devices.values()
            if any(person.plants is None or device.plant_id in person.plants for person in found)
        }
        return [bool(serial) and serial in theirs for serial in serials]

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """See the contract."""
        await self.database.write(lambda rows: self._audit(rows, caller, action, detail))

    def _audit(self, rows: Rows, caller: Caller, action: str, detail: str) -> None:
        self.registry.audit(rows, caller.account_id, caller.credential_id, action, detail)

    async def refold(self, plant_id: int) -> None:
        """Drop a plant's totals and fold its whole history anew."""
        await self.database.write(lambda rows: self.refolding.refold(rows, plant_id))


def _totalled(device: Device) -> tuple[object, ...]:
    """What its totals and its plant's depend on."""
    return device.kind, device.role, device.plant_id, device.reported


def _forget_once(rows: Rows, minute: int) -> None:
    """Drop replay marks whose requests would be too old by now anyway."""
    rows.execute("DELETE FROM once WHERE minute < ?", (minute,))
