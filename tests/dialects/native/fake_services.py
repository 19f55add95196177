"""Commands and a generation ledger in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from heliograph.errors import ConflictError, NotFoundError, RecordsError, UnsupportedError
from heliograph.ledger.checks import Limits, check
from heliograph.model.commands import Argument, Command, CommandState
from heliograph.model.firmware import Firmware
from heliograph.model.ledger import Declared, Kept, Receipt, Statement
from tests.dialects.fake_commands import accepted, given_before, newest_first

if TYPE_CHECKING:
    from heliograph.errors import HubError
    from heliograph.model.access import Caller
    from heliograph.model.settings import Setting

TODAY = date(2026, 6, 21)
PACKAGE = Firmware(
    id=1, model="HG-15", version="V2", file="hg15-v2.bin", sha256="ab" * 32, size=9, added_at_ms=0
)  # fmt: skip


class FakeCommands:
    """Keeps what it is given; waiting for a command settles it. Nothing reaches device 9."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.held: dict[int, Command] = {}
        self.waits: list[float] = []
        self.package: Firmware | HubError = PACKAGE

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """Keep a command."""
        if device_id == 9:
            raise UnsupportedError("nothing carries commands to device 9")
        held = given_before(self.held.values(), key, device_id, name, arguments)
        if held is not None:
            return held
        number = len(self.held) + 1
        self.held[number] = accepted(
            caller, number, device_id, name, arguments, key=key or f"made-{number}", at_ms=self.now_ms,
            lifetime_s=lifetime_s,
        )  # fmt: skip
        return self.held[number]

    async def settings(self, caller: Caller, device_id: int) -> dict[str, Setting]:
        """No device has any."""
        raise UnsupportedError(f"device {device_id} has no settings")

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """The commands of devices, newest first."""
        return newest_first(self.held.values(), device_ids, name)

    async def get(self, caller: Caller, command_id: int) -> Command:
        """One command."""
        if command_id not in self.held:
            raise NotFoundError(f"there is no command {command_id}")
        return self.held[command_id]

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """The command, carried out."""
        self.waits.append(timeout_s)
        return self.settle(command.id, CommandState.CONFIRMED)

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """Take a command back."""
        if (await self.get(caller, command_id)).state is not CommandState.ACCEPTED:
            raise ConflictError("it was sent")
        return self.settle(command_id, CommandState.CANCELLED)

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """The package that was put there."""
        if isinstance(self.package, Firmware):
            return self.package
        raise self.package

    def settle(self, number: int, state: CommandState, code: str = "") -> Command:
        """Let a command end."""
        done = 100.0 if state is CommandState.CONFIRMED else 0.0
        self.held[number] = msgspec.structs.replace(self.held[number], state=state, code=code, progress=done)
        return self.held[number]


class FakeLedger:
    """Checks as the ledger does, and keeps what is stated of one device beside that of another."""

    def __init__(self) -> None:
        self.held: dict[int, dict[str, Declared]] = {}
        self.statements: list[Statement] = []
        self.asked: list[tuple[str, str]] = []

    async def declare(self, caller: Caller, statement: Statement) -> Kept:
        """Check and keep a statement."""
        [one] = statement.declarations
        held = self.held.setdefault(one.device_id, {})
        problems = check(one.entries, held, Limits(TODAY))
        if problems:
            raise RecordsError(problems)
        self.statements.append(statement)
        known = [entry for entry in one.entries if held.get(entry.on) == entry]
        corrected = [entry for entry in one.entries if entry.on in held and entry not in known]
        held.update({entry.on: entry for entry in one.entries})
        return Kept(
            statement_id=len(self.statements), new=len(one.entries) - len(known) - len(corrected),
            unchanged=len(known), corrected=len(corrected),
        )  # fmt: skip

    async def declared(self, caller: Caller, device_id: int, since: str, until: str) -> list[Declared]:
        """What is stated of a device."""
        self.asked.append((since, until))
        held = self.held.get(device_id, {})
        return [held[on] for on in sorted(held) if since <= on < until]

    async def receipt(self, caller: Caller, statement_id: int) -> Receipt:
        """Not needed by this dialect."""
        raise NotImplementedError
