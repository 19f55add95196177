"""A target that answers as it is told, and a hub whose commands it carries."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from heliograph.commands.dispatch import CommandConfig
from heliograph.errors import RefusedError, UnreachableError, UnsupportedError
from heliograph.model.access import Caller
from heliograph.model.commands import Command, CommandState, Outcome
from heliograph.model.devices import Device
from heliograph.model.settings import WRITE, Setting, Value
from tests.unit.store.world import QUIET, World

Answer = Outcome | BaseException | Callable[[], Awaitable[Outcome | None]] | None
"""What to return, what to raise, or what to do."""
POLL_S = 0.001


class Scripted:
    """Answers from its scripts, by device; at their end every send is done at once and every read-back too."""

    def __init__(self) -> None:
        self.sends: dict[int, deque[Answer]] = defaultdict(deque)
        self.reads: dict[int, deque[Answer]] = defaultdict(deque)
        self.unreached: set[int] = set()
        self.asked: list[tuple[str, int]] = []
        """`send` or `read`, and the number of the command."""
        self.heard: Callable[[Command], None] = lambda _: None
        self.tells: deque[BaseException | Callable[[], Awaitable[object]]] = deque()
        """What goes wrong when devices are asked for their settings, or what happens meanwhile."""
        self.held: dict[int, dict[str, Setting]] = {}
        """The settings of each device that has any."""

    def sent(self) -> list[int]:
        """The numbers of the commands that were sent, in order."""
        return [number for what, number in self.asked if what == "send"]

    def read(self) -> list[int]:
        """The numbers of the commands that were read back, in order."""
        return [number for what, number in self.asked if what == "read"]

    def reaches(self, device: Device) -> bool:
        """Whether it carries commands to a device."""
        return device.id not in self.unreached

    async def settings(self, device: Device) -> dict[str, Setting]:
        """See the contract."""
        if self.tells:
            happens = self.tells.popleft()
            if isinstance(happens, BaseException):
                raise happens
            await happens()
        if device.id not in self.held:
            raise UnsupportedError("it has no settings")
        return dict(self.held[device.id])

    def set(self, device: Device, key: str, value: Value) -> None:
        """Set a device to a value, as at its own panel."""
        self.held[device.id][key] = msgspec.structs.replace(self.held[device.id][key], value=value)

    async def send(self, device: Device, command: Command) -> Outcome:
        """See the contract. Settings are what was heard last, whatever is answered."""
        self.asked.append(("send", command.id))
        self.heard(command)
        coming = next(iter(self.sends[device.id]), None)
        if command.name == WRITE and not isinstance(coming, RefusedError | UnreachableError):
            for key, value in command.arguments.items():
                self.set(device, key, value)
        # A script may break the contract, which is what some tests are about.
        return await self._next(self.sends[device.id])  # type: ignore[return-value]

    async def read_back(self, device: Device, command: Command) -> Outcome | None:
        """See the contract."""
        self.asked.append(("read", command.id))
        return await self._next(self.reads[device.id])

    @staticmethod
    async def _next(script: deque[Answer]) -> Outcome | None:
        answer = script.popleft() if script else Outcome()
        if isinstance(answer, BaseException):
            raise answer
        return answer if answer is None or isinstance(answer, Outcome) else await answer()


class Bench(World):
    """A hub with two devices, the scripted target, and a caller who may command."""

    def __init__(self, path: Path, **settings: float) -> None:
        commands = msgspec.convert({"poll_s": POLL_S, "answer_s": 5.0, **settings}, CommandConfig)
        super().__init__(path, config=msgspec.structs.replace(QUIET, commands=commands))
        self.plant = self.add_plant()
        self.device, self.other = (self.add_device(self.plant, model="M", firmware="1.0") for _ in range(2))
        self.target = Scripted()
        self.hub.commands.connect(self.target)
        self.commander = Caller(self.account.id, 3, scopes=frozenset({"read", "control"}))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Write, and work through commands, as long as the block lasts."""
        async with self.hub.database.writing():
            await self.hub.journal.recover()
            worker = asyncio.create_task(self.hub.commands.run())
            try:
                yield
            finally:
                assert not worker.done(), worker
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    async def give(self, device: Device | None = None, name: str = "device.switch", **more: str | int) -> Command:
        """Submit a command."""
        number = (device or self.device).id
        lifetime_s, key = int(more.pop("lifetime_s", 600)), str(more.pop("key", ""))
        return await self.hub.commands.submit(self.commander, number, name, more, key=key, lifetime_s=lifetime_s)

    async def settled(self, command: Command) -> Command:
        """A command once nothing changes about it any more."""
        found = await self.hub.commands.wait(command, 5.0)
        assert found.settled, found
        return found

    def state(self, command: Command) -> CommandState:
        """How far a command is."""
        found = self.hub.journal.get(command.id)
        assert found is not None
        return found.state

    async def reached(self, command: Command, state: CommandState) -> None:
        """Wait until a command is in a state."""
        await until(lambda: self.state(command) is state)

    async def restart(self) -> None:
        """Open the hub again as after a kill, with the same target."""
        self.reopen()
        self.hub.commands.connect(self.target)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, five seconds at most."""
    async with asyncio.timeout(5.0):
        while not condition():  # noqa: ASYNC110  conditions are on what is committed
            await asyncio.sleep(POLL_S)


class Gate:
    """An answer that waits until it is let through, and knows whether somebody is waiting."""

    def __init__(self, answer: Outcome | None = None) -> None:
        self.answer = Outcome() if answer is None else answer
        self.waiting = 0
        self._open = asyncio.Event()

    async def __call__(self) -> Outcome:
        """Wait, then answer."""
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1
        return self.answer

    def open(self) -> None:
        """Let everyone through."""
        self._open.set()
