"""What handlers look up: plants and devices the caller sees, spans of time, pages of lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from heliograph.clock import DAY_MS, zone
from heliograph.dialects.native.intake import instant
from heliograph.errors import BadRequestError, UnknownDeviceError, UnknownPlantError
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.protocol.operations import Call

EARLIEST_MS = 0  # 1970-01-01T00:00:00Z
LATEST_MS = 7_258_118_400_000  # 2200-01-01T00:00:00Z
T = TypeVar("T")
_SPACED_OFFSET = re.compile(r"([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})\Z")


class Span(msgspec.Struct, frozen=True):
    """A half-open span of instants. [ms since 1970, UTC]"""

    since_ms: int
    until_ms: int


async def plant_of(call: Call[Any], plant_id: int) -> Plant:  # any: calls of all operations pass here
    """The plant of this id. Raises UnknownPlantError when the caller sees none."""
    for plant in await call.hub.plants(call.caller, [plant_id]):
        return plant
    raise UnknownPlantError(f"there is no plant {plant_id}")


async def device_of(call: Call[Any], device_id: int) -> Device:  # any: see plant_of
    """The device of this id. Raises UnknownDeviceError when the caller sees none."""
    for device in await call.hub.devices(call.caller):
        if device.id == device_id:
            return device
    raise UnknownDeviceError(f"there is no device {device_id}", device=str(device_id))


async def devices_of(call: Call[Any], plant_id: int | None) -> list[Device]:  # any: see plant_of
    """The devices of a plant, or all that the caller sees, by id. Raises UnknownPlantError."""
    if plant_id is None:
        return await call.hub.devices(call.caller)
    plant = await plant_of(call, plant_id)
    return await call.hub.devices(call.caller, [plant.id])


async def zones_of(call: Call[Any]) -> dict[int, ZoneInfo]:  # any: see plant_of
    """The time zone of each device that the caller sees."""
    zones = {plant.id: zone(plant.zone) for plant in await call.hub.plants(call.caller)}
    return {device.id: zones[device.plant_id] for device in await call.hub.devices(call.caller)}


def span(
    since: str | None,
    until: str | None,
    tz: ZoneInfo,
    *,
    now_ms: int,
    default: Callable[[int], int] | int = 30 * DAY_MS,
) -> Span:
    """The span a query names. Without `until` it ends after now; without `since` it begins where `default` says:
    so many milliseconds before the end, or what a function makes of the end.

    Raises BadRequestError for what is no time, for an end before the beginning, and outside 1970 to 2200.
    """
    until_ms = now_ms + 1 if until is None else _bound(until, tz, "until")
    if since is not None:
        since_ms = _bound(since, tz, "since")
    else:
        since_ms = max(EARLIEST_MS, default(until_ms) if callable(default) else until_ms - default)
    if since_ms > until_ms:
        raise BadRequestError("since must not come after until", field="since")
    return Span(since_ms, until_ms)


def _bound(text: str, tz: ZoneInfo, field: str) -> int:
    """An end of a span; an offset whose `+` the query turned into a space is read as its sender meant it. [ms]"""
    at_ms = instant(_SPACED_OFFSET.sub(r"\1+\2", text), tz, field=field)
    if not EARLIEST_MS <= at_ms <= LATEST_MS:
        raise BadRequestError(f"{field} must lie between 1970 and 2200", field=field)
    return at_ms


def page(items: Sequence[T], limit: int, place: Callable[[T], Any], after: Any) -> tuple[list[T], Any]:
    """At most `limit` of the items after the place `after`, in the order of `place`, and the place of the last of them.

    The place is None when no more follow.
    """  # any: a place is whatever orders the list
    rest = sorted((item for item in items if place(item) > after), key=place)
    return rest[:limit], place(rest[limit - 1]) if len(rest) > limit else None
