"""A hub in memory, just large enough for a facade: it answers from what the test put into its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import Clock, FixedClock, Level
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Latest, Reading, Series
from tests.dialects.absent import Absent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from heliograph.errors import HubError
    from heliograph.model.alarms import Alarm
    from heliograph.model.samples import Block
    from heliograph.protocol.hub import AliasScheme, Gap, Ingested, Once, Subject

NOW_MS = 1_751_371_200_000
"""2025-07-01 12:00 UTC."""
SECRET = "0123456789abcdef0123456789abcdef"


class FakeTallies:
    """Counts in memory."""

    def __init__(self) -> None:
        self.counted: dict[tuple[str, int, str], int] = {}

    def used(self, dialect: str, account_id: int, period: str) -> int:
        """See the contract."""
        return self.counted.get((dialect, account_id, period), 0)

    def take(self, dialect: str, account_id: int, period: str, most: int) -> bool:
        """See the contract."""
        used = self.used(dialect, account_id, period)
        if used < most:
            self.counted[dialect, account_id, period] = used + 1
        return used < most

    def give_back(self, dialect: str, account_id: int, period: str) -> None:
        """See the contract."""
        self.counted[dialect, account_id, period] -= 1


class FakeHub(Absent):
    """Implements `protocol.hub.Hub`; two accounts may share one hub."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.plant_clock, self.wall_clock = FixedClock(now_ms), FixedClock(now_ms)
        self.clock: Clock = self.plant_clock
        self.wall: Clock = self.wall_clock
        self.tallied = FakeTallies()
        self.held_to_limits = True
        self.settings: dict[str, Mapping[str, object]] = {}
        self.credentials: dict[str, Credential] = {}
        self.all_plants: dict[int, Plant] = {}
        self.all_devices: dict[int, Device] = {}
        self.aliases: dict[tuple[str, str, str], int] = {}
        """Plants and devices by subject, scope and wire id."""
        self.newest: dict[int, Latest] = {}
        self.series: dict[int, Series] = {}
        self.all_buckets: dict[tuple[Subject, int, Level], BucketSeries] = {}
        self.broken: HubError | None = None
        """What every question of devices fails with."""

    @property
    def tallies(self) -> FakeTallies:
        """See the contract."""
        return self.tallied

    @property
    def limited(self) -> bool:
        """See the contract."""
        return self.held_to_limits

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """See the contract."""
        return self.settings

    def add_credential(self, name: str = "app", account: int = 1, **more: object) -> Credential:
        """A credential that opens the whole account."""
        number = len(self.credentials) + 11
        base = Credential(id=number, account_id=account, dialect="apsystems", name=name, secret=Secret(SECRET))
        self.credentials[name] = msgspec.structs.replace(base, **more)
        return self.credentials[name]

    def change_credential(self, name: str, **changes: object) -> None:
        """Replace attributes of a credential."""
        self.credentials[name] = msgspec.structs.replace(self.credentials[name], **changes)

    def add_plant(self, zone: str = "Europe/London", account: int = 1, **more: object) -> Plant:
        """A plant of 8 kW, unless told otherwise."""
        number = len(self.all_plants) + 1
        base = Plant(id=number, account_id=account, name=f"plant {number}", zone=zone, capacity_w=8000.0)
        self.all_plants[number] = msgspec.structs.replace(base, **more)
        return self.all_plants[number]

    def add_device(self, plant: Plant, kind: DeviceKind = DeviceKind.MICRO_INVERTER, **more: object) -> Device:
        """A device with a serial number that is none of this vendor, unless told otherwise."""
        number = len(self.all_devices) + 1
        base = Device(
            id=number, plant_id=plant.id, kind=kind, name=kind.value, capacity_w=8000.0, serial=f"SN{number:06d}"
        )
        self.all_devices[number] = msgspec.structs.replace(base, **more)
        return self.all_devices[number]

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

    def measure(
        self,
        device: Device,
        at_ms: Sequence[int],
        texts: Mapping[str, Sequence[str | None]] | None = None,
        **columns: Sequence[float],
    ) -> None:
        """Set the samples of a device; `__` in a name stands for the dot of a key."""
        arrays = {name.replace("__", "."): np.array(values, dtype=np.float64) for name, values in columns.items()}
        named = {key: list(words) for key, words in (texts or {}).items()}
        self.series[device.id] = Series(device.id, np.array(at_ms, dtype=np.int64), arrays, named)

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential of a name."""
        return self.credentials.get(name) if dialect == "apsystems" else None

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """The plants of the caller's account that its credential opens; disabled ones for an administrator."""
        return [
            plant
            for plant in self.all_plants.values()
            if plant.account_id == caller.account_id
            and (caller.plants is None or plant.id in caller.plants)
            and (ids is None or plant.id in ids)
            and (not plant.disabled or "admin" in caller.scopes)
        ]

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of the caller's plants."""
        if self.broken is not None:
            raise self.broken
        seen = {plant.id for plant in await self.plants(caller)}
        wanted = seen if plant_ids is None else seen & set(plant_ids)
        return [
            device
            for device in self.all_devices.values()
            if device.plant_id in wanted and (not device.disabled or "admin" in caller.scopes)
        ]

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """By what was minted or given."""
        seen = {plant.id: plant for plant in await self.plants(caller)}
        return [seen.get(self.aliases.get((scheme.subject, scheme.scope, wire), 0)) for wire in wires]

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """By what was minted or given."""
        seen = {device.id: device for device in await self.devices(caller)}
        return [seen.get(self.aliases.get((scheme.subject, scheme.scope, wire), 0)) for wire in wires]

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """Minted once and remembered."""
        kind = (scheme.subject, scheme.scope)
        held = {number: wire for (*of, wire), number in self.aliases.items() if tuple(of) == kind}
        for number in ids:
            attempt = 0
            while number not in held:
                wire = scheme.mint(number, attempt)
                attempt += 1
                if (*kind, wire) not in self.aliases:
                    held[number] = wire
                    self.aliases[*kind, wire] = number
        return [held[number] for number in ids]

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """What the test has set."""
        return [self.newest.get(each, Latest(each, None, {})) for each in device_ids]

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """What the test has set, cut to span and keys."""
        for device_id in device_ids:
            series = self.series.get(device_id, Series(device_id, np.array([], dtype=np.int64), {}))
            within = (series.at_ms >= since_ms) & (series.at_ms < until_ms)
            wanted = [key for key in series.columns if keys is None or key in keys]
            places = np.flatnonzero(within).tolist()
            texts = {key: [words[place] for place in places] for key, words in series.texts.items()}
            columns = {key: series.columns[key][within] for key in wanted}
            yield Series(device_id, series.at_ms[within], columns, texts)

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

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """Not asked for by this dialect."""
        raise NotImplementedError

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
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
