"""A hub in memory, just large enough for a facade: it answers from what the test put into its attributes.

A dialect's fake says with `usual` what its things are like, and adds what only its facade asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from heliograph.clock import Clock, FixedClock
from heliograph.model.access import Caller, Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Plant
from tests.dialects.fake_figures import NOW_MS, FakeFigures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def plants_seen(plants: Iterable[Plant], caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
    """The plants of the caller's account that its credential opens; disabled ones for an administrator."""
    return [
        plant
        for plant in plants
        if plant.account_id == caller.account_id
        and (caller.plants is None or plant.id in caller.plants)
        and (ids is None or plant.id in ids)
        and (not plant.disabled or "admin" in caller.scopes)
    ]


def devices_seen(
    devices: Iterable[Device], caller: Caller, plants: Iterable[Plant], plant_ids: Sequence[int] | None = None
) -> list[Device]:
    """The devices of plants that the caller sees; disabled ones for an administrator."""
    seen = {plant.id for plant in plants}
    wanted = seen if plant_ids is None else seen & set(plant_ids)
    return [
        device for device in devices if device.plant_id in wanted and (not device.disabled or "admin" in caller.scopes)
    ]


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What the things of a dialect are like unless the test says otherwise; `{}` stands for a thing's number."""

    dialect: str
    credential: str
    """The name of the first credential."""
    secret: str
    scopes: tuple[str, ...] = ("read", "write")
    zone: str = "Europe/London"
    plant: str = "plant {}"
    """The name of a plant."""
    plant_w: float = 8000.0
    kind: DeviceKind
    serial: str
    device_w: float = 8000.0


class FakeHub(FakeFigures):
    """Implements what every facade asks of `protocol.hub.Hub`; two accounts may share one hub."""

    usual: ClassVar[Usual]

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__()
        self.plant_clock, self.wall_clock = FixedClock(now_ms), FixedClock(now_ms)
        self.clock: Clock = self.plant_clock
        self.wall: Clock = self.wall_clock
        self.credentials: dict[str, Credential] = {}
        self.all_plants: dict[int, Plant] = {}
        self.all_devices: dict[int, Device] = {}

    def add_credential(self, name: str = "", secret: str = "", account: int = 1, **more: object) -> Credential:
        """A credential that opens the whole account."""
        base = Credential(
            id=len(self.credentials) + 11,
            account_id=account,
            dialect=self.usual.dialect,
            name=name or self.usual.credential,
            secret=Secret(secret or self.usual.secret),
            scopes=self.usual.scopes,
        )
        self.credentials[base.name] = msgspec.structs.replace(base, **more)
        return self.credentials[base.name]

    def change_credential(self, name: str, **changes: object) -> None:
        """Replace attributes of a credential."""
        self.credentials[name] = msgspec.structs.replace(self.credentials[name], **changes)

    def add_plant(self, zone: str = "", account: int = 1, **more: object) -> Plant:
        """A plant like all of the dialect, unless told otherwise."""
        number = len(self.all_plants) + 1
        base = Plant(
            id=number,
            account_id=account,
            name=self.usual.plant.format(number),
            zone=zone or self.usual.zone,
            capacity_w=self.usual.plant_w,
        )
        self.all_plants[number] = msgspec.structs.replace(base, **more)
        return self.all_plants[number]

    def add_device(self, plant: Plant, kind: DeviceKind | None = None, **more: object) -> Device:
        """A device like all of the dialect, unless told otherwise."""
        number, kind = len(self.all_devices) + 1, kind or self.usual.kind
        base = Device(
            id=number,
            plant_id=plant.id,
            kind=kind,
            name=kind.value,
            capacity_w=self.usual.device_w,
            serial=self.usual.serial.format(number),
        )
        self.all_devices[number] = msgspec.structs.replace(base, **more)
        return self.all_devices[number]

    async def credential(self, dialect: str, name: str) -> Credential | None:
        """The credential of a name."""
        return self.credentials.get(name) if dialect == self.usual.dialect else None

    async def plants(self, caller: Caller, ids: Sequence[int] | None = None) -> list[Plant]:
        """What `plants_seen` says."""
        return plants_seen(self.all_plants.values(), caller, ids)

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """What `devices_seen` says."""
        return devices_seen(self.all_devices.values(), caller, await self.plants(caller), plant_ids)
