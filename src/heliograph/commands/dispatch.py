"""Commands from callers to devices: accepted, then worked through by one task a device, in order.

A bug of one device's target stops no other device; see `delivery` for what happens to a single command.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from heliograph.clock import Clock
from heliograph.commands.delivery import Delivery
from heliograph.commands.journal import Journal
from heliograph.errors import ConflictError, ForbiddenError, NotFoundError, StoreError, UnsupportedError
from heliograph.model.access import Caller
from heliograph.model.commands import Argument, Command, CommandState, Target
from heliograph.model.devices import Device
from heliograph.model.firmware import Firmware
from heliograph.model.settings import WRITE, Setting, check
from heliograph.store.base import Rows
from heliograph.store.firmware import Catalogue
from heliograph.store.registry import Registry
from heliograph.store.sight import Sights

log = logging.getLogger("heliograph.commands")
DOUBLINGS = 4
"""How often the pause doubles while a device tells nothing new."""


class CommandConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How commands are followed."""

    poll_s: float = 1.0
    """How soon a device is asked again how far a command has come, and an unreachable one is tried again. [s]"""
    answer_s: float = 30.0
    """How long a device may take to answer before only a read-back tells what it did. [s]"""
    settle_s: int = 3600
    """How long after a command was sent its device may take to carry it out. [s]"""


class Commands:
    """Takes commands, sends them, follows them; see the contract."""

    def __init__(
        self, journal: Journal, registry: Registry, sights: Sights, catalogue: Catalogue, wall: Clock,
        config: CommandConfig,
    ) -> None:  # fmt: skip
        self._journal, self._registry, self._sights, self._catalogue = journal, registry, sights, catalogue
        self._config = config
        self._delivery = Delivery(
            journal, registry, wall, answer_s=config.answer_s, settle_s=config.settle_s, pause_s=config.poll_s
        )
        self._targets: list[Target] = []
        self._waiting: set[int] = set()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        journal.changed = self._tell

    def connect(self, target: Target) -> None:
        """Let a target carry commands to the devices it reaches; the first that reaches a device does."""
        self._targets.append(target)

    # What callers ask

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """See the contract. It is in the audit trail."""
        device = self._sights.device(caller, device_id)
        if "control" not in caller.scopes:
            raise ForbiddenError("this needs the scope control")
        target = self._reaching(device)
        # What was accepted once is that command still, whatever its device takes by now.
        if name == WRITE and not (key and self._journal.holds(caller.account_id, key)):
            check(await self._delivery.settings(device, target), arguments)

        async def accept() -> Command:
            command = await self._journal.accept(
                caller.account_id, device_id, key or secrets.token_hex(16), name, arguments, lifetime_s=lifetime_s,
                credential_id=caller.credential_id, also=partial(self._audit, caller, "command.accepted"),
            )  # fmt: skip
            self._waiting.add(device_id)
            self._wake.set()
            return command

        # A caller who goes away while it is being written down has given it all the same.
        return await asyncio.shield(asyncio.ensure_future(accept()))

    async def settings(self, caller: Caller, device_id: int) -> dict[str, Setting]:
        """See the contract."""
        device = self._sights.device(caller, device_id)
        return await self._delivery.settings(device, self._reaching(device))

    async def list(self, caller: Caller, device_ids: Sequence[int], name: str = "") -> list[Command]:
        """See the contract."""
        for device_id in device_ids:
            self._sights.device(caller, device_id)
        return self._journal.of_devices(device_ids, name)

    async def get(self, caller: Caller, command_id: int) -> Command:
        """See the contract."""
        command = self._journal.get(command_id)
        if command is None or command.device_id not in self._sights.devices(caller):
            raise NotFoundError(f"there is no command {command_id}")
        return command

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """See the contract."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    changed = self._changed
                    command = self._journal.get(command.id) or command
                    if command.settled:
                        break
                    await changed.wait()
        except TimeoutError:
            command = self._journal.get(command.id) or command
        return command

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """See the contract. It is in the audit trail."""
        if "control" not in caller.scopes:
            raise ForbiddenError("this needs the scope control")
        command = await self.get(caller, command_id)
        return await self._journal.move(
            command.id, CommandState.CANCELLED, also=partial(self._audit, caller, "command.cancelled")
        )

    async def firmware_for(self, caller: Caller, device_id: int) -> Firmware:
        """See the contract."""
        device = self._sights.device(caller, device_id)
        return await self._catalogue.newest_for(device.model, device.firmware)

    def _audit(self, caller: Caller, action: str, rows: Rows, command: Command) -> None:
        detail = f"command {command.id}, {command.name} of device {command.device_id}"
        self._registry.audit(rows, caller.account_id, caller.credential_id, action, detail)

    def _reaching(self, device: Device) -> Target:
        """The target of a device. Raises UnsupportedError."""
        target = None if device.disabled else self._target(device)
        if target is None:
            raise UnsupportedError(f"nothing carries commands to device {device.id}")
        return target

    def _target(self, device: Device) -> Target | None:
        return next((target for target in self._targets if target.reaches(device)), None)

    def _tell(self) -> None:
        """Let everyone who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    # The worker

    async def run(self) -> None:
        """Work through everything that is open, for ever: what an earlier run left first."""
        self._waiting.update(self._journal.open_devices())
        busy: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                self._wake.clear()
                for device_id in self._waiting - busy.keys():
                    self._waiting.discard(device_id)
                    task = busy[device_id] = asyncio.create_task(self._care(device_id), name=f"commands-{device_id}")
                    task.add_done_callback(lambda _: self._wake.set())
                await self._wake.wait()
                busy = {device_id: task for device_id, task in busy.items() if not task.done()}
        finally:
            for task in busy.values():
                task.cancel()
            await asyncio.gather(*busy.values(), return_exceptions=True)

    async def _care(self, device_id: int) -> None:
        """Work through a device's commands, whatever goes wrong on the way: other devices do not wait for it."""
        while True:
            try:
                return await self._work(device_id)
            except StoreError as error:
                log.warning("commands of device %s wait: %s", device_id, error)
            except Exception:
                log.exception("commands of device %s failed and start again", device_id)
            await asyncio.sleep(self._config.poll_s * 2**DOUBLINGS)

    async def _work(self, device_id: int) -> None:
        """Settle the open commands of a device, one after the other, in the order in which they were accepted."""
        last: Command | None = None
        idle = 0
        while commands := self._journal.open_commands(device_id):
            first = commands[0]
            same = last is not None and (first.id, first.state, first.progress) == (last.id, last.state, last.progress)
            idle, last = idle + 1 if same else 0, first
            if not await self._step(commands):
                await asyncio.sleep(self._config.poll_s * 2 ** min(idle, DOUBLINGS))

    async def _step(self, commands: Sequence[Command]) -> bool:
        """Bring a device's first command further, and drop those whose time is over; whether to go on at once."""
        try:
            if any([await self._delivery.expire(command) for command in commands]):
                return True
            device = self._registry.devices.get(commands[0].device_id)
            target = None if device is None else self._target(device)
            return await self._delivery.step(commands[0], device, target)
        except ConflictError:
            return True  # somebody else moved it, as when it was cancelled: look again
