"""Devices: what stands in a plant and sends samples."""

from __future__ import annotations

from enum import Enum

import msgspec


class DeviceKind(Enum):
    """What a device is; dialects map these to their own type numbers."""

    INVERTER = "inverter"
    """A string inverter."""
    CENTRAL_INVERTER = "central_inverter"
    HYBRID_INVERTER = "hybrid_inverter"
    """An inverter with a battery port; "Smart Energy Center" in SmartPVMS."""
    MICRO_INVERTER = "micro_inverter"
    COMBINER_BOX = "combiner_box"
    WEATHER_STATION = "weather_station"
    """Environmental monitor: irradiance, temperatures, wind."""
    METER = "meter"
    """A multi-function meter, at the grid connection unless its role says otherwise."""
    POWER_SENSOR = "power_sensor"
    """A simple meter beside a residential inverter."""
    BATTERY = "battery"
    TRANSFORMER = "transformer"
    GATEWAY = "gateway"
    """Logger, dongle or ECU: carries others' data."""
    OPTIMIZER = "optimizer"
    SYSTEM = "system"
    """A whole system that reports as one."""
    OTHER = "other"


INVERTERS = frozenset(
    {DeviceKind.INVERTER, DeviceKind.CENTRAL_INVERTER, DeviceKind.HYBRID_INVERTER, DeviceKind.MICRO_INVERTER}
)
METERS = frozenset({DeviceKind.METER, DeviceKind.POWER_SENSOR})


class MeterRole(Enum):
    """What a meter measures, which decides what its energy means for the plant."""

    GRID = "grid"
    """The grid connection: forward is import, reverse is feed-in."""
    PRODUCTION = "production"
    """The output of the array: forward is production."""
    LOAD = "load"
    """Consumption: forward is consumption."""


class ReportedRule(Enum):
    """Which daily total counts where one was reported and one was computed from samples."""

    REPORTED = "reported"
    """The reported one."""
    COMPUTED = "computed"
    """The computed one."""
    FILLS = "fills"
    """The computed one, unless samples are missing and the reported one knows of more."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of a plant. `id` is the hub's own; vendor ids are aliases."""

    id: int
    plant_id: int
    kind: DeviceKind
    name: str
    serial: str = ""
    model: str = ""
    firmware: str = ""
    capacity_w: float | None = None
    """Rated power, direct-current side for an inverter's performance figures. [W]"""
    role: MeterRole = MeterRole.GRID
    gateway_id: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    interval_s: int = 300
    """How often a sample is expected. [s]"""
    attributes: dict[str, str] = {}
    """What a dialect knows beyond this, for example a type number without a kind of its own."""
    disabled: bool = False
    reported: ReportedRule = ReportedRule.FILLS
    """Which total counts where one was reported and one was computed."""
