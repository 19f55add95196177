"""What a caller sees: the plants and devices of the account, as far as the credential opens them."""

from __future__ import annotations

from typing import NamedTuple

from heliograph.errors import UnknownDeviceError, UnknownPlantError
from heliograph.model.access import Caller
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.store.registry import Registry


class Sight(NamedTuple):
    """What a caller sees, by id."""

    plants: dict[int, Plant]
    devices: dict[int, Device]


class Sights:
    """Works out what callers see, once until something changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._held: dict[tuple[int, frozenset[int] | None, bool], Sight] = {}
        self._revision = -1
        self._devices: dict[int, Device] | None = None

    def of(self, caller: Caller, *, disabled: bool = False) -> Sight:
        """What a caller sees; with `disabled`, what is disabled too."""
        # What is read again after a rollback may come to the same number as what was taken back.
        if self._revision != self._registry.revision or self._devices is not self._registry.devices:
            self._held.clear()
            self._revision, self._devices = self._registry.revision, self._registry.devices
        key = (caller.account_id, caller.plants, disabled)
        sight = self._held.get(key)
        if sight is None:
            plants = {
                plant.id: plant
                for plant in self._registry.plants.values()
                if plant.account_id == caller.account_id
                and (disabled or not plant.disabled)
                and (caller.plants is None or plant.id in caller.plants)
            }
            devices = self._registry.devices.values()
            seen = {d.id: d for d in devices if d.plant_id in plants and (disabled or not d.disabled)}
            sight = self._held[key] = Sight(plants, seen)
        return sight

    def devices(self, caller: Caller) -> dict[int, Device]:
        """The devices of a caller. An administrator sees disabled ones too: it must be able to enable them again."""
        return self.of(caller, disabled="admin" in caller.scopes).devices

    def plants(self, caller: Caller) -> dict[int, Plant]:
        """The plants of a caller; see `devices`."""
        return self.of(caller, disabled="admin" in caller.scopes).plants

    def device(self, caller: Caller, device_id: int) -> Device:
        """One device. Raises UnknownDeviceError."""
        device = self.devices(caller).get(device_id)
        if device is None:
            raise UnknownDeviceError(f"there is no device {device_id}", device=str(device_id))
        return device

    def plant(self, caller: Caller, plant_id: int) -> Plant:
        """One plant. Raises UnknownPlantError."""
        plant = self.plants(caller).get(plant_id)
        if plant is None:
            raise UnknownPlantError(f"there is no plant {plant_id}")
        return plant
