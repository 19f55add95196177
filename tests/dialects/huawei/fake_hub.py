"""A hub in memory, just large enough for a facade: it answers from what the test put into its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import Clock, FixedClock, Level
from heliograph.errors import ConflictError, NotFoundError, StoreError, UnsupportedError
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.buckets import BucketSeries
from heliograph.model.commands import Argument, Command, CommandState
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Latest, Reading, Series
from heliograph.model.settings import Setting
from tests.dialects.absent import Absent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from heliograph.errors import HubError
    from heliograph.model.alarms import Alarm
    from heliograph.model.firmware import Firmware
    from heliograph.model.samples import Block
    from heliograph.protocol.hub import AliasScheme, Gap, Ingested, Once, Subject

NOW_MS = 1_751_371_200_000
"""2025-07-01 12:00 UTC."""


class FakeCommands:
    """Implements `protocol.hub.Commands` as far as a facade that only submits and lists can tell."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub
        self.journal: list[Command] = []
        self.lifetimes: list[int] = []
        self.packages: dict[int, Firmware | HubError] = {}
        self.unreachable: set[int] = set()

    def settle(self, command: Command, **changes: object) -> None:
        """Move a command of the journal."""
        self.journal[command.id - 1] = msgspec.structs.replace(command, **changes)

    async def settings(self, caller: Caller, device_id: int) -> dict[str, Setting]:
        """No device has any."""
        raise UnsupportedError(f"device {device_id} has no settings")

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """Write a command down."""
        if self._hub.broken:
            raise StoreError("the database cannot be written")
        if device_id in self.unreachable:
            raise UnsupportedError("nothing carries commands to it")
        for held in self.journal:
            if key and held.key == key:
                if held.arguments != arguments:
                    raise ConflictError("the key belongs to another command")
                return held
        at_ms = self._hub.wall.now_ms()
        made = Command(
            id=len(self.journal) + 1, account_id=caller.account_id, device_id=device_id, key=key, name=name,
            arguments=dict(arguments), state=CommandState.ACCEPTED, accepted_at_ms=at_ms,
            expires_at_ms=at_ms + lifetime_s * 1000, changed_at_ms=at_ms,
        )  # fmt: skip
        self.journal.append(made)
        self.lifetimes.append(lifetime_s)
        return made

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """Newest first."""
        return [each for each in reversed(self.journal) if each.device_id in device_ids and name in ("", each.name)]

    async def get(self, caller: Caller, command_id: int) -> Command:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """What the test has set."""
        found = self.packages.get(device_id, NotFoundError("there is no package"))
        if isinstance(found, Exception):
            raise found
        return found


class FakeHub(Absent):
    """Implements `protocol.hub.Hub`; two accounts may share one hub."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.plant_clock, self.wall_clock = FixedClock(now_ms), FixedClock(now_ms)
        self.clock: Clock = self.plant_clock
        self.wall: Clock = self.wall_clock
        self.credentials: dict[str, Credential] = {}
        self.all_plants: dict[int, Plant] = {}
        self.all_devices: dict[int, Device] = {}
        self.newest: dict[int, Latest] = {}
        self.series: dict[int, Series] = {}
        self.all_buckets: dict[tuple[Subject, int, Level], BucketSeries] = {}
        self.all_alarms: list[Alarm] = []
        self.audited: list[str] = []
        self.broken = False
        self.fake_commands = FakeCommands(self)
        self.people: dict[str, set[str]] = {}

    @property
    def commands(self) -> FakeCommands:
        """A journal without devices."""
        return self.fake_commands

    def add_credential(self, name: str = "admin4", password: str = "Admin@1234", account: int = 1) -> Credential:
        """A credential that opens the whole account, commands too."""
        number = len(self.credentials) + 11
        made = Credential(
            id=number, account_id=account, dialect="huawei", name=name, secret=Secret(password),
            scopes=("read", "write", "control"),
        )  # fmt: skip
        self.credentials[name] = made
        return made

    def change_credential(self, name: str, **changes: object) -> None:
        """Replace attributes of a credential."""
        self.credentials[name] = msgspec.structs.replace(self.credentials[name], **changes)

    def add_plant(self, zone: str = "Asia/Shanghai", account: int = 1, **more: object) -> Plant:
        """A plant of 25.2 MW, unless told otherwise."""
        base = Plant(id=len(self.all_plants) + 1, account_id=account, name="plant", zone=zone, capacity_w=25.2e6)
        plant = msgspec.structs.replace(base, **more)
        self.all_plants[plant.id] = plant
        return plant

    def add_device(self, plant: Plant, kind: DeviceKind = DeviceKind.INVERTER, **more: object) -> Device:
        """A device of 30.24 kW, unless told otherwise."""
        base = Device(
            id=len(self.all_devices) + 1,
            plant_id=plant.id,
            kind=kind,
            name=kind.value,
            capacity_w=30_240.0,
            serial="S1",
        )
        device = msgspec.structs.replace(base, **more)
        self.all_devices[device.id] = device
        return device

    def read(self, device: Device, readings: Mapping[str, float | str], at_ms: int = NOW_MS) -> None:
        """Set the newest readings of a device."""
        named = {key: Reading(value, at_ms) for key, value in readings.items()}
        self.newest[device.id] = Latest(device.id, at_ms, named)

    def total(
        self, subject: Subject, subject_id: int, level: Level, starts: Sequence[int], **columns: Sequence[float]
    ) -> None:
        """Set the buckets of a plant or device."""
        arrays = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
        self.all_buckets[subject, subject_id, level] = BucketSeries(
            subject_id, level, np.array(starts, dtype=np.int64), arrays
        )

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential of a name."""
        return self.credentials.get(name) if dialect == "huawei" else None

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """The plants of the caller's account that its credential opens."""
        return [
            plant
            for plant in self.all_plants.values()
            if plant.account_id == caller.account_id
            and (caller.plants is None or plant.id in caller.plants)
            and (ids is None or plant.id in ids)
        ]

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of the caller's plants."""
        seen = {plant.id for plant in await self.plants(caller)}
        wanted = seen if plant_ids is None else seen & set(plant_ids)
        return [device for device in self.all_devices.values() if device.plant_id in wanted]

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """By minting again."""
        found = {scheme.mint(plant.id, 0): plant for plant in await self.plants(caller)}
        return [found.get(wire) for wire in wires]

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """By minting again."""
        found = {scheme.mint(device.id, 0): device for device in await self.devices(caller)}
        return [found.get(wire) for wire in wires]

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """The first proposal."""
        return [scheme.mint(each, 0) for each in ids]

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """What the test has set."""
        return [self.newest.get(each, Latest(each, None, {})) for each in device_ids]

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """What the test has set, cut to span and keys."""
        if self.broken:
            raise StoreError("the database cannot be read")
        for device_id in device_ids:
            series = self.series.get(device_id, Series(device_id, np.array([], dtype=np.int64), {}))
            within = (series.at_ms >= since_ms) & (series.at_ms < until_ms)
            wanted = [key for key in series.columns if keys is None or key in keys]
            yield Series(device_id, series.at_ms[within], {key: series.columns[key][within] for key in wanted})

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """What the test has set, cut to the span."""
        found: list[BucketSeries] = []
        for each in ids:
            series = self.all_buckets.get((subject, each, level))
            if series is None:
                series = BucketSeries(each, level, np.array([], dtype=np.int64), {})
            within = (series.since_ms >= since_ms) & (series.since_ms < until_ms)
            columns = {name: values[within] for name, values in series.columns.items()}
            found.append(BucketSeries(each, level, series.since_ms[within], columns))
        return found

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """What the test has set, oldest first."""
        return [
            alarm
            for alarm in sorted(self.all_alarms, key=lambda one: one.raised_at_ms)
            if alarm.device_id in device_ids
            and since_ms <= alarm.raised_at_ms < until_ms
            and not (active_only and alarm.cleared_at_ms is not None)
        ]

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """By contact and serial number."""
        return [serial in self.people.get(contact, set()) for serial in serials]

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """Remember the line."""
        if self.broken:
            raise StoreError("the database cannot be written")
        self.audited.append(f"{caller.credential_id} {action} {detail}")

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """Not asked for by this dialect."""
        raise NotImplementedError
