"""The contract between a dialect and the hub. A facade sees nothing else of what lies below."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from heliograph.clock import Clock, Level
from heliograph.model.access import Caller, Credential
from heliograph.model.alarms import Alarm
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.model.samples import Block, Latest, Series

Subject = Literal["plant", "device"]


class AliasScheme(msgspec.Struct, frozen=True):
    """How a dialect names plants or devices.

    `mint(id, attempt)` proposes a wire id for the hub's id; attempt counts up from 0 while proposals are taken.
    `scope` keeps apart ids that a vendor keeps apart.
    """

    dialect: str
    subject: Subject
    mint: Callable[[int, int], str]
    scope: str = ""


class Once(msgspec.Struct, frozen=True):
    """A mark that must never be accepted twice, kept in the same transaction as what it came with.

    `key` is what must not repeat, `expires_at_ms` when the request would be too old anyway.
    """

    key: str
    expires_at_ms: int


class Ingested(msgspec.Struct, frozen=True):
    """What became of records: `accepted` new ones, `duplicates` already held, `corrected` ones that changed a value."""

    accepted: int
    duplicates: int = 0
    corrected: int = 0


class Gap(msgspec.Struct, frozen=True):
    """A stretch without samples. `missing` is how many were expected in it."""

    device_id: int
    since_ms: int
    until_ms: int
    missing: int


class Hub(Protocol):
    """What a facade can ask. Everything is seen through a Caller: another tenant's things do not exist."""

    clock: Clock
    """The plant clock: dates samples and calendars."""
    wall: Clock
    """The wall clock: dates signatures, sessions and limits."""

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential with this public name, disabled and expired ones too; None when there is none."""
        ...

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """The plants the caller sees, by id; with `ids` those of them only."""
        ...

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of these plants, or of all the caller sees, by id."""
        ...

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Keep a plant; id 0 makes a new one. Raises ForbiddenError without the scope `admin`."""
        ...

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Keep a device; id 0 makes a new one. Raises ForbiddenError without the scope `admin`."""
        ...

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """The plant behind each wire id; None where there is none for this caller."""
        ...

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """The device behind each wire id; None where there is none for this caller."""
        ...

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """The wire id of each plant or device, minted once and remembered."""
        ...

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """Keep samples; returns after they are safe on disk. All or nothing.

        Raises UnknownDeviceError, BadRequestError for instants out of range, ReplayError when `once` was seen,
        StoreError when nothing could be kept.
        """
        ...

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """The newest readings of each device, in the order asked."""
        ...

    def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """The samples of each device with since <= at < until, device by device in the order asked."""
        ...

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """The buckets that start within the span, folded anew where late data touched them, in the order asked."""
        ...

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """Where samples are missing, device by device, oldest first."""
        ...

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """The alarms raised within the span, oldest first."""
        ...

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """Keep alarms; the same device, code and start again updates its end. Returns how many were new."""
        ...

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """Write a line of the audit trail."""
        ...
