"""The bodies of the schedule in v2 and v3; see `wire` for how requests and answers are read."""

from __future__ import annotations

import msgspec

from heliograph.dialects.foxess.control_wire import Property
from heliograph.dialects.foxess.wire import Param, Result


class LaterSegmentsBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "deviceSN", "same": "sn"}):
    """The segments of a device's schedule as v2 and v3 have them, and whether it is to count."""

    serial: Param = None
    groups: Param = None
    enable: Param = None
    same: Param = None


class LaterGroup(
    msgspec.Struct,
    rename={
        "start_hour": "startHour", "start_minute": "startMinute", "end_hour": "endHour", "end_minute": "endMinute",
        "mode": "workMode", "extra": "extraParam",
    },
):  # fmt: skip
    """A segment of v2 and v3: what goes with its mode stands apart, and in v3 it has no switch of its own."""

    start_hour: int
    start_minute: int
    end_hour: int
    end_minute: int
    mode: str
    extra: dict[str, int]
    enable: int | msgspec.UnsetType = msgspec.UNSET


class LaterSchedule(msgspec.Struct, rename={"slots": "maxGroupCount"}):
    """A schedule of v2 and v3: also how many segments it holds."""

    enable: int
    slots: int
    groups: list[LaterGroup]
    properties: dict[str, Property]


class LaterScheduleResult(Result[LaterSchedule]):
    """A schedule of v2 and v3."""
