"""Settings: what a device can be told to keep to, in the hub's own words, with the range it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, TypeVar

import msgspec

from heliograph.errors import BadRequestError

Value = str | float | bool
T = TypeVar("T")
DAY_MIN = 24 * 60
Minute = Annotated[int, msgspec.Meta(ge=0, lt=DAY_MIN)]
"""Of a day. [min since midnight]"""
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]

WRITE = "settings.write"
"""The name of the command that writes settings; its arguments are values by key."""
MIN_SOC = "battery.min_soc"
"""How far the battery may be emptied, whatever else is set. [%]"""
MIN_SOC_ON_GRID = "battery.min_soc_on_grid"
"""How far while there is a grid; where `MIN_SOC` is higher, that counts. [%]"""
MAX_SOC = "battery.max_soc"
"""How far it is filled. [%]"""
CHARGE_WINDOWS = "battery.charge_windows"
"""Two windows of the day in which it is filled from the grid, as `windows_text`."""
WINDOWS = 2
PEAK_SOC = "battery.peak_soc"
"""How far peak shaving fills it from the grid. [%]"""
EXPORT_LIMIT = "grid.export_limit"
"""The most that is fed in. [W]"""
IMPORT_LIMIT = "grid.import_limit"
"""The most that is bought before the battery helps. [W]"""
WORK_MODE, GRID_CODE, CLOCK = "inverter.work_mode", "inverter.grid_code", "device.clock"
"""How the battery is used; which grid code is set; the device's own clock, as `clock_text` of its plant's time."""
CLOCK_FORM = "%Y-%m-%d %H:%M:%S"
CLOCK_YEARS = range(2000, 2100)
"""The years that a device's clock knows."""
SCHEDULE_ON, SCHEDULE = "schedule.enabled", "schedule.segments"
"""Whether the schedule counts, and its segments, as `segments_text`. While it counts, charge windows do not; where no
segment lies, the work mode does."""
METER_MODE, METER_FEED_IN = "meter.mode", "meter.feed_in_power"
METER_MAX_OUT, METER_MAX_IN = "meter.output_max_current", "meter.input_max_current"
METER_OVER, METER_UNDER = "meter.over_voltage", "meter.under_voltage"
METER_ON_OFF, METER_DEVICES = "meter.on_off_power", "meter.device_quantity"


class WorkMode(Enum):
    """What a battery is used for."""

    SELF_USE = "self_use"
    """It takes what the sun gives beyond the load, and gives what the load takes beyond the sun."""
    FEED_IN = "feed_in"
    """The surplus is fed in first; it takes only what may not be fed in."""
    BACKUP = "backup"
    """It is kept for outages: it takes the surplus and gives nothing while there is a grid."""
    PEAK_SHAVING = "peak_shaving"
    """It gives what is needed beyond the import limit, and is filled with what is left of that up to `PEAK_SOC`."""
    FORCE_CHARGE = "force_charge"
    """It is filled, from the grid too."""
    FORCE_DISCHARGE = "force_discharge"
    """It gives a power until it is down to a state of charge."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a device as it stands, with what it may be."""

    key: str
    value: Value
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    precision: float = 1.0
    choices: tuple[str, ...] = ()
    """The words it may be; empty for a number or a text."""
    fixed: bool = False
    """Whether it can only be read."""

    def check(self, value: Value) -> None:
        """Raise BadRequestError unless the device takes a value."""
        if self.fixed:
            raise BadRequestError(f"{self.key} can only be read", field=self.key)
        kind = next(kind for kind in _KINDS if isinstance(self.value, kind))
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
            raise BadRequestError(f"{self.key} is {_KINDS[kind]}", field=self.key)
        if self.choices and value not in self.choices:
            raise BadRequestError(f"{self.key} is one of {', '.join(self.choices)}", field=self.key)
        if isinstance(value, str):
            _TEXTS.get(self.key, str)(value)
            return
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        if not low <= value <= high or math.isinf(value):
            span = f"{self.key} lies between {low:g} and {high:g} {self.unit}".rstrip()
            raise BadRequestError(span, field=self.key)


_KINDS: dict[type | tuple[type, ...], str] = {bool: "true or false", (int, float): "a number", str: "a text"}
Settings = Mapping[str, Setting]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A part of every day, by the clock of the plant: its first minute, and its last. [min since midnight]"""

    enabled: bool = False
    since_min: Minute = 0
    until_min: Minute = 0

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in it; one whose end is before its start goes over midnight.

        One that ends where it starts holds nothing.
        """
        if not self.enabled or self.since_min == self.until_min:
            return False
        if self.since_min < self.until_min:
            return self.since_min <= minute <= self.until_min
        return minute >= self.since_min or minute <= self.until_min

    def follows(self, other: Window, minute: int) -> bool:
        """Whether it begins in the minute in which another ends."""
        return self.since_min == minute == other.until_min


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A part of every day with a work mode of its own."""

    window: Window
    mode: WorkMode = WorkMode.SELF_USE
    min_soc_on_grid: Percent = 10.0
    """[%]"""
    discharge_soc: Percent = 10.0
    """Where a forced discharge ends. [%]"""
    power_w: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Of a forced charge or discharge; 0 for what the battery can. [W]"""
    max_soc: Percent | None = None
    """[%]"""


def windows_text(windows: Sequence[Window]) -> str:
    """Windows as the text that a setting holds."""
    return msgspec.json.encode(list(windows)).decode()


def parse_windows(text: str) -> tuple[Window, ...]:
    """The windows of a setting's text. Raises BadRequestError."""
    return tuple(_parse(text, list[Window], CHARGE_WINDOWS))


def segments_text(segments: Sequence[Segment]) -> str:
    """Segments as the text that a setting holds."""
    return msgspec.json.encode(list(segments)).decode()


def parse_segments(text: str) -> tuple[Segment, ...]:
    """The segments of a setting's text. Raises BadRequestError."""
    return tuple(_parse(text, list[Segment], SCHEDULE))


def _parse(text: str, kind: type[list[T]], key: str) -> list[T]:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadRequestError(f"{key} cannot be read: {error}", field=key) from error


def counting(segments: Sequence[Segment], minute: int) -> Segment | None:
    """The enabled segment that counts at a minute of the day; where one ends as another begins, the one that begins."""
    held = [segment for segment in segments if segment.window.holds(minute)]
    return next((each for each in held if each.window.since_min == minute), held[0] if held else None)


def overlapping(segments: Sequence[Segment]) -> tuple[int, int] | None:
    """The first two enabled segments that share a minute, by their places; None when none do.

    One may end in the minute in which another begins: some name the last minute, others the first that is no longer in
    it.
    """
    taken: dict[int, int] = {}
    for place, segment in enumerate(segments):
        for minute in filter(segment.window.holds, range(DAY_MIN) if segment.window.enabled else ()):
            other = taken.get(minute)
            if other is None or segment.window.follows(segments[other].window, minute):
                taken[minute] = place
            elif not segments[other].window.follows(segment.window, minute):
                return other, place
    return None


def clock_text(wall: datetime) -> str:
    """A time of the plant's calendar as the text that a setting holds."""
    return wall.strftime(CLOCK_FORM)


def parse_clock(text: str) -> datetime:
    """The time of a setting's text, without a zone. Raises BadRequestError."""
    try:
        wall = datetime.strptime(text, CLOCK_FORM)  # noqa: DTZ007  the plant's zone is not the setting's business
    except ValueError as error:
        raise BadRequestError(f"{CLOCK} is a time like 2024-05-01 12:00:00", field=CLOCK) from error
    if wall.year not in CLOCK_YEARS:
        raise BadRequestError(f"{CLOCK} lies in {CLOCK_YEARS[0]} to {CLOCK_YEARS[-1]}", field=CLOCK)
    return wall


def _check_windows(text: str) -> None:
    if len(parse_windows(text)) != WINDOWS:
        raise BadRequestError(f"{CHARGE_WINDOWS} are {WINDOWS} windows", field=CHARGE_WINDOWS)


def _check_segments(text: str) -> None:
    if overlapping(parse_segments(text)) is not None:
        raise BadRequestError("two segments of the schedule share a minute", field=SCHEDULE)


_TEXTS: dict[str, Callable[[str], object]] = {
    CHARGE_WINDOWS: _check_windows,
    SCHEDULE: _check_segments,
    CLOCK: parse_clock,
}
"""What reads the texts of settings, by key; raises BadRequestError."""


def check(settings: Settings, values: Mapping[str, Value]) -> None:
    """Raise BadRequestError, its field the setting's key, unless a device with these settings takes the values."""
    for key, value in values.items():
        if key not in settings:
            raise BadRequestError(f"there is no setting {key}", field=key)
        settings[key].check(value)
