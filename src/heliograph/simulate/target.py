"""The simulated devices' ear for commands: inverters can be switched, devices with firmware upgraded, settings written.

What a device makes of a command is a function of the seed and the command's number: the same after every restart. What
must be remembered is only that it heard the command, and when; that is the devices' `Memory`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from heliograph.clock import DAY_MS, MINUTE_MS, SECOND_MS, Clock
from heliograph.errors import BadRequestError, OutcomeUnknownError, RefusedError, UnreachableError, UnsupportedError
from heliograph.model.commands import SWITCH, UPGRADE, Argument, Command, Outcome
from heliograph.model.settings import WRITE, Setting, Value, check
from heliograph.simulate.faults import silence_on
from heliograph.simulate.steps import ceil_step, generator
from heliograph.simulate.switching import Switch
from heliograph.simulate.tunable import Write, kept, settings_of

if TYPE_CHECKING:
    from heliograph.model.devices import Device
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

REFUSED, UNSUPPORTED, WRONG_VERSION, BROKEN, UNHEARD = "refused", "unsupported", "version", "broken", "unheard"
"""Codes with which a device refuses: for no reason given, what it cannot do, an upgrade that starts from another
version than it has, an upgrade that it broke off, and a command that it never heard."""
UPGRADE_MS = (3 * MINUTE_MS, 8 * MINUTE_MS)
LATE_MS = (10 * SECOND_MS, 2 * MINUTE_MS)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How likely things go wrong. [0..1]"""

    fail: float = 0.05
    """An upgrade breaks off on its way."""
    refuse: float = 0.02
    late: float = 0.05
    """The answer comes some time after the command, when it is asked for again."""
    mute: float = 0.01
    """The device obeys and never tells; only what it is set to comes out at last, when it is asked again."""
    unreachable: float = 0.0
    """The command never gets to the device."""


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What a device makes of a command."""

    refused: bool
    mute: bool
    late_ms: int
    """How long it tells nothing. [ms]"""
    upgrade_ms: int
    """How long an upgrade takes. [ms]"""
    unreachable: bool
    breaks_ms: int | None
    """When it breaks off after its begin; None if it does not. [ms]"""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A command as a device heard it."""

    command_id: int
    plant: str
    device: str
    """Its key in the plant."""
    name: str
    arguments: dict[str, Argument]
    heard_at_ms: int
    """By the plant clock."""
    at_ms: int
    """From which stamp on it counts, where it changes what devices do."""

    @property
    def switch(self) -> Switch | None:
        """What it is to the simulation; None for what does not change what devices do."""
        if self.name != SWITCH:
            return None
        return Switch(self.device, self.at_ms, bool(self.arguments["on"]))

    @property
    def write(self) -> Write | None:
        """What it is to the simulation; None for what writes no settings."""
        return Write(self.device, self.at_ms, self.arguments) if self.name == WRITE else None


class Memory:
    """What devices have heard, by command, in memory."""

    def __init__(self) -> None:
        self.told: dict[int, Told] = {}

    def before(self, plant: str, device: str) -> Mapping[str, Value]:
        """What was written to a device before all that is told here."""
        del plant, device
        return {}

    def values(self, plant: str, device: str) -> dict[str, Value]:
        """What is written to a device, by the keys of plant and device."""
        values = dict(self.before(plant, device))
        for told in self.told.values():
            if (told.plant, told.device, told.name) == (plant, device, WRITE):
                values.update(told.arguments)
        return values

    async def keep(self, told: Told) -> None:
        """Remember it; returns once it is safe. From the call on it counts, even if it cannot be made safe."""
        self.told[told.command_id] = told


class SimulatedTarget:
    """Carries commands to simulated devices; see the contract."""

    def __init__(
        self, plants: Sequence[SimulatedPlant], device_ids: Mapping[str, Mapping[str, int]], clock: Clock, *,
        seed: int = 0, rates: Rates | None = None, memory: Memory | None = None,
    ) -> None:  # fmt: skip
        """`device_ids` are the hub's, by key of the plant and key of the device; `clock` is the plants'."""
        self._clock, self._seed, self._rates = clock, seed, rates or Rates()
        self._memory = Memory() if memory is None else memory
        self._places = {
            device_ids[plant.key][device.key]: (plant, device)
            for plant in plants
            for device in plant.devices
            if plant.key in device_ids
        }

    def reaches(self, device: Device) -> bool:
        """See the contract."""
        return device.id in self._places

    async def settings(self, device: Device) -> dict[str, Setting]:
        """See the contract."""
        plant, simulated = self._reached(device)
        found = self._settings(plant, simulated)
        if found is None:
            raise UnsupportedError(f"{simulated.name} has no settings")
        return found

    def _settings(self, plant: SimulatedPlant, simulated: SimulatedDevice) -> dict[str, Setting] | None:
        values = self._memory.values(plant.key, simulated.key)
        return settings_of(plant, simulated, values, self._clock.now_ms())

    async def send(self, device: Device, command: Command) -> Outcome:
        """See the contract."""
        plant, simulated = self._reached(device)
        fate = self.fate(command.id)
        if fate.unreachable:
            raise UnreachableError(f"nothing gets to {simulated.name}")
        if command.id not in self._memory.told:
            _check(device, simulated, command, self._settings(plant, simulated))
            if fate.refused:
                raise RefusedError("the device refuses", code=REFUSED)
            await self._memory.keep(self._hear(plant, simulated, command))
        outcome = self._outcome(self._memory.told[command.id], fate)
        if outcome is None:
            raise OutcomeUnknownError("the device does not answer")
        return outcome

    async def read_back(self, device: Device, command: Command) -> Outcome | None:
        """See the contract."""
        self._reached(device)
        fate, told = self.fate(command.id), self._memory.told.get(command.id)
        if told is None:
            code = REFUSED if fate.refused else UNHEARD
            raise RefusedError("the device knows nothing of it", code=code)
        return self._outcome(told, fate)

    def fate(self, command_id: int) -> Fate:
        """What a device makes of a command."""
        rates, draw = self._rates, generator(self._seed, "commands", command_id)
        refuse, mute, late, fail = draw.random(4).tolist()
        upgrade_ms, late_ms = int(draw.integers(*UPGRADE_MS)), int(draw.integers(*LATE_MS))
        breaks_ms = int(upgrade_ms * draw.uniform(0.1, 0.9))
        return Fate(
            refused=refuse < rates.refuse,
            mute=mute < rates.mute,
            late_ms=late_ms if late < rates.late else 0,
            upgrade_ms=upgrade_ms,
            unreachable=bool(draw.random() < rates.unreachable),
            breaks_ms=breaks_ms if fail < rates.fail else None,
        )

    def _reached(self, device: Device) -> tuple[SimulatedPlant, SimulatedDevice]:
        """The simulated device. Raises UnreachableError while it, or the gateway it is behind, is silent."""
        plant, simulated = self._places[device.id]
        now_ms = self._clock.now_ms()
        today = now_ms // DAY_MS
        for key in (simulated.key, simulated.gateway):
            for day in (today - 1, today):
                gap = None if key is None else silence_on(plant.site, key, day)
                if gap is not None and gap[0] <= now_ms < gap[1]:
                    raise UnreachableError(f"{simulated.name} is silent")
        return plant, simulated

    def _hear(self, plant: SimulatedPlant, simulated: SimulatedDevice, command: Command) -> Told:
        now_ms = self._clock.now_ms()
        return Told(
            command_id=command.id, plant=plant.key, device=simulated.key, name=command.name,
            arguments=kept(plant, command.arguments, now_ms) if command.name == WRITE else command.arguments,
            heard_at_ms=now_ms, at_ms=ceil_step(now_ms),
        )  # fmt: skip

    def _outcome(self, told: Told, fate: Fate) -> Outcome | None:
        """How far a command has come; None while the device does not tell. Raises RefusedError when it broke off."""
        # A clock that stood still while nothing ran may be behind what was heard.
        since_ms = max(self._clock.now_ms() - told.heard_at_ms, 0)
        mute = fate.mute and (told.name != WRITE or since_ms < LATE_MS[1])
        if mute or since_ms < fate.late_ms:
            return None
        if told.name in (SWITCH, WRITE):
            return Outcome()
        if fate.breaks_ms is not None and since_ms >= fate.breaks_ms:
            raise RefusedError("the upgrade broke off", code=BROKEN)
        if since_ms < fate.upgrade_ms:
            return Outcome(done=False, progress=float(100 * since_ms // fate.upgrade_ms))
        return Outcome(firmware=str(told.arguments["version"]))


def _check(
    device: Device, simulated: SimulatedDevice, command: Command, settings: Mapping[str, Setting] | None
) -> None:
    """Raises RefusedError for what a device cannot do."""
    given = command.arguments
    if command.name == WRITE and settings is not None:
        try:
            check(settings, given)
        except BadRequestError as error:
            raise RefusedError(str(error), code=UNSUPPORTED) from error
        return
    if command.name == SWITCH and simulated.inverter is not None and isinstance(given.get("on"), bool):
        return
    upgradable = simulated.inverter is not None or simulated.firmware != ""
    if command.name != UPGRADE or not upgradable or not isinstance(given.get("version"), str):
        raise RefusedError("the device cannot do this", code=UNSUPPORTED)
    if given.get("from", device.firmware) != device.firmware:
        raise RefusedError("the device has another version", code=WRONG_VERSION)
