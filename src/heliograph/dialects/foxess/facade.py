"""The server half: all handlers together, each counted against the calls of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.dialects.foxess import (
    control,
    devices,
    history,
    meters,
    oauth,
    oauth_tokens,
    plants,
    realtime,
    reports,
    schedule,
    texts,
    variables,
)
from heliograph.dialects.foxess.auth import DIALECT_NAME, authenticate
from heliograph.dialects.foxess.operations import DAILY_CALLS
from heliograph.dialects.foxess.quota import Quota
from heliograph.dialects.foxess.writing import Writer
from heliograph.protocol.dialect import Facade

if TYPE_CHECKING:
    from heliograph.protocol.hub import Hub


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `[dialects.foxess]` of the configuration may hold."""

    daily_calls: int = DAILY_CALLS
    """Calls a day for each inverter of an account; 0 for no limit."""
    answer_s: float = 10.0
    """How long a call that writes waits for its device. [s]"""


def serve(hub: Hub) -> Facade:
    """The server half for one hub, with a count of calls and answers of its own."""
    settings = msgspec.convert(hub.dialect_settings.get(DIALECT_NAME, {}), Settings)
    quota = Quota(hub, settings.daily_calls)
    writer = Writer(settings.answer_s)
    found = (
        *plants.HANDLERS, *devices.HANDLERS, *variables.HANDLERS, *realtime.handlers(), *history.HANDLERS,
        *reports.HANDLERS, *quota.handlers, *control.handlers(writer), *schedule.handlers(writer),
        *meters.handlers(writer),
    )  # fmt: skip
    metered = (quota.metered(handler) for handler in found)
    return Facade(
        authenticate, (*metered, *texts.HANDLERS, *oauth.Desk(hub).handlers, *oauth_tokens.Counter(hub).handlers)
    )
