"""Commands: what is asked of a device, and how far it got."""

from __future__ import annotations

from enum import Enum

import msgspec


class CommandState(Enum):
    """The states of a command. After SENT only a read-back decides."""

    ACCEPTED = "accepted"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"
    EXPIRED = "expired"


NEXT_STATES: dict[CommandState, frozenset[CommandState]] = {
    CommandState.ACCEPTED: frozenset({CommandState.SENT, CommandState.EXPIRED, CommandState.REFUSED}),
    CommandState.SENT: frozenset({CommandState.CONFIRMED, CommandState.REFUSED, CommandState.UNKNOWN}),
    CommandState.UNKNOWN: frozenset({CommandState.CONFIRMED, CommandState.FAILED}),
    CommandState.CONFIRMED: frozenset(),
    CommandState.REFUSED: frozenset(),
    CommandState.FAILED: frozenset(),
    CommandState.EXPIRED: frozenset(),
}


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command of the journal. The same `key` of the same account is the same command."""

    id: int
    account_id: int
    device_id: int
    key: str
    name: str
    arguments: dict[str, str | float | bool]
    state: CommandState
    accepted_at_ms: int
    expires_at_ms: int
    changed_at_ms: int
    code: str = ""
