"""The bodies of the calls that control devices; see `wire` for how requests and answers are read."""

from __future__ import annotations

import msgspec

from heliograph.dialects.foxess.wire import Param, Result


class SocBody(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"serial": "sn", "same": "deviceSN", "least": "minSoc", "least_on_grid": "minSocOnGrid"},
):
    """How far a battery may be emptied: at all, and while there is a grid. [%]"""

    serial: Param = None
    least: Param = None
    least_on_grid: Param = None
    same: Param = None


class ChargeTimesBody(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "serial": "sn", "same": "deviceSN", "start1": "startTime1", "end1": "endTime1", "start2": "startTime2",
        "end2": "endTime2",
    },
):  # fmt: skip
    """Two periods of the day in which the battery is filled from the grid."""

    serial: Param = None
    enable1: Param = None
    enable2: Param = None
    start1: Param = None
    end1: Param = None
    start2: Param = None
    end2: Param = None
    same: Param = None


class SettingQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """One setting of a device, by its name."""

    serial: Param = None
    key: Param = None
    same: Param = None


class SettingBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """One setting of a device, by its name, and what it is to be."""

    serial: Param = None
    key: Param = None
    value: Param = None
    same: Param = None


class ClockBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """What a device's clock is to show."""

    serial: Param = None
    year: Param = None
    month: Param = None
    day: Param = None
    hour: Param = None
    minute: Param = None
    second: Param = None
    same: Param = None


class PeakShavingBody(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"serial": "sn", "same": "deviceSN", "import_limit": "importLimit"},
):
    """From which power on a battery helps, and what it keeps for that. [W], [%]"""

    serial: Param = None
    import_limit: Param = None
    soc: Param = None
    same: Param = None


class FlagBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "deviceSN", "same": "sn"}):
    """Whether the schedule of a device is to count."""

    serial: Param = None
    enable: Param = None
    same: Param = None


class SegmentsBody(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "deviceSN", "same": "sn"}):
    """The segments of a device's schedule; each is judged by the handler."""

    serial: Param = None
    groups: Param = None
    same: Param = None


class MeterBody(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "serial": "sn", "same": "deviceSN", "feed_in": "feedinPower", "most_out": "outputMaxCurrent",
        "most_in": "inputMaxCurrent", "over": "overVoltageMaxValue", "under": "underVoltageMinValue",
        "on_off": "sysOnOffPowerValue",
    },
):  # fmt: skip
    """The mode of a meter, and what goes with it."""

    serial: Param = None
    mode: Param = None
    feed_in: Param = None
    most_out: Param = None
    most_in: Param = None
    over: Param = None
    under: Param = None
    on_off: Param = None
    same: Param = None


class Done(msgspec.Struct):
    """What a call that writes answers: nothing in particular."""


class Soc(msgspec.Struct, rename={"least": "minSoc", "least_on_grid": "minSocOnGrid"}):
    """How far a battery may be emptied: at all, and while there is a grid. [%]"""

    least: int
    least_on_grid: int


class Time(msgspec.Struct):
    """A minute of the day."""

    hour: int
    minute: int


class ChargeTimes(
    msgspec.Struct, rename={"start1": "startTime1", "end1": "endTime1", "start2": "startTime2", "end2": "endTime2"}
):
    """Two periods of the day in which the battery is filled from the grid."""

    enable1: bool
    start1: Time
    end1: Time
    enable2: bool
    start2: Time
    end2: Time


class Range(msgspec.Struct, rename={"least": "min", "most": "max"}):
    """The bounds of a number; both 0 for a word."""

    least: int | float
    most: int | float


class Tunable(msgspec.Struct, rename={"choices": "enumList"}):
    """A setting: what it is, and what it may be; `choices` only where it is a word."""

    value: str
    unit: str
    precision: int | float
    range: Range
    choices: list[str] | msgspec.UnsetType = msgspec.UNSET


class Property(msgspec.Struct, rename={"choices": "enumList"}):
    """What a field of a segment may be."""

    unit: str
    precision: int | float
    range: Range | msgspec.UnsetType = msgspec.UNSET
    choices: list[str] | msgspec.UnsetType = msgspec.UNSET


class Shown(msgspec.Struct):
    """What a device's clock shows: texts, the year in four digits, the rest in two."""

    year: str
    month: str
    day: str
    hour: str
    minute: str
    second: str


class PeakShaving(msgspec.Struct, rename={"import_limit": "importLimit"}):
    """From which power on a battery helps, and what it keeps for that."""

    import_limit: Tunable
    soc: Tunable


class Flag(msgspec.Struct):
    """Whether a device has a schedule, and whether it counts. Printed as 1 or 0, on the live service true or false."""

    support: bool | int
    enable: bool | int


class Group(
    msgspec.Struct,
    rename={
        "start_hour": "startHour", "start_minute": "startMinute", "end_hour": "endHour", "end_minute": "endMinute",
        "mode": "workMode", "least_on_grid": "minSocOnGrid", "discharge_soc": "fdSoc", "power": "fdPwr",
        "most": "maxSoc",
    },
):  # fmt: skip
    """A segment of the day: its first and its last minute, its work mode and what goes with that. [%], [W]"""

    enable: int
    start_hour: int
    start_minute: int
    end_hour: int
    end_minute: int
    mode: str
    least_on_grid: int
    discharge_soc: int
    power: int
    most: int | msgspec.UnsetType = msgspec.UNSET


class Schedule(msgspec.Struct):
    """Whether a schedule counts, its segments, and what their fields may be."""

    enable: int
    groups: list[Group]
    properties: dict[str, Property] | msgspec.UnsetType = msgspec.UNSET


class MeterSettings(
    msgspec.Struct,
    rename={
        "feed_in": "feedinPower", "most_out": "outputMaxCurrent", "most_in": "inputMaxCurrent",
        "over": "overVoltageMaxValue", "under": "underVoltageMinValue", "on_off": "sysOnOffPowerValue",
        "quantity": "deviceQuantity",
    },
):  # fmt: skip
    """Everything that a meter is set to."""

    mode: Tunable
    feed_in: Tunable
    most_out: Tunable
    most_in: Tunable
    over: Tunable
    under: Tunable
    on_off: Tunable
    quantity: Tunable


class DoneResult(Result[Done]):
    """It is done."""


class SocResult(Result[Soc]):
    """How far a battery may be emptied."""


class ChargeTimesResult(Result[ChargeTimes]):
    """When a battery is filled from the grid."""


class SettingResult(Result[Tunable]):
    """One setting."""


class ClockResult(Result[Shown]):
    """A device's clock."""


class PeakShavingResult(Result[PeakShaving]):
    """How a battery helps with peaks."""


class FlagResult(Result[Flag]):
    """Whether a schedule counts."""


class ScheduleResult(Result[Schedule]):
    """A schedule."""


class MeterSettingsResult(Result[MeterSettings]):
    """What a meter is set to."""
