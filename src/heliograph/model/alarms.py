"""Alarms: what a device or the hub reports as wrong, from when until when, and what people did about it."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Severity(IntEnum):
    """How bad it is, worst first."""

    CRITICAL = 1
    MAJOR = 2
    MINOR = 3
    WARNING = 4


class AlarmStatus(IntEnum):
    """How far an alarm has come."""

    ACTIVE = 1
    """Nobody has looked at it."""
    ACKNOWLEDGED = 2
    """Somebody knows."""
    TICKETED = 3
    """It was handed on as a ticket."""
    HANDLED = 4
    """The work is done; the device has not confirmed it."""
    CLEARED_BY_USER = 5
    CLEARED = 6
    """The device, or the hub that watches it, says that it is over."""


class AlarmType(IntEnum):
    """What sort of event it is."""

    TRANSPOSITION = 1
    """A signal changed its position."""
    EXCEPTION = 2
    PROTECTION = 3
    """A protection tripped."""
    NOTIFICATION = 4
    INFORMATION = 5


NEXT_STATUSES: dict[AlarmStatus, frozenset[AlarmStatus]] = {
    status: frozenset(later for later in AlarmStatus if later > status) if status < 5 else frozenset()
    for status in AlarmStatus
}
"""Whoever handles an alarm only moves it on; once it is cleared it stays so."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm of a device. The same device, code and start are the same alarm, however often it is sent."""

    device_id: int
    code: str
    raised_at_ms: int
    cleared_at_ms: int | None = None
    severity: Severity = Severity.WARNING
    name: str = ""
    cause: str = ""
    advice: str = ""
    status: AlarmStatus = AlarmStatus.ACTIVE
    type: AlarmType = AlarmType.EXCEPTION
    cause_id: int = 1
    watched: bool = False
    """Whether the hub itself found it; then its texts are in `alarm_texts`, in every language."""
    until_ms: int | None = None
    """Of one that the hub found: when its reason ended, whoever cleared it before; where missing data ends. [ms]"""

    @property
    def open(self) -> bool:
        """Whether it is not cleared yet."""
        return self.status < AlarmStatus.CLEARED_BY_USER

    def merged(self, told: Alarm) -> Alarm:
        """This alarm as it stands after its device told of it again: what people did about it stays.

        Nobody but the hub itself changes one that the hub found.
        """
        if self.watched and not told.watched:
            return self
        if not self.open:
            known_ms = told.until_ms if self.until_ms is None else self.until_ms
            return msgspec.structs.replace(self, until_ms=known_ms)
        status = AlarmStatus.CLEARED if told.cleared_at_ms is not None else self.status
        return msgspec.structs.replace(told, status=status)
