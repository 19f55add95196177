"""Wire ids in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import FakeHub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.model.access import Caller
    from heliograph.model.devices import Device
    from heliograph.model.plants import Plant
    from heliograph.protocol.hub import AliasScheme


class AliasedHub(FakeHub):
    """A hub that remembers what it minted."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.aliases: dict[tuple[str, str, str], int] = {}
        """Plants and devices by subject, scope and wire id."""

    async def resolve_plants(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Plant | None]:
        """By what was minted or given."""
        seen = {plant.id: plant for plant in await self.plants(caller)}
        return [seen.get(self.aliases.get((scheme.subject, scheme.scope, wire), 0)) for wire in wires]

    async def resolve_devices(self, caller: Caller, scheme: AliasScheme, wires: Sequence[str]) -> list[Device | None]:
        """By what was minted or given."""
        seen = {device.id: device for device in await self.devices(caller)}
        return [seen.get(self.aliases.get((scheme.subject, scheme.scope, wire), 0)) for wire in wires]

    async def wire_ids(self, scheme: AliasScheme, ids: Sequence[int]) -> list[str]:
        """Minted once and remembered."""
        kind = (scheme.subject, scheme.scope)
        held = {number: wire for (*of, wire), number in self.aliases.items() if tuple(of) == kind}
        for number in ids:
            attempt = 0
            while number not in held:
                wire = scheme.mint(number, attempt)
                attempt += 1
                if (*kind, wire) not in self.aliases:
                    held[number] = wire
                    self.aliases[*kind, wire] = number
        return [held[number] for number in ids]
