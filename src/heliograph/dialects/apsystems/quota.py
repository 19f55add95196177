"""The calls of a month, and the rate of an account: both are counted over all its credentials and every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.clock import local, zone
from heliograph.dialects.apsystems.auth import DIALECT_NAME
from heliograph.dialects.apsystems.codes import MONTH_SPENT, SERVER_FULL, refuse
from heliograph.dialects.apsystems.operations import SERVER_LIMIT
from heliograph.errors import TooFrequentError
from heliograph.protocol.limits import Limiter
from heliograph.protocol.operations import Call, Handler

if TYPE_CHECKING:
    from heliograph.protocol.hub import Hub

UTC = zone("UTC")
UNLIMITED = (1 << 31) - 1


class Quota:
    """What an account may call in a month; `monthly` 0 lets every call pass, and counts it."""

    def __init__(self, hub: Hub, monthly: int) -> None:
        self._hub = hub
        self._most = monthly if monthly and hub.limited else UNLIMITED
        self._limiter = Limiter(hub.wall, enabled=hub.limited)

    @property
    def month(self) -> str:
        """The present month of the wall clock, UTC."""
        return f"{local(self._hub.wall.now_ms(), UTC):%Y-%m}"

    def metered(self, handler: Handler) -> Handler:
        """A handler that counts its calls; those that it refuses do not count for the month."""

        async def answer(call: Call[Any]) -> Any:  # any: whatever the handler answers
            account, month = call.caller.account_id, self.month
            try:
                self._limiter.take(SERVER_LIMIT, (account, ""))
            except TooFrequentError as error:
                full = refuse(SERVER_FULL)
                raise full from error
            if not self._hub.tallies.take(DIALECT_NAME, account, month, self._most):
                raise refuse(MONTH_SPENT)
            try:
                return await handler.answer(call)
            except BaseException:
                self._hub.tallies.give_back(DIALECT_NAME, account, month)
                raise

        return Handler(handler.operation, answer)
