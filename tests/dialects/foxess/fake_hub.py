"""A hub in memory as the facade of Fox ESS needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.errors import ForbiddenError, StoreError, UnknownPlantError
from heliograph.model.access import Caller, Token
from heliograph.model.devices import METERS, Device, DeviceKind
from heliograph.model.plants import Plant
from tests.dialects.fake_alarms import AlarmedHub
from tests.dialects.fake_aliases import AliasedHub
from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import Usual
from tests.dialects.fake_tallies import TalliedHub
from tests.dialects.foxess.fake_devices import HYBRID, METER, FakeDevices

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NOW_MS", "SECRET", "FakeHub", "FakeTokens"]
SECRET = "0123456789abcdef"


class FakeTokens:
    """Tokens in memory."""

    def __init__(self) -> None:
        self.held: list[Token] = []

    async def keep(self, token: Token) -> None:
        """See the contract."""
        self.held.append(token)

    async def find(self, dialect: str, kind: str, secret: str) -> Token | None:
        """See the contract."""
        wanted = (dialect, kind, Token.digest_of(secret))
        return next((token for token in self.held if (token.dialect, token.kind, token.digest) == wanted), None)

    async def exchange(self, token: Token, made: Sequence[Token]) -> bool:
        """Not asked for by this dialect's readers."""
        raise NotImplementedError

    async def drop(self, dialect: str, credential_id: int, kind: str = "", *, family: str = "") -> int:
        """Not asked for by this dialect."""
        raise NotImplementedError


class FakeHub(AliasedHub, TalliedHub, AlarmedHub):
    """Implements `protocol.hub.Hub`; inverters and meters have settings."""

    usual = Usual(
        dialect="foxess", credential="home", secret=SECRET, kind=DeviceKind.HYBRID_INVERTER, serial="60KE{:011d}"
    )

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.held_tokens = FakeTokens()
        self.held_commands = FakeDevices()
        self.broken = False

    @property
    def tokens(self) -> FakeTokens:
        """See the contract."""
        return self.held_tokens

    @property
    def commands(self) -> FakeDevices:
        """See the contract."""
        return self.held_commands

    def add_device(self, plant: Plant, kind: DeviceKind | None = None, **more: object) -> Device:
        """A device with the settings of its kind."""
        made = super().add_device(plant, kind, **more)
        if made.kind is DeviceKind.HYBRID_INVERTER:
            self.held_commands.equip(made.id, HYBRID)
        elif made.kind in METERS:
            self.held_commands.equip(made.id, METER)
        return made

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of the caller's plants."""
        if self.broken:
            raise StoreError("the database cannot be read")
        return await super().devices(caller, plant_ids)

    async def save_plant(self, caller: Caller, plant: Plant) -> Plant:
        """Keep a plant."""
        if "admin" not in caller.scopes:
            raise ForbiddenError("this needs the scope admin")
        saved = plant if plant.id else msgspec.structs.replace(plant, id=len(self.all_plants) + 1)
        self.all_plants[saved.id] = saved
        return saved

    async def save_device(self, caller: Caller, device: Device) -> Device:
        """Keep a device."""
        if device.plant_id not in {plant.id for plant in await self.plants(caller)}:
            raise UnknownPlantError(f"there is no plant {device.plant_id}")
        self.all_devices[device.id] = device
        return device
