"""A hub in memory, just large enough for a facade: it answers from what the test put into its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import Clock, FixedClock, Level
from heliograph.errors import ForbiddenError, StoreError, UnknownPlantError
from heliograph.model.access import Caller, Credential, Secret, Token
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import METERS, Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Latest, Reading, Series
from tests.dialects.absent import Absent
from tests.dialects.foxess.fake_devices import HYBRID, METER, FakeDevices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from heliograph.model.alarms import Alarm
    from heliograph.model.samples import Block
    from heliograph.protocol.hub import AliasScheme, Gap, Ingested, Once, Subject

NOW_MS = 1_751_371_200_000
"""2025-07-01 12:00 UTC."""
SECRET = "0123456789abcdef"


class FakeTokens:
    """Tokens in memory."""

    def __init__(self) -> None:
        self.held: list[Token] = []

    async def keep(self, token: Token) -> None:
        """See the contract."""
        self.held.append(token)

    async def find(self, dialect: str, kind: str, secret: str) -> Token | None:
        """See the contract."""
        wanted = (dialect, kind, Token.digest_of(secret))
        return next((token for token in self.held if (token.dialect, token.kind, token.digest) == wanted), None)

    async def exchange(self, token: Token, made: Sequence[Token]) -> bool:
        """Not asked for by this dialect's readers."""
        raise NotImplementedError

    async def drop(self, dialect: str, credential_id: int, kind: str = "", *, family: str = "") -> int:
        """Not asked for by this dialect."""
        raise NotImplementedError


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
        self.held_tokens = FakeTokens()
        self.held_commands = FakeDevices()
        self.tallied = FakeTallies()
        self.held_to_limits = True
        self.settings: dict[str, Mapping[str, object]] = {}
        self.credentials: dict[str, Credential] = {}
        self.all_plants: dict[int, Plant] = {}
        self.all_devices: dict[int, Device] = {}
        self.aliases: dict[tuple[str, str], int] = {}
        self.newest: dict[int, Latest] = {}
        self.series: dict[int, Series] = {}
        self.all_buckets: dict[tuple[Subject, int, Level], BucketSeries] = {}
        self.all_alarms: list[Alarm] = []
        self.broken = False

    @property
    def tallies(self) -> FakeTallies:
        """See the contract."""
        return self.tallied

    @property
    def limited(self) -> bool:
        """See the contract."""
        return self.held_to_limits

    @property
    def tokens(self) -> FakeTokens:
        """See the contract."""
        return self.held_tokens

    @property
    def commands(self) -> FakeDevices:
        """See the contract."""
        return self.held_commands

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """See the contract."""
        return self.settings

    def add_credential(self, name: str = "home", account: int = 1, **more: object) -> Credential:
        """A credential that opens the whole account."""
        number = len(self.credentials) + 11
        base = Credential(id=number, account_id=account, dialect="foxess", name=name, secret=Secret(SECRET))
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

    def add_device(self, plant: Plant, kind: DeviceKind = DeviceKind.HYBRID_INVERTER, **more: object) -> Device:
        """A device of 8 kW with a serial number, unless told otherwise."""
        number = len(self.all_devices) + 1
        base = Device(
            id=number, plant_id=plant.id, kind=kind, name=kind.value, capacity_w=8000.0, serial=f"60KE{number:011d}"
        )
        self.all_devices[number] = msgspec.structs.replace(base, **more)
        if kind is DeviceKind.HYBRID_INVERTER:
            self.held_commands.equip(number, HYBRID)
        elif kind in METERS:
            self.held_commands.equip(number, METER)
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
        return self.credentials.get(name) if dialect == "foxess" else None

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
        if self.broken:
            raise StoreError("the database cannot be read")
        seen = {plant.id for plant in await self.plants(caller)}
        wanted = seen if plant_ids is None else seen & set(plant_ids)
        return [
            device
            for device in self.all_devices.values()
            if device.plant_id in wanted and (not device.disabled or "admin" in caller.scopes)
        ]

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Keep a plant."""
        if "admin" not in caller.scopes:
            raise ForbiddenError("this needs the scope admin")
        saved = plant if plant.id else msgspec.structs.replace(plant, id=len(self.all_plants) + 1)
        self.all_plants[saved.id] = saved
        return saved

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Keep a device."""
        if device.plant_id not in {plant.id for plant in await self.plants(caller)}:
            raise UnknownPlantError(f"there is no plant {device.plant_id}")
        self.all_devices[device.id] = device
        return device

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """By what was minted or given."""
        seen = {plant.id: plant for plant in await self.plants(caller)}
        return [seen.get(self.aliases.get((scheme.subject, wire), 0)) for wire in wires]

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """By what was minted or given."""
        seen = {device.id: device for device in await self.devices(caller)}
        return [seen.get(self.aliases.get((scheme.subject, wire), 0)) for wire in wires]

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """Minted once and remembered."""
        held = {number: wire for (subject, wire), number in self.aliases.items() if subject == scheme.subject}
        for number in ids:
            attempt = 0
            while number not in held:
                wire = scheme.mint(number, attempt)
                attempt += 1
                if (scheme.subject, wire) not in self.aliases:
                    held[number] = wire
                    self.aliases[scheme.subject, wire] = number
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

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """What the test has set."""
        return [
            alarm
            for alarm in self.all_alarms
            if alarm.device_id in device_ids
            and since_ms <= alarm.raised_at_ms < until_ms
            and not (active_only and alarm.cleared_at_ms is not None)
        ]

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
