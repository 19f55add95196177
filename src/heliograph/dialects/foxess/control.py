"""What an inverter keeps to: its battery's charge, forced charging, single settings, its clock, peak shaving."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import SCHEDULED, refuse
from heliograph.dialects.foxess.control_wire import (
    ChargeTimes,
    ChargeTimesBody,
    ChargeTimesResult,
    ClockBody,
    ClockResult,
    DoneResult,
    PeakShaving,
    PeakShavingBody,
    PeakShavingResult,
    SettingBody,
    SettingQuery,
    SettingResult,
    Shown,
    Soc,
    SocBody,
    SocResult,
    Time,
)
from heliograph.dialects.foxess.lookup import asked_rig
from heliograph.dialects.foxess.operations import (
    GET_CHARGE_TIMES,
    GET_CLOCK,
    GET_PEAK_SHAVING,
    GET_SETTING,
    GET_SOC,
    SET_CHARGE_TIMES,
    SET_CLOCK,
    SET_PEAK_SHAVING,
    SET_SETTING,
    SET_SOC,
)
from heliograph.dialects.foxess.writing import Writer, choice, flag, number, settings, shown
from heliograph.errors import BadRequestError, MissingFieldError
from heliograph.model import settings as s
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.foxess.wire import Param, SerialQuery
    from heliograph.model.devices import Device

KEYS = {
    "ExportLimit": s.EXPORT_LIMIT,
    "MinSoc": s.MIN_SOC,
    "MinSocOnGrid": s.MIN_SOC_ON_GRID,
    "MaxSoc": s.MAX_SOC,
    "GridCode": s.GRID_CODE,
    "WorkMode": s.WORK_MODE,
}
"""The settings that have a name of their own."""
CENTURY = 2000
"""Of years told in two digits."""
_HOUR_MIN = 60


async def inverter(call: Call[Any], serial: Param, same: Param) -> Device:
    """The inverter that a request names. Raises VendorError, BadRequestError."""
    return (await asked_rig(call, parameters.serial(serial, same))).device


def time_of(minute: int) -> Time:
    """A minute of the day on a clock."""
    return Time(*divmod(minute, _HOUR_MIN))


async def get_soc(call: Call[SerialQuery]) -> SocResult:
    """How far the battery may be emptied."""
    device = await inverter(call, call.request.serial, call.request.same)
    least, on_grid = await settings(call, device, [s.MIN_SOC, s.MIN_SOC_ON_GRID])
    return SocResult(Soc(round(float(least.value)), round(float(on_grid.value))))


async def get_charge_times(call: Call[SerialQuery]) -> ChargeTimesResult:
    """When the battery is filled from the grid."""
    device = await inverter(call, call.request.serial, call.request.same)
    (held,) = await settings(call, device, [s.CHARGE_WINDOWS])
    first, second = (*s.parse_windows(str(held.value)), s.Window(), s.Window())[:2]
    return ChargeTimesResult(
        ChargeTimes(
            enable1=first.enabled,
            start1=time_of(first.since_min),
            end1=time_of(first.until_min),
            enable2=second.enabled,
            start2=time_of(second.since_min),
            end2=time_of(second.until_min),
        )
    )


def setting_key(value: Param) -> str:
    """The hub's key of a setting's name, in any case. Raises BadRequestError, MissingFieldError."""
    given = parameters.text(value, "key").casefold()
    found = next((key for name, key in KEYS.items() if name.casefold() == given), None)
    if found is None:
        raise BadRequestError(f"key must be one of {', '.join(KEYS)}", field="key")
    return found


async def get_setting(call: Call[SettingQuery]) -> SettingResult:
    """One setting with its unit and range."""
    key = setting_key(call.request.key)
    device = await inverter(call, call.request.serial, call.request.same)
    return SettingResult(shown(*await settings(call, device, [key])))


async def get_clock(call: Call[SerialQuery]) -> ClockResult:
    """What the device's own clock shows."""
    device = await inverter(call, call.request.serial, call.request.same)
    (held,) = await settings(call, device, [s.CLOCK])
    at = s.parse_clock(str(held.value))
    return ClockResult(Shown(*at.strftime("%Y %m %d %H %M %S").split()))


async def get_peak_shaving(call: Call[SerialQuery]) -> PeakShavingResult:
    """From which power on the battery helps, and what it keeps for that."""
    device = await inverter(call, call.request.serial, call.request.same)
    limit, soc = await settings(call, device, [s.IMPORT_LIMIT, s.PEAK_SOC])
    return PeakShavingResult(PeakShaving(shown(limit), shown(soc)))


def _minute(value: Param, field: str) -> int:
    """The minute of the day that an object of hour and minute is. Raises BadRequestError, MissingFieldError."""
    if value is None:
        raise MissingFieldError(f"{field} is missing", field=field)
    if not isinstance(value, dict):
        raise BadRequestError(f"{field} must have hour and minute", field=field)
    hour = parameters.whole(value.get("hour"), f"{field}.hour", 0, 23)
    return hour * _HOUR_MIN + parameters.whole(value.get("minute"), f"{field}.minute", 0, 59)


def charge_windows(body: ChargeTimesBody) -> tuple[s.Window, s.Window]:
    """Both periods of a request. Raises BadRequestError when they overlap, MissingFieldError when one is missing."""
    first, second = (
        s.Window(
            enabled=flag(enable, f"enable{place}"),
            since_min=_minute(start, f"startTime{place}"),
            until_min=_minute(end, f"endTime{place}"),
        )
        for place, enable, start, end in (
            (1, body.enable1, body.start1, body.end1),
            (2, body.enable2, body.start2, body.end2),
        )
    )
    if any(_within(first, minute) and _within(second, minute) for minute in range(24 * _HOUR_MIN)):
        raise BadRequestError("startTime2 and endTime2 overlap the first period", field="startTime2")
    return first, second


def _within(window: s.Window, minute: int) -> bool:
    """Whether a minute lies in a period; the other may begin in the minute in which it ends."""
    return window.holds(minute) and minute != window.until_min


def clock_text(body: ClockBody) -> str:
    """A request's time as a setting holds it. Raises BadRequestError, MissingFieldError."""
    year = parameters.whole(body.year, "year", 0, CENTURY + 99)
    if year < CENTURY:
        year = CENTURY + parameters.whole(year, "year", 0, 99)
    month, day, hour, minute, second = (
        parameters.whole(value, field, least, most)
        for value, field, least, most in (
            (body.month, "month", 1, 12), (body.day, "day", 1, 31), (body.hour, "hour", 0, 23),
            (body.minute, "minute", 0, 59), (body.second, "second", 0, 59),
        )
    )  # fmt: skip
    try:
        return s.clock_text(datetime(year, month, day, hour, minute, second))  # noqa: DTZ001  the device's clock has no zone
    except ValueError as error:
        raise BadRequestError("day is not one of this month", field="day") from error


class Control:
    """The calls that write, with how long each waits for its device."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def set_soc(self, call: Call[SocBody]) -> DoneResult:
        """Set how far the battery may be emptied. Raises VendorError while a schedule counts."""
        body = call.request
        device = await inverter(call, body.serial, body.same)
        least, on_grid, on = await settings(call, device, [s.MIN_SOC, s.MIN_SOC_ON_GRID, s.SCHEDULE_ON])
        values = {
            s.MIN_SOC: number(least, body.least, "minSoc"),
            s.MIN_SOC_ON_GRID: number(on_grid, body.least_on_grid, "minSocOnGrid"),
        }
        if on.value:
            raise refuse(SCHEDULED)
        return await self._writer.write(call, device, values)

    async def set_charge_times(self, call: Call[ChargeTimesBody]) -> DoneResult:
        """Set when the battery is filled from the grid. Raises VendorError while a schedule counts."""
        device = await inverter(call, call.request.serial, call.request.same)
        windows = charge_windows(call.request)
        _, on = await settings(call, device, [s.CHARGE_WINDOWS, s.SCHEDULE_ON])
        if on.value:
            raise refuse(SCHEDULED)
        return await self._writer.write(call, device, {s.CHARGE_WINDOWS: s.windows_text(windows)})

    async def set_setting(self, call: Call[SettingBody]) -> DoneResult:
        """Set one setting: a number within its range, or one of its words."""
        body = call.request
        key = setting_key(body.key)
        device = await inverter(call, body.serial, body.same)
        (held,) = await settings(call, device, [key])
        worded = isinstance(held.value, str)
        value = choice(held, body.value, "value") if worded else number(held, body.value, "value")
        return await self._writer.write(call, device, {key: value})

    async def set_clock(self, call: Call[ClockBody]) -> DoneResult:
        """Set the device's own clock."""
        device = await inverter(call, call.request.serial, call.request.same)
        text = clock_text(call.request)
        await settings(call, device, [s.CLOCK])
        return await self._writer.write(call, device, {s.CLOCK: text})

    async def set_peak_shaving(self, call: Call[PeakShavingBody]) -> DoneResult:
        """Set from which power on the battery helps, and what it keeps for that."""
        body = call.request
        device = await inverter(call, body.serial, body.same)
        limit, soc = await settings(call, device, [s.IMPORT_LIMIT, s.PEAK_SOC])
        values = {
            s.IMPORT_LIMIT: number(limit, body.import_limit, "importLimit"),
            s.PEAK_SOC: number(soc, body.soc, "soc"),
        }
        return await self._writer.write(call, device, values)


def handlers(writer: Writer) -> tuple[Handler, ...]:
    """All calls of this module."""
    control = Control(writer)
    return (
        handle(GET_SOC, get_soc),
        handle(SET_SOC, control.set_soc),
        handle(GET_CHARGE_TIMES, get_charge_times),
        handle(SET_CHARGE_TIMES, control.set_charge_times),
        handle(GET_SETTING, get_setting),
        handle(SET_SETTING, control.set_setting),
        handle(GET_CLOCK, get_clock),
        handle(SET_CLOCK, control.set_clock),
        handle(GET_PEAK_SHAVING, get_peak_shaving),
        handle(SET_PEAK_SHAVING, control.set_peak_shaving),
    )
