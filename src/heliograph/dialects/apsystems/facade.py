"""The server half: all handlers together, each counted against the calls of the month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.dialects.apsystems import batch, energy, inverters, meters, systems
from heliograph.dialects.apsystems.auth import DIALECT_NAME, Signatures
from heliograph.dialects.apsystems.lookup import Layouts
from heliograph.dialects.apsystems.operations import MONTHLY_CALLS
from heliograph.dialects.apsystems.quota import Quota
from heliograph.dialects.apsystems.shares import Shares
from heliograph.protocol.dialect import Facade

if TYPE_CHECKING:
    from heliograph.protocol.hub import Hub


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `[dialects.apsystems]` of the configuration may hold."""

    monthly_calls: int = MONTHLY_CALLS
    """Calls a month of an account, over all its credentials; 0 for no limit."""
    live_names: bool = False
    """Whether the power of an inverter is told as `ac_p1` too, as the live service names it and not the document."""


def serve(hub: Hub) -> Facade:
    """The server half for one hub, with its own memory of nonces, of what sends through what, and of channels."""
    settings = msgspec.convert(hub.dialect_settings.get(DIALECT_NAME, {}), Settings)
    quota = Quota(hub, settings.monthly_calls)
    layouts, shares = Layouts(), Shares()
    found = (
        *systems.handlers(layouts), *energy.handlers(layouts), *meters.handlers(layouts),
        *inverters.handlers(layouts, shares, live_names=settings.live_names), *batch.handlers(layouts),
    )  # fmt: skip
    return Facade(Signatures(hub).authenticate, tuple(quota.metered(handler) for handler in found))
