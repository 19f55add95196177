"""Commands: what is asked of a device, and how far it got."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import msgspec

from heliograph.model.devices import Device
from heliograph.model.settings import Setting

Argument = str | float | bool


class CommandState(Enum):
    """The states of a command. After SENT only a read-back decides."""

    ACCEPTED = "accepted"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """Taken back before it was sent."""


NEXT_STATES: dict[CommandState, frozenset[CommandState]] = {
    CommandState.ACCEPTED: frozenset(
        {
            CommandState.SENT,
            CommandState.EXPIRED,
            CommandState.REFUSED,
            CommandState.CANCELLED,
            # Without being sent: the device is set to that already.
            CommandState.CONFIRMED,
        }
    ),
    CommandState.SENT: frozenset(
        # Back to ACCEPTED only when it is sure that nothing left.
        {CommandState.CONFIRMED, CommandState.REFUSED, CommandState.UNKNOWN, CommandState.ACCEPTED}
    ),
    CommandState.UNKNOWN: frozenset({CommandState.CONFIRMED, CommandState.FAILED}),
    CommandState.CONFIRMED: frozenset(),
    CommandState.REFUSED: frozenset(),
    CommandState.FAILED: frozenset(),
    CommandState.EXPIRED: frozenset(),
    CommandState.CANCELLED: frozenset(),
}
TIMEOUT = "timeout"
"""The code of a command that FAILED because its device never told how it ended."""
SWITCH, UPGRADE = "device.switch", "firmware.upgrade"
"""Names of commands: `{on: bool}`; `{version: str, sha256: str, from: str}`."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command of the journal. The same `key` of the same account is the same command."""

    id: int
    account_id: int
    device_id: int
    key: str
    name: str
    arguments: dict[str, Argument]
    state: CommandState
    accepted_at_ms: int
    expires_at_ms: int
    changed_at_ms: int
    sent_at_ms: int = 0
    """When it was sent the last time; 0 before. Wall clock, as all its times."""
    code: str = ""
    credential_id: int = 0
    """Who gave it; 0 for the hub's operator."""
    progress: float = 0.0
    """How much of it is done, where the device tells. [%]"""

    @property
    def settled(self) -> bool:
        """Whether nothing about it will change any more."""
        return not NEXT_STATES[self.state]


class Outcome(msgspec.Struct, frozen=True):
    """What a device says of a command: done, or under way so far. `firmware` is its version, where that changed."""

    done: bool = True
    progress: float = 100.0
    firmware: str | None = None


class Target(Protocol):
    """What carries commands to devices: a driver of their cloud, or the simulator.

    What it raises beyond what is said here counts as no answer. It has the time of `commands.answer_s`.
    """

    def reaches(self, device: Device) -> bool:
        """Whether it can carry commands to this device."""
        ...

    async def settings(self, device: Device) -> dict[str, Setting]:
        """What a device is set to now, by key, asked of the device itself.

        Raises UnsupportedError for one without settings, UnreachableError, OutcomeUnknownError.
        """
        ...

    async def send(self, device: Device, command: Command) -> Outcome:
        """Send a command, once.

        Raises RefusedError when the device says no, UnreachableError when nothing was sent, OutcomeUnknownError when
        it was and no answer came.
        """
        ...

    async def read_back(self, device: Device, command: Command) -> Outcome | None:
        """How far a command that was sent has come; None while the device does not tell.

        Raises RefusedError when it says that it did not do it.
        """
        ...
