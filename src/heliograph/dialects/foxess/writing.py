"""What a device is set to, read and written through the hub, and settings in the vendor's form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import NOT_WRITTEN, OFFLINE, TIMED_OUT, UNSUPPORTED, refuse
from heliograph.dialects.foxess.control_wire import Done, DoneResult, Range, Tunable
from heliograph.errors import BadRequestError, ConflictError
from heliograph.model.commands import CommandState
from heliograph.model.settings import WRITE, WorkMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.dialects.foxess.wire import Param
    from heliograph.model.commands import Command
    from heliograph.model.devices import Device
    from heliograph.model.settings import Setting, Value
    from heliograph.protocol.operations import Call

WORDS = {
    WorkMode.SELF_USE.value: "SelfUse",
    WorkMode.FEED_IN.value: "Feedin",
    WorkMode.BACKUP.value: "Backup",
    WorkMode.FORCE_CHARGE.value: "ForceCharge",
    WorkMode.FORCE_DISCHARGE.value: "ForceDischarge",
    WorkMode.PEAK_SHAVING.value: "PeakShaving",
}
"""The vendor's words by the hub's; what has no entry is called the same."""
_ON, _OFF = ("1", "true"), ("0", "false")
_ENDS = {
    CommandState.REFUSED: NOT_WRITTEN,
    CommandState.FAILED: NOT_WRITTEN,
    CommandState.EXPIRED: OFFLINE,
    CommandState.CANCELLED: OFFLINE,
    CommandState.SENT: TIMED_OUT,
    CommandState.UNKNOWN: TIMED_OUT,
}
"""What is told of a command that is not confirmed."""


async def settings(call: Call[Any], device: Device, keys: Sequence[str]) -> list[Setting]:
    """Settings of a device, asked of itself. Raises VendorError when it has not all of them."""
    found = await call.hub.commands.settings(call.caller, device.id)
    if any(key not in found for key in keys):
        raise refuse(UNSUPPORTED)
    return [found[key] for key in keys]


class Writer:
    """Writes settings, and waits so many seconds for the device."""

    def __init__(self, answer_s: float) -> None:
        self._answer_s = answer_s

    async def write(self, call: Call[Any], device: Device, values: Mapping[str, Value]) -> DoneResult:
        """Write settings to a device. Raises VendorError unless the device confirms them in time.

        What was not sent by then is taken back; what was sent is followed by the hub all the same.
        """
        commands = call.hub.commands
        lifetime_s = max(math.ceil(self._answer_s), 1)
        command = await commands.submit(call.caller, device.id, WRITE, values, lifetime_s=lifetime_s)
        command = await commands.wait(command, self._answer_s)
        if command.state is CommandState.ACCEPTED:
            command = await self._take_back(call, command)
        if command.state is not CommandState.CONFIRMED:
            raise refuse(_ENDS[command.state])
        return DoneResult(Done())

    async def _take_back(self, call: Call[Any], command: Command) -> Command:
        try:
            return await call.hub.commands.cancel(call.caller, command.id)
        except ConflictError:  # it was sent in this very moment, or its time is over
            return await call.hub.commands.wait(command, self._answer_s)


def word(value: Value) -> str:
    """The vendor's word for one of the hub's."""
    return WORDS.get(str(value), str(value))


def shown(setting: Setting, *, always: bool = False) -> Tunable:
    """A setting in the vendor's form; with `always` it has a list of words also where it is a number."""
    words = [word(choice) for choice in setting.choices]
    listed = words if words or always else msgspec.UNSET
    if isinstance(setting.value, str):
        return Tunable(word(setting.value), setting.unit, 1, Range(0, 0), listed)
    return Tunable(digits(setting), setting.unit, plain(setting.precision), bounds(setting), listed)


def bounds(setting: Setting) -> Range:
    """The range of a setting; what is not bounded has 0."""
    return Range(plain(setting.minimum or 0), plain(setting.maximum or 0))


def plain(value: float) -> int | float:
    """A number, whole where it is."""
    return int(value) if float(value).is_integer() else value


def digits(setting: Setting) -> str:
    """The value of a setting as a text, with as many decimals as its precision has."""
    places = max(-math.floor(math.log10(setting.precision)), 0)
    return f"{float(setting.value):.{places}f}"


def number(setting: Setting, value: Param, field: str) -> float:
    """A number that a setting takes. Raises BadRequestError naming the parameter."""
    low = -math.inf if setting.minimum is None else setting.minimum
    high = math.inf if setting.maximum is None else setting.maximum
    found = parameters.number(value, field, low, high)
    steps = found / setting.precision
    if not math.isclose(steps, round(steps), rel_tol=0.0, abs_tol=1e-6):
        raise BadRequestError(f"{field} comes in steps of {setting.precision:g}", field=field)
    return found


def choice(setting: Setting, value: Param, field: str) -> str:
    """A word that a setting takes, in the hub's form; any text where it names none. Raises BadRequestError."""
    given = parameters.text(value, field)
    if not setting.choices:
        return given
    known = {word(each).casefold(): each for each in setting.choices}
    if given.casefold() not in known:
        raise BadRequestError(f"{field} must be one of {', '.join(map(word, setting.choices))}", field=field)
    return known[given.casefold()]


def flag(value: Param, field: str) -> bool:
    """Yes or no: also as 1 and 0, and as text. Raises BadRequestError, MissingFieldError."""
    given = ("1" if value else "0") if isinstance(value, bool) else parameters.text(value, field).lower()
    if given not in _ON + _OFF:
        raise BadRequestError(f"{field} must be 1 or 0", field=field)
    return given in _ON
