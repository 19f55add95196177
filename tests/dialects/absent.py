"""What a hub in memory need not have: asking for it is a failure of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.model.access import Caller
    from heliograph.model.alarms import Alarm, AlarmStatus
    from heliograph.protocol.hub import Commands, Grants, Ledger, Tallies, Tokens


class Absent:
    """The services of `protocol.hub.Hub` that a fake leaves out; a fake overrides those that its dialect uses."""

    @property
    def tokens(self) -> Tokens:
        """See the contract."""
        raise NotImplementedError

    @property
    def tallies(self) -> Tallies:
        """See the contract."""
        raise NotImplementedError

    @property
    def limited(self) -> bool:
        """See the contract."""
        return True

    @property
    def grants(self) -> Grants:
        """See the contract."""
        raise NotImplementedError

    @property
    def commands(self) -> Commands:
        """See the contract."""
        raise NotImplementedError

    @property
    def ledger(self) -> Ledger:
        """See the contract."""
        raise NotImplementedError

    @property
    def dialect_settings(self) -> Mapping[str, Mapping[str, object]]:
        """See the contract."""
        return {}

    async def handle_alarm(
        self, caller: Caller, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, note: str = ""
    ) -> Alarm:
        """See the contract."""
        raise NotImplementedError

    async def registered(self, caller: Caller, contact: str, serials: Sequence[str]) -> list[bool]:
        """See the contract."""
        raise NotImplementedError
