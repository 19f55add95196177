"""The policy of folding, as data: which readings make which energy, for each kind of device."""

from __future__ import annotations

from enum import Enum

import msgspec

from heliograph.model import buckets as b
from heliograph.model import measurements as m
from heliograph.model.devices import INVERTERS, Device, DeviceKind, MeterRole


class Part(Enum):
    """Which part of a signed power an energy is made of."""

    NET = "net"
    POSITIVE = "positive"
    NEGATIVE = "negative"


class Reset(Enum):
    """What a falling counter means."""

    RESTART = "restart"
    """It started again from zero: what it shows is new energy. A fall to more than half is a glitch, and held."""
    HOLD = "hold"
    """A wrong reading: nothing counts until it passes its old maximum."""


class Rule(msgspec.Struct, frozen=True):
    """How a quantity is found: from the first of `counters` that reads, else a daily register, else from power."""

    quantity: str
    counters: tuple[str, ...] = ()
    daily: str = ""
    power: str = ""
    part: Part = Part.NET
    reset: Reset = Reset.RESTART


class RollupConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How samples become totals."""

    max_gap_s: int = 3600
    """The longest stretch between two samples that power is integrated across. [s]"""
    min_irradiance: float = 50.0
    """From which in-plane irradiance on an inverter is expected to produce. [W/m2]"""
    fold_every_s: float = 15.0
    """How long folding may lag behind samples when nobody reads. [s]"""


_AC = Rule(b.PRODUCTION, (m.AC_ENERGY.key,), m.AC_ENERGY_TODAY.key, m.AC_POWER.key)
_DC = Rule(b.PV_INPUT, (m.PV_ENERGY.key,), power=m.PV_POWER.key, part=Part.POSITIVE)
_HOUSE = (
    Rule(b.PURCHASE, (m.GRID_IMPORT.key,), power=m.GRID_POWER.key, part=Part.POSITIVE, reset=Reset.HOLD),
    Rule(b.FEED_IN, (m.GRID_EXPORT.key,), power=m.GRID_POWER.key, part=Part.NEGATIVE, reset=Reset.HOLD),
    Rule(b.CONSUMPTION, (m.LOAD_ENERGY.key,), power=m.LOAD_POWER.key, part=Part.POSITIVE, reset=Reset.HOLD),
)
_BATTERY = (
    Rule(b.CHARGED, (m.BATTERY_CHARGED.key,), m.BATTERY_CHARGED_TODAY.key, m.BATTERY_POWER.key, Part.NEGATIVE),
    Rule(b.DISCHARGED, (m.BATTERY_DISCHARGED.key,), m.BATTERY_DISCHARGED_TODAY.key, m.BATTERY_POWER.key, Part.POSITIVE),
)
_METER_FORWARD, _METER_REVERSE, _METER_POWER = m.METER_FORWARD.key, m.METER_REVERSE.key, m.METER_POWER.key
_METER: dict[MeterRole, tuple[Rule, ...]] = {
    MeterRole.GRID: (
        Rule(b.PURCHASE, (_METER_FORWARD,), power=_METER_POWER, part=Part.POSITIVE, reset=Reset.HOLD),
        Rule(b.FEED_IN, (_METER_REVERSE,), power=_METER_POWER, part=Part.NEGATIVE, reset=Reset.HOLD),
    ),
    # A production meter may be wired either way round: the register that is there is the one that counts.
    MeterRole.PRODUCTION: (Rule(b.PRODUCTION, (_METER_FORWARD, _METER_REVERSE), power=_METER_POWER, reset=Reset.HOLD),),
    MeterRole.LOAD: (Rule(b.CONSUMPTION, (_METER_FORWARD,), power=_METER_POWER, reset=Reset.HOLD),),
}
IRRADIANCE = m.POA_GLOBAL.key
IRRADIATION_TODAY = m.POA_IRRADIATION.key
BATTERY_POWER = m.BATTERY_POWER.key


def rules(device: Device) -> tuple[Rule, ...]:
    """What is totalled for a device."""
    match device.kind:
        case DeviceKind.HYBRID_INVERTER | DeviceKind.SYSTEM:
            return (_AC, _DC, *_HOUSE, *_BATTERY)
        case kind if kind in INVERTERS:
            return (_AC, _DC, *_HOUSE)
        case DeviceKind.METER | DeviceKind.POWER_SENSOR:
            return _METER[device.role]
        case DeviceKind.BATTERY:
            return _BATTERY
    return ()


def keys(device: Device) -> tuple[str, ...]:
    """Every measurement that folding a device needs."""
    wanted: dict[str, None] = {}
    for rule in rules(device):
        for key in (*rule.counters, rule.daily, rule.power):
            if key:
                wanted[key] = None
    if device.kind is DeviceKind.WEATHER_STATION:
        wanted.update(dict.fromkeys((IRRADIANCE, IRRADIATION_TODAY)))
    return tuple(wanted)


def counters(device: Device) -> tuple[str, ...]:
    """The counters whose last reading a day hands on to the next."""
    return tuple(key for rule in rules(device) for key in rule.counters)
