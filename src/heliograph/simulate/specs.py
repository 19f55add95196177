"""What a simulated plant is made of: its place, climate, grid connection, arrays, battery, load and devices."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from heliograph.clock import zone
from heliograph.model.devices import DeviceKind, MeterRole
from heliograph.model.plants import GridType

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Climate(msgspec.Struct, frozen=True, kw_only=True):
    """The weather of a place in a few numbers; swings are from the yearly mean to high summer."""

    turbidity: float
    """Linke turbidity, yearly mean. [1]"""
    turbidity_swing: float = 0.0
    cloudiness: float
    """0 for a sky half covered on average, positive for more. [1]"""
    cloud_swing: float = 0.0
    temp_mean_c: float
    temp_swing_c: float
    temp_daily_c: float
    """From the mean of a clear day to its warmest hour. [K]"""
    wind_mean_m_s: float
    wind_from_deg: float
    """Where most wind comes from, clockwise from north. [deg]"""
    warmest_day: int = 203
    """Day of the year. [d]"""


class Site(msgspec.Struct, frozen=True):
    """The place of a plant and the seed of all that is random there; every block is cached by it."""

    key: str
    seed: int
    latitude: float
    longitude: float
    altitude_m: float
    zone: str
    climate: Climate

    @property
    def tz(self) -> ZoneInfo:
        """The time zone."""
        return zone(self.zone)


class Connection(msgspec.Struct, frozen=True):
    """The grid a plant is connected to."""

    phases: tuple[str, ...]
    """Of `a b c`."""
    voltage_v: float
    """Nominal, phase to neutral. [V]"""
    frequency_hz: float
    line_factor: float = 3.0**0.5
    """Line voltage in phase voltages: 1.73 in a three-phase grid, 2 where two phases oppose. [1]"""

    @property
    def lines(self) -> tuple[str, ...]:
        """The pairs of phases between which there is a line voltage."""
        pairs = {1: (), 2: ("ab",), 3: ("ab", "bc", "ca")}
        return pairs[len(self.phases)]


class Tracker(msgspec.Struct, frozen=True):
    """The strings on one maximum power point tracker."""

    strings: int
    modules: int
    """In each string."""
    module_w: float
    """At standard test conditions. [W]"""
    tilt_deg: float
    azimuth_deg: float
    """Where the modules face, clockwise from north. [deg]"""
    mount: str = "close_mount_glass_glass"
    """Of pvlib's set of the SAPM temperature model."""

    @property
    def capacity_w(self) -> float:
        """Rating at standard test conditions. [W]"""
        return self.strings * self.modules * self.module_w


class Inverter(msgspec.Struct, frozen=True):
    """An inverter with its array."""

    ac_w: float
    """The most it puts out. [W]"""
    trackers: tuple[Tracker, ...]
    efficiency: float = 0.97
    loss: float = 0.09
    """What soiling, wires, mismatch and age take off the array. [1]"""

    @property
    def capacity_w(self) -> float:
        """Rating of its array at standard test conditions. [W]"""
        return sum(tracker.capacity_w for tracker in self.trackers)


class Battery(msgspec.Struct, frozen=True):
    """A battery behind a hybrid inverter. Powers are at its terminals; shares are in thousandths."""

    capacity_wh: int
    charge_w: int
    discharge_w: int
    charge_permille: int = 965
    """How much of what goes in is stored."""
    discharge_permille: int = 965
    """How much of what is taken from the store comes out."""
    floor_permille: int = 100
    """State of charge at which it stops giving."""
    ceiling_permille: int = 1000
    deadband_w: int = 20
    """It does not start for less. [W]"""
    empty_v: float = 192.0
    full_v: float = 218.0


class LoadProfile(Enum):
    """The shape of a day."""

    HOUSEHOLD = "household"
    COMMERCIAL = "commercial"


class Load(msgspec.Struct, frozen=True):
    """What a site consumes."""

    profile: LoadProfile
    base_w: float
    """Drawn always. [W]"""
    peak_w: float
    """Added in the busiest hours. [W]"""
    cooling_w_per_k: float = 0.0
    """Added for each kelvin above 23 degC while people are there. [W/K]"""
    heating_w_per_k: float = 0.0
    """Added for each kelvin below 12 degC. [W/K]"""


class SimulatedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device before the hub knows it. `key` is unique in its plant; `gateway` is another's key."""

    key: str
    kind: DeviceKind
    name: str
    serial: str = ""
    model: str = ""
    firmware: str = ""
    capacity_w: float | None = None
    """Rated power, of the array for an inverter. [W]"""
    role: MeterRole = MeterRole.GRID
    gateway: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    interval_s: int = 300
    """How often it sends. [s]"""
    wire_ids: dict[str, str] = {}
    """What dialects call it, where that is fixed."""
    inverter: Inverter | None = None
    battery: Battery | None = None
    register_wh: int = 10
    """What its energy registers count in. [Wh]"""
    tariffs: bool = False
    """Whether a meter keeps registers for sharp, peak, flat and valley hours."""


class SimulatedPlant(msgspec.Struct, frozen=True, kw_only=True):
    """A plant before the hub knows it."""

    key: str
    seed: int
    """Of its weather, loads, gaps and alarms."""
    name: str
    zone: str
    address: str
    latitude: float
    longitude: float
    altitude_m: float
    capacity_w: float
    """Rating of all arrays at standard test conditions. [W]"""
    grid_type: GridType
    connected_on: date
    tariff: tuple[float, ...]
    """Price of a kilowatt-hour: one, or 24 by local hour. [currency per kWh]"""
    currency: str
    contact_name: str
    contact_phone: str
    climate: Climate
    connection: Connection
    load: Load
    yield_h: float
    """Energy of a usual year over the rating, for the counters at the start. [h]"""
    devices: tuple[SimulatedDevice, ...]

    @property
    def site(self) -> Site:
        """The place, as the blocks of physics know it."""
        return Site(self.key, self.seed, self.latitude, self.longitude, self.altitude_m, self.zone, self.climate)

    @property
    def inverters(self) -> tuple[SimulatedDevice, ...]:
        """The devices with an array."""
        return tuple(device for device in self.devices if device.inverter is not None)

    @property
    def storage(self) -> SimulatedDevice | None:
        """The battery, if there is one."""
        return next((device for device in self.devices if device.battery is not None), None)

    @property
    def tz(self) -> ZoneInfo:
        """The time zone."""
        return zone(self.zone)
