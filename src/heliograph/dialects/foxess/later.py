"""Schedules as v2 and v3 have them: what goes with a work mode stands apart, and v3 has no segment that is off.

The document ends with v1. Field names and shapes are those of real answers and of what clients send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.later_wire import LaterGroup, LaterSchedule
from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.dialects.foxess.control_wire import Group, Property
    from heliograph.dialects.foxess.wire import Param

_EXTRA = "extraParam"


def nested(group: Group, *, switched: bool) -> LaterGroup:
    """A segment in the later shape; `switched` with its own switch, as v2 has it."""
    extra = {"minSocOnGrid": group.least_on_grid, "fdSoc": group.discharge_soc, "fdPwr": group.power}
    if group.most is not msgspec.UNSET:
        extra["maxSoc"] = group.most
    return LaterGroup(
        start_hour=group.start_hour,
        start_minute=group.start_minute,
        end_hour=group.end_hour,
        end_minute=group.end_minute,
        mode=group.mode,
        extra=extra,
        enable=group.enable if switched else msgspec.UNSET,
    )


def schedule(
    on: bool, groups: Sequence[Group], properties: Mapping[str, Property], slots: int, *, switched: bool
) -> LaterSchedule:
    """A schedule in the later shape: properties in small letters alone, and no work mode for an unused slot."""
    told = {name: each for name, each in properties.items() if name.islower()}
    mode = told["workmode"]
    words = [] if mode.choices is msgspec.UNSET else mode.choices[1:]
    told["workmode"] = msgspec.structs.replace(mode, range=msgspec.UNSET, choices=words)
    return LaterSchedule(int(on), slots, [nested(group, switched=switched) for group in groups], told)


def flat(given: Param, place: str, on_grid: float, least_discharge: float) -> Param:
    """A segment of a request in the shape of v1. Raises BadRequestError.

    What is missing keeps to what the device does by itself: `on_grid` is the charge that it keeps, and a forced
    discharge ends there, or at `least_discharge`. [%]
    """
    if not isinstance(given, dict):
        return given
    extra = given.get(_EXTRA)
    if not isinstance(extra, dict | None):
        raise BadRequestError(f"{place}.{_EXTRA} must be an object", field=f"{place}.{_EXTRA}")
    told = {name: value for name, value in (given | (extra or {})).items() if value not in (None, "")}
    if "minSocOnGrid" not in told:
        told["minSocOnGrid"] = min(on_grid, parameters.number(told.get("fdSoc", on_grid), f"{place}.fdSoc"))
    kept = parameters.number(told["minSocOnGrid"], f"{place}.minSocOnGrid")
    return {"enable": 1, "fdSoc": max(kept, least_discharge), "fdPwr": 0, **told}
