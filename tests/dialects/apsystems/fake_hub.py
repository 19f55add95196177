"""A hub in memory as the facade of APsystems needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.model.devices import Device, DeviceKind
from tests.dialects.fake_aliases import AliasedHub
from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import Usual
from tests.dialects.fake_tallies import TalliedHub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.errors import HubError
    from heliograph.model.access import Caller

__all__ = ["NOW_MS", "SECRET", "FakeHub"]
SECRET = "0123456789abcdef0123456789abcdef"


class FakeHub(AliasedHub, TalliedHub):
    """Implements `protocol.hub.Hub`; the serial numbers are none of this vendor."""

    usual = Usual(
        dialect="apsystems", credential="app", secret=SECRET, kind=DeviceKind.MICRO_INVERTER, serial="SN{:06d}"
    )

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.broken: HubError | None = None
        """What every question of devices fails with."""

    async def devices(self, caller: Caller, plant_ids: Sequence[int] | None = None) -> list[Device]:
        """The devices of the caller's plants."""
        if self.broken is not None:
            raise self.broken
        return await super().devices(caller, plant_ids)
