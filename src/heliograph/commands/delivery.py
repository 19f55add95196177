"""One command on its way: sent, followed, and written down as its target tells.

A command is marked SENT before it is sent. Whatever goes wrong after that, only a read-back decides how it ended: it is
sent again only when its target is sure that nothing left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from heliograph.clock import Clock
from heliograph.commands.journal import Also, Journal
from heliograph.errors import (
    HubError,
    OutcomeUnknownError,
    RefusedError,
    StoreError,
    UnreachableError,
    UnsupportedError,
)
from heliograph.model.commands import TIMEOUT, Command, CommandState, Outcome, Target
from heliograph.model.devices import Device
from heliograph.model.settings import WRITE, Setting
from heliograph.store.base import Rows
from heliograph.store.registry import Registry

log = logging.getLogger("heliograph.commands")
T = TypeVar("T")


class Delivery:
    """Brings commands further, one step at a time; `answer_s` limits each wait for a target, `pause_s` parts tries."""

    def __init__(
        self, journal: Journal, registry: Registry, wall: Clock, *, answer_s: float, settle_s: int, pause_s: float
    ) -> None:
        self._journal, self._registry, self._wall = journal, registry, wall
        self._answer_s, self._settle_s, self._pause_s = answer_s, settle_s, pause_s

    async def step(self, command: Command, device: Device | None, target: Target | None) -> bool:
        """Bring an open command one step further; whether it is settled.

        Raises StoreError when nothing could be written down and nothing was sent, ConflictError when somebody else
        moved it meanwhile.
        """
        if command.state is CommandState.ACCEPTED:
            return await self._send(command, device, target)
        return await self._follow(command, device, target)

    async def expire(self, command: Command) -> bool:
        """Give up what was not sent in time; whether that was so. Raises ConflictError, StoreError."""
        if command.state is not CommandState.ACCEPTED or command.expires_at_ms > self._wall.now_ms():
            return False
        await self._journal.move(command.id, CommandState.EXPIRED)
        return True

    async def _send(self, command: Command, device: Device | None, target: Target | None) -> bool:
        if device is None or device.disabled or target is None:
            return False
        if command.name == WRITE and await self._stands(command, device, target):
            await self._journal.move(command.id, CommandState.CONFIRMED, progress=100.0)
            return True
        command = await self._journal.move(command.id, CommandState.SENT)
        try:
            outcome = await self._answer(f"command {command.id}", lambda: target.send(device, command))
        except UnreachableError as error:
            log.info("command %s did not leave: %s", command.id, error)
            return await self._insist(command, CommandState.ACCEPTED)
        except RefusedError as error:
            return await self._insist(command, CommandState.REFUSED, code=error.code)
        except OutcomeUnknownError as error:
            log.info("command %s was sent without an answer: %s", command.id, error)
            return await self._insist(command, CommandState.UNKNOWN)
        return await self._take(command, outcome)

    async def settings(self, device: Device, target: Target) -> dict[str, Setting]:
        """What a device is set to, asked of itself. Raises UnsupportedError, UnreachableError, OutcomeUnknownError."""
        return await self._answer(f"device {device.id}", lambda: target.settings(device), UnsupportedError)

    async def _stands(self, command: Command, device: Device, target: Target) -> bool:
        """Whether a device is set to all of a command already; then nothing has to be sent."""
        try:
            present = await self.settings(device, target)
        except (UnsupportedError, UnreachableError, OutcomeUnknownError) as error:
            log.info("command %s: the device does not tell its settings: %s", command.id, error)
            return False
        return all(key in present and present[key].value == value for key, value in command.arguments.items())

    async def _follow(self, command: Command, device: Device | None, target: Target | None) -> bool:
        """Ask how a command that was sent has ended; without an answer in time it has failed."""
        outcome = None
        if device is not None and target is not None:
            try:
                outcome = await self._answer(f"command {command.id}", lambda: target.read_back(device, command))
            except RefusedError as error:
                sent = command.state is CommandState.SENT
                return await self._insist(
                    command, CommandState.REFUSED if sent else CommandState.FAILED, code=error.code
                )
            except (UnreachableError, OutcomeUnknownError) as error:
                log.info("command %s: no answer yet: %s", command.id, error)
        if outcome is not None and await self._take(command, outcome):
            return True
        if self._wall.now_ms() < (command.sent_at_ms or command.expires_at_ms) + self._settle_s * 1000:
            return False
        if command.state is CommandState.SENT:
            await self._journal.move(command.id, CommandState.UNKNOWN)
        await self._journal.move(command.id, CommandState.FAILED, code=TIMEOUT)
        return True

    async def _answer(self, what: str, ask: Callable[[], Awaitable[T]], no: type[HubError] = RefusedError) -> T:
        """What a target says, in the time it has; `no` is an answer too, and what is none is OutcomeUnknownError."""
        try:
            async with asyncio.timeout(self._answer_s):
                return await ask()
        except (no, UnreachableError, OutcomeUnknownError):
            raise
        except TimeoutError as error:
            raise OutcomeUnknownError("no answer in time") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the hub stops
            raise OutcomeUnknownError("the target gave up") from error
        except HubError as error:
            # What else a target fails at says nothing about whether the device heard it.
            raise OutcomeUnknownError(str(error)) from error
        except Exception as error:
            # The one place where what a target does wrong is kept from the devices of others.
            log.exception("the target of %s failed", what)
            raise OutcomeUnknownError("the target failed") from error

    async def _take(self, command: Command, outcome: Outcome) -> bool:
        """Write down what a device told; whether it was the end."""
        if outcome.done:
            also = None if outcome.firmware is None else self._renamed(outcome.firmware)
            return await self._insist(command, CommandState.CONFIRMED, progress=100.0, also=also)
        if outcome.progress != command.progress:
            await self._journal.note(command.id, outcome.progress)
        return False

    def _renamed(self, firmware: str) -> Also:
        """What gives the device of a command its new version, in the transaction that confirms the command."""

        def also(rows: Rows, command: Command) -> None:
            device = self._registry.devices.get(command.device_id)
            if device is not None and device.firmware != firmware:
                self._registry.put_device(rows, msgspec.structs.replace(device, firmware=firmware))

        return also

    async def _insist(
        self, command: Command, state: CommandState, *, code: str = "", progress: float | None = None,
        also: Also | None = None,
    ) -> bool:  # fmt: skip
        """Write down what only this task knows, again until the store takes it; whether the command is settled."""
        while True:
            try:
                moved = await self._journal.move(command.id, state, code=code, progress=progress, also=also)
            except StoreError as error:
                log.warning("command %s is %s, which waits: %s", command.id, state.value, error)
                await asyncio.sleep(self._pause_s)
            else:
                return moved.settled
