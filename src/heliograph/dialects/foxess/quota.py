"""The calls of a day: 1440 for each inverter of an account, over all its credentials and every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.clock import MINUTE_MS, local, zone
from heliograph.dialects.foxess.auth import DIALECT_NAME
from heliograph.dialects.foxess.codes import DAY_SPENT, refuse
from heliograph.dialects.foxess.operations import ACCESS_COUNT
from heliograph.dialects.foxess.wire import AccessCount, AccessCountResult, NoQuery
from heliograph.model.devices import INVERTERS
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.protocol.hub import Hub

UTC = zone("UTC")
COUNTED_FOR_MS = MINUTE_MS
"""How long the number of an account's inverters is remembered, on the wall clock. [ms]"""


class Quota:
    """What an account may call in a day, and has called. `per_inverter` 0 lets every call pass, and counts it."""

    def __init__(self, hub: Hub, per_inverter: int) -> None:
        self._hub, self._per_inverter = hub, per_inverter if hub.limited else 0
        self._inverters: dict[int, tuple[int, int]] = {}

    @property
    def day(self) -> str:
        """The present day of the wall clock, UTC."""
        return local(self._hub.wall.now_ms(), UTC).date().isoformat()

    async def most(self, call: Call[Any]) -> int:
        """How many calls a day are open to the caller's account, also where its credential opens some plants only."""
        if not self._per_inverter:
            return (1 << 31) - 1
        account, now_ms = call.caller.account_id, self._hub.wall.now_ms()
        counted, until_ms = self._inverters.get(account, (0, 0))
        if until_ms <= now_ms:
            everywhere = msgspec.structs.replace(call.caller, plants=None, scopes=frozenset({"read"}))
            devices = await self._hub.devices(everywhere)
            counted = sum(device.kind in INVERTERS and not device.disabled for device in devices)
            self._inverters[account] = counted, now_ms + COUNTED_FOR_MS
        return max(counted, 1) * self._per_inverter

    def metered(self, handler: Handler) -> Handler:
        """A handler that counts its calls; those that it refuses do not count."""

        async def answer(call: Call[Any]) -> Any:  # any: whatever the handler answers
            account, day = call.caller.account_id, self.day
            if not self._hub.tallies.take(DIALECT_NAME, account, day, await self.most(call)):
                if call.operation is ACCESS_COUNT:  # who asks how much is left is told so also when nothing is
                    return await handler.answer(call)
                raise refuse(DAY_SPENT)
            try:
                return await handler.answer(call)
            except BaseException:
                self._hub.tallies.give_back(DIALECT_NAME, account, day)
                raise

        return Handler(handler.operation, answer)

    async def access_count(self, call: Call[NoQuery]) -> AccessCountResult:
        """How many calls of the day are open and how many are left, this one taken off."""
        most = await self.most(call)
        used = self._hub.tallies.used(DIALECT_NAME, call.caller.account_id, self.day)
        return AccessCountResult(AccessCount(str(most), str(max(most - used, 0))))

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """The call that tells."""
        return (handle(ACCESS_COUNT, self.access_count),)
