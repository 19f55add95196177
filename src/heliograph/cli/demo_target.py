"""What makes the demonstration's devices obey: their target, their memory, and packages to upgrade them with."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from heliograph.cli.cataloguing import add_package
from heliograph.cli.demo_fleet import plants
from heliograph.cli.demo_story import Story, hear
from heliograph.simulate.target import Memory, Rates, SimulatedTarget, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heliograph.hub import LocalHub
    from heliograph.model.settings import Value

FIRST_VERSION = "1.0"
"""Of the package for a model that tells no version."""


class StoryMemory(Memory):
    """What devices have heard, kept with the story: it outlives the program."""

    def __init__(self, hub: LocalHub, story: Story) -> None:
        super().__init__()
        self._hub, self._story = hub, story
        self.told = story.told

    def before(self, plant: str, device: str) -> Mapping[str, Value]:
        """See `Memory`."""
        return self._story.states[plant].settings.get(device, {})

    async def keep(self, told: Told) -> None:
        """See `Memory`."""
        await hear(self._hub, self._story, told)


def connect(hub: LocalHub, story: Story, rates: Rates | None = None) -> SimulatedTarget:
    """Let commands reach the simulated devices."""
    simulated = [plant for owned in plants(story.seed).values() for plant in owned]
    ids = {key: home.device_ids for key, home in story.settled.items()}
    target = SimulatedTarget(
        simulated, ids, hub.clock, seed=story.seed, rates=rates, memory=StoryMemory(hub, story)
    )  # fmt: skip
    hub.commands.connect(target)
    return target


def add_packages(hub: LocalHub, seed: int) -> int:
    """Add one package for each model of inverter, newer than the fleet came with; returns how many were missing."""
    held = {(one.model, one.version) for one in hub.firmware.all() if hub.firmware.there(one)}
    missing = [(model, version) for model, version in packages(seed) if (model, version) not in held]
    with TemporaryDirectory(prefix="heliograph-") as folder:
        for model, version in missing:
            file = Path(folder) / f"{model}_{version}.bin"
            file.write_text(f"Firmware {version} of the demonstration's {model}; no device runs it.\n", "utf-8")
            add_package(hub, file, model, version, ())
    return len(missing)


def packages(seed: int) -> Iterator[tuple[str, str]]:
    """Model and version of each package, once."""
    inverters = [device for owned in plants(seed).values() for plant in owned for device in plant.inverters]
    yield from dict.fromkeys((device.model, newer(device.firmware)) for device in inverters)


def newer(version: str) -> str:
    """A version with its last number one higher, as many digits wide as before."""
    counted, found = re.subn(
        r"(\d+)(?=\D*$)", lambda last: f"{int(last[0]) + 1:0{len(last[0])}}", version
    )  # fmt: skip
    return counted if found else FIRST_VERSION
