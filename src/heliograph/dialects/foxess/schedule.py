"""The schedule of an inverter: its main switch, and up to eight segments of the day with a work mode each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.dialects.foxess import later, parameters
from heliograph.dialects.foxess.codes import OVERLAPPING, refuse
from heliograph.dialects.foxess.control import inverter, time_of
from heliograph.dialects.foxess.control_wire import (
    DoneResult,
    Flag,
    FlagBody,
    FlagResult,
    Group,
    Property,
    Range,
    Schedule,
    ScheduleResult,
    SegmentsBody,
)
from heliograph.dialects.foxess.later_wire import LaterScheduleResult
from heliograph.dialects.foxess.lookup import rated_w
from heliograph.dialects.foxess.operations import (
    ENABLE_SEGMENTS,
    ENABLE_SEGMENTS_V1,
    ENABLE_SEGMENTS_V2,
    ENABLE_SEGMENTS_V3,
    GET_FLAG,
    GET_FLAG_V1,
    GET_SEGMENTS,
    GET_SEGMENTS_V1,
    GET_SEGMENTS_V2,
    GET_SEGMENTS_V3,
    SET_FLAG,
    SET_FLAG_V1,
    SET_SCHEDULER,
)
from heliograph.dialects.foxess.writing import WORDS, Writer, bounds, flag, plain, settings
from heliograph.errors import BadRequestError, MissingFieldError, UnsupportedError
from heliograph.model import settings as s
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.foxess.later_wire import LaterSegmentsBody
    from heliograph.dialects.foxess.wire import Param, SerialQuery
    from heliograph.model.devices import Device
    from heliograph.model.settings import Segment, Setting

SLOTS = 8
"""How many segments a schedule holds."""
UNUSED = "Invalid"
"""The work mode of a slot without a segment."""
LEAST_DISCHARGE_SOC = 11
"""Down to where an enabled segment of v0 and v1 may discharge at most; the live service refuses less. [%]"""
MOST_POWER_W = 6000
"""What any segment may have in v0, and one of an inverter whose rating is not known. [W]"""
HEADROOM = 1.05
"""How much of its rating an inverter may be asked for: real ones take that much, and clients send it."""
_MODES = {name.casefold(): s.WorkMode(key) for key, name in WORDS.items()}
_MAXIMA = {"startHour": 23, "startMinute": 59, "endHour": 23, "endMinute": 59}


class Reach(msgspec.Struct, frozen=True):
    """What the segments of a device may hold."""

    on_grid: Setting
    most: Setting
    rated_w: float
    """[W]"""
    power_w: float
    """What is still taken. [W]"""
    ceilings: bool
    """Whether a segment may have a state of charge up to which it fills: from v1 on."""
    nested: bool
    """Whether segments have the shape of v2 and v3."""
    least_discharge: float
    """Down to where an enabled segment may discharge at most. [%]"""


async def _reach(call: Call[Any], device: Device) -> Reach:
    """What the segments of a device may hold. Raises VendorError for one without a schedule."""
    on_grid, most, _ = await settings(call, device, [s.MIN_SOC_ON_GRID, s.MAX_SOC, s.SCHEDULE])
    return _within(call, device, on_grid, most)


async def _held(call: Call[SerialQuery]) -> tuple[bool, list[Segment], Reach]:
    """Whether the schedule of a device counts, its segments, and what those may hold; asked of it once."""
    device = await inverter(call, call.request.serial, call.request.same)
    wanted = [s.SCHEDULE_ON, s.SCHEDULE, s.MIN_SOC_ON_GRID, s.MAX_SOC]
    on, held, on_grid, most = await settings(call, device, wanted)
    return bool(on.value), list(s.parse_segments(str(held.value))), _within(call, device, on_grid, most)


def _within(call: Call[Any], device: Device, on_grid: Setting, most: Setting) -> Reach:
    ceilings = call.operation not in (GET_SEGMENTS, ENABLE_SEGMENTS)
    later_shape = call.operation in (GET_SEGMENTS_V2, GET_SEGMENTS_V3, ENABLE_SEGMENTS_V2, ENABLE_SEGMENTS_V3)
    rated = rated_w(device)
    power_w = math.ceil(rated * HEADROOM) if rated else MOST_POWER_W
    return Reach(
        on_grid=on_grid,
        most=most,
        rated_w=rated or MOST_POWER_W,
        power_w=power_w if ceilings else max(power_w, MOST_POWER_W),
        ceilings=ceilings,
        nested=later_shape,
        least_discharge=bounds(on_grid).least if later_shape else LEAST_DISCHARGE_SOC,
    )


async def get_flag(call: Call[SerialQuery]) -> FlagResult:
    """Whether the device has a schedule, and whether it counts."""
    device = await inverter(call, call.request.serial, call.request.same)
    try:
        on = (await call.hub.commands.settings(call.caller, device.id)).get(s.SCHEDULE_ON)
    except UnsupportedError:
        on = None
    return FlagResult(Flag(support=on is not None, enable=on is not None and bool(on.value)))


async def get_segments(call: Call[SerialQuery]) -> ScheduleResult:
    """All slots of the schedule, those without a segment too."""
    on, segments, reach = await _held(call)
    groups = [_slot(segment, reach) for segment in segments]
    unused = _slot(s.Segment(window=s.Window()), reach)
    unused.mode = UNUSED
    groups += [unused] * (SLOTS - len(groups))
    return ScheduleResult(Schedule(int(on), groups, _properties(reach) if reach.ceilings else msgspec.UNSET))


async def get_later_segments(call: Call[SerialQuery]) -> LaterScheduleResult:
    """The schedule in the shape of v2 and v3: in v2 all slots, each with its switch; in v3 the segments that are on."""
    on, segments, reach = await _held(call)
    switched = call.operation is GET_SEGMENTS_V2
    unused = [s.Segment(window=s.Window())] * (SLOTS - len(segments))
    told = [*segments, *unused] if switched else [each for each in segments if each.window.enabled]
    groups = [_slot(segment, reach) for segment in told]
    return LaterScheduleResult(later.schedule(on, groups, _properties(reach), SLOTS, switched=switched))


def _slot(segment: Segment, reach: Reach) -> Group:
    """A segment as it is told; one that fills as far as the device does has what that is set to."""
    since, until = time_of(segment.window.since_min), time_of(segment.window.until_min)
    most = float(reach.most.value) if segment.max_soc is None else segment.max_soc
    return Group(
        enable=int(segment.window.enabled),
        start_hour=since.hour,
        start_minute=since.minute,
        end_hour=until.hour,
        end_minute=until.minute,
        mode=WORDS[segment.mode.value],
        least_on_grid=round(segment.min_soc_on_grid),
        discharge_soc=round(segment.discharge_soc),
        power=round(segment.power_w),
        most=round(most) if reach.ceilings else msgspec.UNSET,
    )


def _properties(reach: Reach) -> dict[str, Property]:
    """What the fields of a segment may be, by their names as they stand there and in small letters alone."""
    made = {name: Property("", 1, Range(0, most)) for name, most in _MAXIMA.items()}
    made["workMode"] = Property("", 1, Range(0, 0), [UNUSED, *WORDS.values()])
    made["minSocOnGrid"] = Property(reach.on_grid.unit, plain(reach.on_grid.precision), bounds(reach.on_grid))
    made["fdSoc"] = Property("%", 1, Range(plain(reach.least_discharge), 100))
    made["fdPwr"] = Property("W", 1, Range(0, plain(reach.rated_w)))
    made["maxSoc"] = Property(reach.most.unit, plain(reach.most.precision), bounds(reach.most))
    # The document leaves the names open; real answers have them in small letters.
    return made | {name.lower(): told for name, told in made.items()}


def read_segments(given: Param, reach: Reach) -> list[Segment]:
    """The segments of a request, slots without one left out.

    Raises BadRequestError naming the field, MissingFieldError, VendorError when enabled ones share a minute.
    """
    if given is None:
        raise MissingFieldError("groups is missing", field="groups")
    if not isinstance(given, list) or len(given) > SLOTS:
        raise BadRequestError(f"groups must be a list of at most {SLOTS}", field="groups")
    if reach.nested:
        kept = float(reach.on_grid.value)
        given = [later.flat(each, f"groups[{place}]", kept, LEAST_DISCHARGE_SOC) for place, each in enumerate(given)]
    read = [_segment(group, f"groups[{place}]", reach) for place, group in enumerate(given)]
    segments = [segment for segment in read if segment is not None]
    if reach.nested:
        segments = [segment for segment in segments if segment.window != s.Window()]
    if s.overlapping(segments) is not None:
        raise refuse(OVERLAPPING)
    return segments


def _segment(given: Param, place: str, reach: Reach) -> Segment | None:
    """One segment; None for a slot without one, whatever else it holds."""
    if not isinstance(given, dict):
        raise BadRequestError(f"{place} must be an object", field=place)
    enabled = flag(given.get("enable"), f"{place}.enable")
    named = parameters.text(given.get("workMode"), f"{place}.workMode").casefold()
    if named == UNUSED.casefold() and not enabled:
        return None
    if named not in _MODES:
        known = ", ".join(WORDS.values())
        raise BadRequestError(f"{place}.workMode must be one of {known}", field=f"{place}.workMode")

    def whole(name: str, least: float, most: float) -> int:
        return parameters.whole(given.get(name), f"{place}.{name}", int(least), int(most))

    start_hour, start_minute, end_hour, end_minute = (whole(name, 0, most) for name, most in _MAXIMA.items())
    window = s.Window(enabled=enabled, since_min=start_hour * 60 + start_minute, until_min=end_hour * 60 + end_minute)
    if enabled and window.since_min == window.until_min:
        raise BadRequestError(f"{place}.endMinute ends the segment where it starts", field=f"{place}.endMinute")
    on_grid, most = bounds(reach.on_grid), bounds(reach.most)
    least_on_grid = whole("minSocOnGrid", on_grid.least, on_grid.most)
    discharge_soc = whole("fdSoc", reach.least_discharge if enabled else 0, 100)
    # Later versions keep whatever a mode does not use: real answers have such segments.
    used = not reach.nested or _MODES[named] is s.WorkMode.FORCE_DISCHARGE
    if enabled and used and least_on_grid > discharge_soc:
        raise BadRequestError(f"{place}.minSocOnGrid must not lie above fdSoc", field=f"{place}.minSocOnGrid")
    asked = reach.ceilings and given.get("maxSoc") not in (None, "")
    return s.Segment(
        window=window,
        mode=_MODES[named],
        min_soc_on_grid=float(least_on_grid),
        discharge_soc=float(discharge_soc),
        power_w=parameters.number(given.get("fdPwr"), f"{place}.fdPwr", 0, reach.power_w),
        max_soc=float(whole("maxSoc", most.least, most.most)) if asked else None,
    )


class Scheduling:
    """The calls that write, with how long each waits for its device."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def set_flag(self, call: Call[FlagBody]) -> DoneResult:
        """Let the schedule count or not."""
        device = await inverter(call, call.request.serial, call.request.same)
        on = flag(call.request.enable, "enable")
        await settings(call, device, [s.SCHEDULE_ON])
        return await self._writer.write(call, device, {s.SCHEDULE_ON: on})

    async def enable(self, call: Call[SegmentsBody]) -> DoneResult:
        """Replace all segments, and let the schedule count."""
        return await self._replace(call, None)

    async def enable_later(self, call: Call[LaterSegmentsBody]) -> DoneResult:
        """Replace all segments, and let the schedule count unless the request says otherwise."""
        return await self._replace(call, call.request.enable)

    async def _replace(self, call: Call[SegmentsBody] | Call[LaterSegmentsBody], counts: Param) -> DoneResult:
        device = await inverter(call, call.request.serial, call.request.same)
        segments = read_segments(call.request.groups, await _reach(call, device))
        on = counts is None or flag(counts, "enable")
        return await self._writer.write(call, device, {s.SCHEDULE: s.segments_text(segments), s.SCHEDULE_ON: on})


def handlers(writer: Writer) -> tuple[Handler, ...]:
    """All calls of this module."""
    scheduling = Scheduling(writer)
    return (
        *(handle(operation, get_flag) for operation in (GET_FLAG, GET_FLAG_V1)),
        *(handle(operation, scheduling.set_flag) for operation in (SET_FLAG, SET_FLAG_V1, SET_SCHEDULER)),
        *(handle(operation, get_segments) for operation in (GET_SEGMENTS, GET_SEGMENTS_V1)),
        *(handle(operation, scheduling.enable) for operation in (ENABLE_SEGMENTS, ENABLE_SEGMENTS_V1)),
        *(handle(operation, get_later_segments) for operation in (GET_SEGMENTS_V2, GET_SEGMENTS_V3)),
        *(handle(operation, scheduling.enable_later) for operation in (ENABLE_SEGMENTS_V2, ENABLE_SEGMENTS_V3)),
    )
