"""What a meter is set to: its mode, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import UNKNOWN, refuse
from heliograph.dialects.foxess.control_wire import DoneResult, MeterBody, MeterSettings, MeterSettingsResult
from heliograph.dialects.foxess.lookup import find_devices, rigs, sight
from heliograph.dialects.foxess.operations import GET_METER, SET_METER
from heliograph.dialects.foxess.writing import Writer, choice, number, settings, shown
from heliograph.errors import BadRequestError
from heliograph.model import settings as s
from heliograph.model.devices import METERS
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.foxess.wire import Param, SerialQuery
    from heliograph.model.devices import Device
    from heliograph.model.settings import Value

NORMAL, G100 = "Normal", "G100"
"""The mode in which a meter limits nothing, and the one in which it takes every limit."""
KEYS = {
    "feedinPower": s.METER_FEED_IN,
    "outputMaxCurrent": s.METER_MAX_OUT,
    "inputMaxCurrent": s.METER_MAX_IN,
    "overVoltageMaxValue": s.METER_OVER,
    "underVoltageMinValue": s.METER_UNDER,
    "sysOnOffPowerValue": s.METER_ON_OFF,
}
"""What goes with a mode: the first with any but the normal one, the others with G100 only."""


async def meter(call: Call[Any], serial: Param, same: Param) -> Device:
    """The meter that a request names; an inverter stands for the meter at its grid connection. Raises VendorError."""
    (device,) = await find_devices(call, [parameters.serial(serial, same)])
    if device is None or device.disabled:
        raise refuse(UNKNOWN)
    if device.kind in METERS:
        seen = await sight(call, [device.plant_id])
        found: tuple[Device, ...] = (device,) if device in seen.devices else ()
    else:
        # The document calls the serial number that of an inverter.
        found = tuple(each for rig in await rigs(call, [device]) for each in rig.meters)
    if not found:
        raise refuse(UNKNOWN)
    return found[0]


async def get_meter(call: Call[SerialQuery]) -> MeterSettingsResult:
    """Everything that a meter is set to."""
    device = await meter(call, call.request.serial, call.request.same)
    held = await settings(call, device, [s.METER_MODE, *KEYS.values(), s.METER_DEVICES])
    return MeterSettingsResult(MeterSettings(*(shown(setting, always=True) for setting in held)))


class Meters:
    """The call that writes, with how long it waits for its device."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def set_meter(self, call: Call[MeterBody]) -> DoneResult:
        """Set a meter's mode and what goes with it. Raises BadRequestError for what does not go with it."""
        body = call.request
        device = await meter(call, body.serial, body.same)
        mode, *others = await settings(call, device, [s.METER_MODE, *KEYS.values()])
        values: dict[str, Value] = {s.METER_MODE: choice(mode, body.mode, "mode")}
        given = (body.feed_in, body.most_out, body.most_in, body.over, body.under, body.on_off)
        for name, setting, value in zip(KEYS, others, given, strict=True):
            if value in (None, ""):
                continue
            if values[s.METER_MODE] == NORMAL or (name != "feedinPower" and values[s.METER_MODE] != G100):
                raise BadRequestError(f"{name} does not go with the mode {values[s.METER_MODE]}", field=name)
            values[setting.key] = number(setting, value, name)
        return await self._writer.write(call, device, values)


def handlers(writer: Writer) -> tuple[Handler, ...]:
    """All calls of this module."""
    return handle(GET_METER, get_meter), handle(SET_METER, Meters(writer).set_meter)
