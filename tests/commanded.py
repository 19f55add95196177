"""A hub that commands simulated devices without rest, to be killed at any moment.

`python -m tests.commanded DATA PORT` serves a directory. Beside it lie what the outside world knows, which no kill
takes back: `.given` has the commands that were accepted, `.sent` each sending and what did not leave, `.heard` what
devices remember. While there is a file `.rest`, no new commands are given.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from heliograph import app
from heliograph.clock import Clock, WallClock
from heliograph.config import load
from heliograph.errors import ConflictError, UnreachableError
from heliograph.hub import KEY, LocalHub
from heliograph.model.access import Caller
from heliograph.model.commands import SWITCH, UPGRADE, Argument, Command, Outcome
from heliograph.model.devices import Device
from heliograph.simulate.plants import fleet
from heliograph.simulate.target import Memory, Rates, SimulatedTarget, Told
from tests.live import Served, beside
from tests.unit.store.world import at

PLANT = fleet(1)[0]
SPEED = 600
"""How fast the plants live: an upgrade takes half a second."""
BEGIN_MS = at("2024-07-25T06:00:00")
"""When the plants begin to live, whatever day it is: no device of the plant falls silent on it or a day around it."""
RATES = Rates(fail=0.2, refuse=0.1, late=0.3, mute=0.03)
SEED = 1


class Given(msgspec.Struct, frozen=True, array_like=True):
    """A command that was accepted, and whether it was taken back."""

    command_id: int
    key: str
    cancelled: bool = False


class Sending(msgspec.Struct, frozen=True, array_like=True):
    """A sending of a command, or that nothing left after all."""

    command_id: int
    left: bool


class Commanded(Served):
    """A process of this module."""

    MODULE = "tests.commanded"


def note(path: Path, line: msgspec.Struct) -> None:
    """Write a line down; a kill of this process does not take it back."""
    with path.open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(line) + b"\n")


def noted(path: Path, kind: Callable[..., Any]) -> list[Any]:  # any: lines of a kind
    """The lines of a file."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [msgspec.json.decode(line, type=kind) for line in lines]


class FastClock:
    """The plants' clock: runs fast from `BEGIN_MS` on, since an instant of the wall clock, also while nothing runs."""

    def __init__(self, born_ms: int) -> None:
        self._born_ms = born_ms

    def now_ms(self) -> int:
        """The present instant of the plants. [ms since 1970, UTC]"""
        return BEGIN_MS + (WallClock().now_ms() - self._born_ms) * SPEED


class KeptMemory(Memory):
    """What devices heard, in a file of their own."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.told = {told.command_id: told for told in noted(path, Told)}

    async def keep(self, told: Told) -> None:
        """See `Memory`."""
        await super().keep(told)
        note(self._path, told)


class Noting(SimulatedTarget):
    """Notes every sending, is often out of reach, and takes its time."""

    def __init__(self, data: Path, device_ids: dict[str, int], clock: Clock) -> None:
        memory = KeptMemory(beside(data, "heard"))
        super().__init__([PLANT], {PLANT.key: device_ids}, clock, seed=SEED, rates=RATES, memory=memory)
        self._sent = beside(data, "sent")

    async def send(self, device: Device, command: Command) -> Outcome:
        """See the contract."""
        note(self._sent, Sending(command.id, left=True))
        await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311  moments, not secrets
        try:
            if random.random() < 0.3:  # noqa: S311  as above
                raise UnreachableError("no line")
            outcome = await super().send(device, command)
        except UnreachableError:
            note(self._sent, Sending(command.id, left=False))
            raise
        await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311  as above
        return outcome


def an_order(number: str) -> tuple[str, dict[str, Argument]]:
    """Something to ask of an inverter."""
    if random.random() < 0.5:  # noqa: S311  as above
        return SWITCH, {"on": random.random() < 0.5}  # noqa: S311  as above
    return UPGRADE, {"version": f"V{number}", "sha256": "0" * 64}


async def command(hub: LocalHub, data: Path) -> None:
    """Give commands and take some back, as long as the process lives."""
    inverters = [device for device in hub.registry.devices.values() if device.name.startswith("inverter")]
    caller = Caller(hub.registry.plants[inverters[0].plant_id].account_id, 0, scopes=frozenset({"control"}))
    given = beside(data, "given")
    while True:
        await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311  as above
        if beside(data, "rest").exists():
            continue
        key = f"{random.getrandbits(64):x}"
        name, arguments = an_order(key)
        device = random.choice(inverters)  # noqa: S311  as above
        accepted = await hub.commands.submit(caller, device.id, name, arguments, key=key, lifetime_s=3)
        note(given, Given(accepted.id, key))
        if random.random() < 0.1:  # noqa: S311  as above
            try:
                await hub.commands.cancel(caller, accepted.id)
            except ConflictError:
                continue
            note(given, Given(accepted.id, key, cancelled=True))


def main(data: Path, port: int) -> None:
    """Serve a directory and command its devices until a signal comes."""
    settings = load(data)
    settings = msgspec.structs.replace(settings, serve=msgspec.structs.replace(settings.serve, port=port))
    clock = FastClock(round((data / KEY).stat().st_mtime * 1000))
    hub = LocalHub(data, settings, clock=clock)
    ids = {device.name: device.id for device in hub.registry.devices.values()}
    hub.commands.connect(Noting(data, ids, clock))
    asyncio.run(app.run(hub, beside=partial(command, hub, data)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
