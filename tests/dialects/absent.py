"""What a hub in memory need not have: asking for it is a failure of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.model.access import Caller
    from heliograph.model.alarms import Alarm, AlarmStatus
    from heliograph.model.commands import Argument, Command
    from heliograph.model.devices import Device
    from heliograph.model.firmware import Firmware
    from heliograph.model.plants import Plant
    from heliograph.model.samples import Block
    from heliograph.model.settings import Setting
    from heliograph.protocol.hub import (
        AliasScheme,
        Commands,
        Gap,
        Grants,
        Ingested,
        Ledger,
        Once,
        Tallies,
        Tokens,
    )


class Absent:
    """What a fake of `protocol.hub.Hub` leaves out; a fake overrides that which its dialect uses."""

    @property
    def tokens(self) -> Tokens:
        """See the contract."""
        raise NotImplementedError

    @property
    def tallies(self) -> Tallies:
        """See the contract."""
        raise NotImplementedError

    @property
    def limited(self) -> bool:
        """See the contract."""
        return True

    @property
    def grants(self) -> Grants:
        """See the contract."""
        raise NotImplementedError

    @property
    def commands(self) -> Commands:
        """See the contract."""
        raise NotImplementedError

    @property
    def ledger(self) -> Ledger:
        """See the contract."""
        raise NotImplementedError

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """See the contract."""
        return {}

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """See the contract."""
        raise NotImplementedError

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """See the contract."""
        raise NotImplementedError

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """See the contract."""
        raise NotImplementedError

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """See the contract."""
        raise NotImplementedError

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """See the contract."""
        raise NotImplementedError

    async def ingest(
        self, caller: Caller, blocks: Sequence[Block], *, source: str, once: Once | None = None
    ) -> Ingested:
        """See the contract."""
        raise NotImplementedError

    async def gaps(self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int) -> list[Gap]:
        """See the contract."""
        raise NotImplementedError

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """See the contract."""
        raise NotImplementedError

    async def report_alarms(self, caller: Caller, alarms: Sequence[Alarm]) -> int:
        """See the contract."""
        raise NotImplementedError

    async def handle_alarm(
        self, caller: Caller, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, note: str = ""
    ) -> Alarm:
        """See the contract."""
        raise NotImplementedError

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """See the contract."""
        raise NotImplementedError

    async def audit(self, caller: Caller, action: str, detail: str = "") -> None:
        """See the contract."""
        raise NotImplementedError


class AbsentCommands:
    """What a fake of `protocol.hub.Commands` leaves out."""

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """See the contract."""
        raise NotImplementedError

    async def settings(self, caller: Caller, device_id: int) -> Mapping[str, Setting]:
        """See the contract."""
        raise NotImplementedError

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """See the contract."""
        raise NotImplementedError

    async def get(self, caller: Caller, command_id: int) -> Command:
        """See the contract."""
        raise NotImplementedError

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """See the contract."""
        raise NotImplementedError

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """See the contract."""
        raise NotImplementedError

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """See the contract."""
        raise NotImplementedError
