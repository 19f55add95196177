"""Alarms: what a device or the hub reports as wrong, from when until when."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Severity(IntEnum):
    """How bad it is, worst first."""

    CRITICAL = 1
    MAJOR = 2
    MINOR = 3
    WARNING = 4


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
