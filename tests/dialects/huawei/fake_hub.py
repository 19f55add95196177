"""A hub in memory as the facade of Huawei needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.errors import NotFoundError, StoreError, UnsupportedError
from heliograph.model.access import Caller
from heliograph.model.commands import Argument, Command
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Series
from heliograph.model.settings import Setting
from tests.dialects.absent import AbsentCommands
from tests.dialects.fake_alarms import AlarmedHub
from tests.dialects.fake_commands import accepted, given_before, newest_first
from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import Usual
from tests.dialects.fake_tallies import TalliedHub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from heliograph.errors import HubError
    from heliograph.model.firmware import Firmware
    from heliograph.protocol.hub import AliasScheme

__all__ = ["NOW_MS", "FakeCommands", "FakeHub"]


class FakeCommands(AbsentCommands):
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
        held = given_before(self.journal, key, device_id, name, arguments)
        if held is not None:
            return held
        number, at_ms = len(self.journal) + 1, self._hub.wall.now_ms()
        made = accepted(caller, number, device_id, name, arguments, key=key, at_ms=at_ms, lifetime_s=lifetime_s)
        self.journal.append(made)
        self.lifetimes.append(lifetime_s)
        return made

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """Newest first."""
        return newest_first(self.journal, device_ids, name)

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """What the test has set."""
        found = self.packages.get(device_id, NotFoundError("there is no package"))
        if isinstance(found, Exception):
            raise found
        return found


class FakeHub(TalliedHub, AlarmedHub):
    """Implements `protocol.hub.Hub`; wire ids are minted anew each time."""

    usual = Usual(
        dialect="huawei", credential="admin4", secret="Admin@1234", scopes=("read", "write", "control"),
        zone="Asia/Shanghai", plant="plant", plant_w=25.2e6, kind=DeviceKind.INVERTER, serial="S1", device_w=30_240.0,
    )  # fmt: skip

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.audited: list[str] = []
        self.broken = False
        self.fake_commands = FakeCommands(self)
        self.people: dict[str, set[str]] = {}

    @property
    def commands(self) -> FakeCommands:
        """A journal without devices."""
        return self.fake_commands

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

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """What the test has set, cut to span and keys."""
        if self.broken:
            raise StoreError("the database cannot be read")
        async for series in super().history(caller, device_ids, since_ms, until_ms, keys):
            yield series

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """By contact and serial number."""
        return [serial in self.people.get(contact, set()) for serial in serials]

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """Remember the line."""
        if self.broken:
            raise StoreError("the database cannot be written")
        self.audited.append(f"{caller.credential_id} {action} {detail}")
