"""The settings of simulated devices: what they come with, what they may be, and what they mean.

A device's values are a dictionary of what was written to it; what was not has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from heliograph.clock import local
from heliograph.model import settings as s
from heliograph.model.devices import METERS, DeviceKind
from heliograph.model.settings import Setting, Value, Window, WorkMode
from heliograph.simulate.control import MOST_W, Controls

if TYPE_CHECKING:
    from datetime import datetime

    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

Values = Mapping[str, Value]
CLOCK_OFFSET = "device.clock_offset"
"""What remains of a clock that was set: how far it is ahead of the plant's. [s]"""
MINUTE_S = 60
MODES = tuple(mode.value for mode in (WorkMode.SELF_USE, WorkMode.FEED_IN, WorkMode.BACKUP, WorkMode.PEAK_SHAVING))
"""Work modes that can be set for good; a forced charge or discharge belongs to the schedule."""
GRID_CODES = ("G98", "G99", "EN50549", "VDE4105", "AS4777", "CEI021")
METER_MODES = NORMAL, EXPORT_LIMIT, G100 = ("Normal", "ExportLimit", "G100")
NO_WINDOWS = s.windows_text((Window(), Window()))


class Write(msgspec.Struct, frozen=True):
    """Values that were written to a device of a plant, by its key. They count from the first stamp not before it."""

    device: str
    at_ms: int
    values: dict[str, Value]


def settings_of(
    plant: SimulatedPlant, device: SimulatedDevice, values: Values, now_ms: int
) -> dict[str, Setting] | None:
    """Every setting of a device as it stands; None for a device without any, and for a meter to which none keeps."""
    if device.kind is DeviceKind.HYBRID_INVERTER:
        found = _hybrid(plant, device, values, now_ms)
    elif device.kind in METERS and any(one.kind is DeviceKind.HYBRID_INVERTER for one in plant.devices):
        found = _meter(values)
    else:
        return None
    return {setting.key: setting for setting in found}


def _number(
    values: Values, key: str, default: float, low: float, high: float, unit: str, precision: float = 1.0
) -> Setting:
    value = float(values.get(key, default))
    return Setting(key=key, value=value, unit=unit, minimum=low, maximum=high, precision=precision)


def _hybrid(plant: SimulatedPlant, device: SimulatedDevice, values: Values, now_ms: int) -> list[Setting]:
    rated_w = device.inverter.ac_w if device.inverter is not None else 0.0
    shown = _wall(plant, now_ms) + timedelta(seconds=float(values.get(CLOCK_OFFSET, 0)))
    return [
        _number(values, s.MIN_SOC, 10.0, 10.0, 100.0, "%"),
        _number(values, s.MIN_SOC_ON_GRID, 10.0, 10.0, 100.0, "%"),
        _number(values, s.MAX_SOC, 100.0, 10.0, 100.0, "%"),
        _number(values, s.PEAK_SOC, 50.0, 10.0, 100.0, "%"),
        _number(values, s.EXPORT_LIMIT, MOST_W, 0.0, MOST_W, "W"),
        _number(values, s.IMPORT_LIMIT, rated_w, 0.0, MOST_W, "W"),
        Setting(key=s.WORK_MODE, value=values.get(s.WORK_MODE, WorkMode.SELF_USE.value), choices=MODES),
        Setting(key=s.GRID_CODE, value=values.get(s.GRID_CODE, GRID_CODES[0]), choices=GRID_CODES),
        Setting(key=s.CHARGE_WINDOWS, value=values.get(s.CHARGE_WINDOWS, NO_WINDOWS)),
        Setting(key=s.SCHEDULE_ON, value=values.get(s.SCHEDULE_ON, False)),
        Setting(key=s.SCHEDULE, value=values.get(s.SCHEDULE, "[]")),
        Setting(key=s.CLOCK, value=s.clock_text(shown)),
    ]


def _meter(values: Values) -> list[Setting]:
    return [
        Setting(key=s.METER_MODE, value=values.get(s.METER_MODE, NORMAL), choices=METER_MODES),
        _number(values, s.METER_FEED_IN, MOST_W, 0.0, MOST_W, "W"),
        _number(values, s.METER_MAX_OUT, 100.0, 0.0, 200.0, "A", 0.1),
        _number(values, s.METER_MAX_IN, 100.0, 0.0, 200.0, "A", 0.1),
        _number(values, s.METER_OVER, 262.2, 230.0, 280.0, "V", 0.1),
        _number(values, s.METER_UNDER, 184.0, 160.0, 230.0, "V", 0.1),
        _number(values, s.METER_ON_OFF, 500.0, 0.0, MOST_W, "W"),
        Setting(key=s.METER_DEVICES, value=1.0, minimum=0.0, maximum=10.0, fixed=True),
    ]


def _wall(plant: SimulatedPlant, now_ms: int) -> datetime:
    """The plant's time to the second, without its zone: a device's clock is ahead of it by the same always."""
    return local(now_ms, plant.tz).replace(tzinfo=None, microsecond=0)


def kept(plant: SimulatedPlant, values: Values, now_ms: int) -> dict[str, Value]:
    """Values as a device keeps them: of a clock that is set only how far it is ahead remains."""
    out = dict(values)
    if s.CLOCK in out:
        ahead = s.parse_clock(str(out.pop(s.CLOCK))) - _wall(plant, now_ms)
        out[CLOCK_OFFSET] = ahead.total_seconds()
    return out


def controls_of(plant: SimulatedPlant, set_: Mapping[str, Values], key: str) -> Controls:
    """What a hybrid inverter keeps to, given what was written to every device of its plant."""
    values = set_.get(key, {})
    limit_w = float(values.get(s.EXPORT_LIMIT, MOST_W))
    for device in plant.devices:
        meter = set_.get(device.key, {})
        if device.kind in METERS and meter.get(s.METER_MODE, NORMAL) != NORMAL:
            limit_w = min(limit_w, float(meter.get(s.METER_FEED_IN, MOST_W)))
    own = next(device for device in plant.devices if device.key == key)
    rated_w = own.inverter.ac_w if own.inverter is not None else 0.0
    return Controls(
        mode=WorkMode(values.get(s.WORK_MODE, WorkMode.SELF_USE.value)),
        min_soc=float(values.get(s.MIN_SOC, 10.0)),
        min_soc_on_grid=float(values.get(s.MIN_SOC_ON_GRID, 10.0)),
        max_soc=float(values.get(s.MAX_SOC, 100.0)),
        peak_soc=float(values.get(s.PEAK_SOC, 50.0)),
        export_limit_w=limit_w,
        import_limit_w=float(values.get(s.IMPORT_LIMIT, rated_w)),
        windows=s.parse_windows(str(values.get(s.CHARGE_WINDOWS, "[]"))),
        schedule_on=bool(values.get(s.SCHEDULE_ON, False)),
        segments=s.parse_segments(str(values.get(s.SCHEDULE, "[]"))),
        clock_offset_min=int(float(values.get(CLOCK_OFFSET, 0)) // MINUTE_S),
    )
