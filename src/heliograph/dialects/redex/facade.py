"""Serving: the days of a device go into the generation ledger, all of a call or nothing."""

from __future__ import annotations

import msgspec

from heliograph.dialects.redex import later
from heliograph.dialects.redex.auth import Desk, authenticate
from heliograph.dialects.redex.operations import CONNECT, REFRESH, SEND
from heliograph.dialects.redex.submitting import of_days, require_daily, submit
from heliograph.dialects.redex.wire import GenerationQuery, Nothing
from heliograph.protocol.dialect import Facade
from heliograph.protocol.hub import Hub
from heliograph.protocol.operations import Call, Handler, handle

DECIMALS = 4
"""How many decimals a figure may have."""


class RedexSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How REDEX is served."""

    later: bool = False
    """Whether the later forms are served too: several devices, months, and the state of a process."""


async def send(call: Call[GenerationQuery]) -> Nothing:
    """Keep the days of a device. Answers after they are safe on disk."""
    query = call.request
    require_daily(query.frequency_type)
    await submit(call, [of_days(query.remote_inv_id, query.data, DECIMALS)])
    return Nothing()


def serve(hub: Hub, settings: RedexSettings) -> Facade:
    """The server half; tokens are the hub's, so they outlive a restart."""
    desk = Desk(hub)
    handlers: tuple[Handler, ...] = (
        handle(CONNECT, desk.grant),
        handle(REFRESH, desk.refresh),
        handle(SEND, send),
    )  # fmt: skip
    return Facade(authenticate, handlers + later.HANDLERS if settings.later else handlers)
