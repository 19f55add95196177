"""Measurements: every quantity the hub has a name for.

Keys read `part[.index].quantity`. Power is positive out of the thing named (photovoltaics producing, a battery
discharging); `grid.power` and a grid meter's `meter.power` are positive when energy is imported.
A point that no table knows is kept too, under `<dialect>:<wire name>`, as a gauge without a unit.
"""

from __future__ import annotations

import re
from enum import Enum

import msgspec

from heliograph.model.units import (
    CODE,
    DEG_C,
    DEGREE,
    HZ,
    M_PER_S,
    MS_EPOCH,
    OHM,
    ONE,
    PERCENT,
    TIMES,
    VA,
    VAR,
    VARH,
    W_PER_M2,
    WH,
    WH_PER_M2,
    A,
    S,
    Unit,
    V,
    W,
)  # fmt: skip


class Aggregation(Enum):
    """What a period makes of the readings in it."""

    MEAN = "mean"
    """An instantaneous quantity: its mean, weighted by time."""
    COUNTER = "counter"
    """A cumulative register that only rises: its rise, across resets."""
    DAILY = "daily"
    """A register that starts again each local day: its last reading."""
    LAST = "last"
    """A state, a limit or an instant: its last reading."""


class Measurement(msgspec.Struct, frozen=True):
    """A quantity: its key, the canonical unit the hub keeps it in, what it means, and how periods total it."""

    key: str
    unit: Unit
    help: str
    aggregation: Aggregation = Aggregation.MEAN


KEY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
"""What a key may look like, also one that no table knows."""
CATALOGUE: dict[str, Measurement] = {}
PV_CHANNELS = 24
MPPT_CHANNELS = 10
DC_CHANNELS = 10
COMBINER_CHANNELS = 20

MEAN, COUNTER, DAILY, LAST = Aggregation.MEAN, Aggregation.COUNTER, Aggregation.DAILY, Aggregation.LAST


def _define(key: str, unit: Unit, help_: str, aggregation: Aggregation = MEAN) -> Measurement:
    entry = Measurement(key, unit, help_, aggregation)
    if key in CATALOGUE:
        raise ValueError(f"measurement {key} is defined twice")
    CATALOGUE[key] = entry
    return entry


def _channels(pattern: str, count: int, unit: Unit, help_: str, aggregation: Aggregation = MEAN) -> list[Measurement]:
    return [_define(pattern.format(n=n), unit, help_.format(n=n), aggregation) for n in range(1, count + 1)]


def _phases(pattern: str, phases: str, unit: Unit, help_: str) -> list[Measurement]:
    return [_define(pattern.format(p=p), unit, help_.format(p=p.upper())) for p in phases.split()]


def known(key: str) -> Measurement:
    """The measurement of a key; for a key the catalogue lacks, a gauge without a unit, so that nothing is dropped."""
    return CATALOGUE.get(key) or Measurement(key, ONE, "A point no table knows, as it came.")


# The alternating-current side of an inverter or transformer.
AC_POWER = _define("ac.power", W, "Active power out of the device.")
AC_REACTIVE_POWER = _define("ac.reactive_power", VAR, "Reactive power out of the device.")
AC_APPARENT_POWER = _define("ac.apparent_power", VA, "Apparent power.")
AC_POWER_FACTOR = _define("ac.power_factor", ONE, "Power factor.")
AC_FREQUENCY = _define("ac.frequency", HZ, "Grid frequency.")
AC_A_VOLTAGE, AC_B_VOLTAGE, AC_C_VOLTAGE = _phases("ac.{p}.voltage", "a b c", V, "Voltage of phase {p} to neutral.")
AC_AB_VOLTAGE, AC_BC_VOLTAGE, AC_CA_VOLTAGE = _phases("ac.{p}.voltage", "ab bc ca", V, "Line voltage {p}.")
AC_A_CURRENT, AC_B_CURRENT, AC_C_CURRENT = _phases("ac.{p}.current", "a b c", A, "Current of phase {p}.")
AC_A_POWER, AC_B_POWER, AC_C_POWER = _phases("ac.{p}.power", "a b c", W, "Active power of phase {p}.")
AC_ENERGY = _define("ac.energy", WH, "Energy out of the device over its life.", COUNTER)
AC_ENERGY_TODAY = _define("ac.energy_today", WH, "Energy out of the device since local midnight.", DAILY)

# The photovoltaic side.
PV_POWER = _define("pv.power", W, "Direct-current power of all strings.")
PV_ENERGY = _define("pv.energy", WH, "Direct-current energy of all strings over life.", COUNTER)
PV_VOLTAGE = _channels("pv.{n}.voltage", PV_CHANNELS, V, "Voltage of string {n}.")
PV_CURRENT = _channels("pv.{n}.current", PV_CHANNELS, A, "Current of string {n}.")
PV_CHANNEL_POWER = _channels("pv.{n}.power", PV_CHANNELS, W, "Power of string {n}.")
MPPT_ENERGY = _channels("mppt.{n}.energy", MPPT_CHANNELS, WH, "Energy of tracker {n} over life.", COUNTER)
DC_VOLTAGE = _define("dc.voltage", V, "Voltage of the direct-current bus.")
DC_CURRENT = _define("dc.current", A, "Current of the direct-current bus.")
DC_CHANNEL_CURRENT = _channels("dc.{n}.current", DC_CHANNELS, A, "Current of direct-current input {n}.")

# The inverter itself.
INVERTER_STATE = _define("inverter.state", CODE, "Operating state, in the codes of the SmartPVMS document.", LAST)
INVERTER_EFFICIENCY = _define("inverter.efficiency", PERCENT, "Conversion efficiency as the maker computes it.")
INVERTER_TEMPERATURE = _define("inverter.temperature", DEG_C, "Internal temperature.")
INVERTER_STARTED_AT = _define("inverter.started_at", MS_EPOCH, "Last start.", LAST)
INVERTER_STOPPED_AT = _define("inverter.stopped_at", MS_EPOCH, "Last stop.", LAST)
INVERTER_AVAILABILITY = _define(
    "inverter.availability", PERCENT, "Production reliability as the device reports it.", LAST
)
INVERTER_INSULATION = _define("inverter.insulation", OHM, "Insulation resistance to earth.")
DEVICE_ONLINE = _define("device.online", CODE, "1 while the device is connected, else 0.", LAST)
DEVICE_FAULT = _define("device.fault", CODE, "Number of the fault that the device shows; 0 while there is none.", LAST)

# Combiner boxes.
COMBINER_CURRENT = _define("combiner.current", A, "Current of all inputs.")
COMBINER_VOLTAGE = _define("combiner.voltage", V, "Voltage of the box.")
COMBINER_TEMPERATURE = _define("combiner.temperature", DEG_C, "Temperature in the box.")
COMBINER_LIGHTNING = _define("combiner.lightning_count", TIMES, "Lightning strikes counted.", COUNTER)
COMBINER_CHANNEL_CURRENT = _channels("combiner.{n}.current", COMBINER_CHANNELS, A, "Current of input {n}.")

# Weather, in the words of pvlib.
TEMP_AIR = _define("weather.temp_air", DEG_C, "Air temperature.")
TEMP_MODULE = _define("weather.temp_module", DEG_C, "Temperature at the back of a module.")
WIND_SPEED = _define("weather.wind_speed", M_PER_S, "Wind speed.")
WIND_DIRECTION = _define("weather.wind_direction", DEGREE, "Where the wind comes from, clockwise from north.")
POA_GLOBAL = _define("weather.poa_global", W_PER_M2, "Irradiance in the plane of the array.")
POA_IRRADIATION = _define("weather.poa_irradiation", WH_PER_M2, "Irradiation in the plane of the array, today.", DAILY)
GHI = _define("weather.ghi", W_PER_M2, "Global horizontal irradiance.")
GHI_IRRADIATION = _define("weather.ghi_irradiation", WH_PER_M2, "Global horizontal irradiation, today.", DAILY)

# Meters. Forward is the direction of positive active power; at the grid connection that is import.
METER_POWER = _define("meter.power", W, "Active power, positive forward.")
METER_A_POWER, METER_B_POWER, METER_C_POWER = _phases("meter.{p}.power", "a b c", W, "Active power of phase {p}.")
METER_REACTIVE_POWER = _define("meter.reactive_power", VAR, "Reactive power, positive forward.")
METER_A_REACTIVE_POWER, METER_B_REACTIVE_POWER, METER_C_REACTIVE_POWER = _phases(
    "meter.{p}.reactive_power", "a b c", VAR, "Reactive power of phase {p}."
)
METER_APPARENT_POWER = _define("meter.apparent_power", VA, "Apparent power.")
METER_POWER_FACTOR = _define("meter.power_factor", ONE, "Power factor.")
METER_FREQUENCY = _define("meter.frequency", HZ, "Grid frequency.")
METER_VOLTAGE = _define("meter.voltage", V, "Voltage of a meter that tells but one.")
METER_CURRENT = _define("meter.current", A, "Current of a meter that tells but one.")
METER_A_VOLTAGE, METER_B_VOLTAGE, METER_C_VOLTAGE = _phases("meter.{p}.voltage", "a b c", V, "Voltage of phase {p}.")
METER_AB_VOLTAGE, METER_BC_VOLTAGE, METER_CA_VOLTAGE = _phases("meter.{p}.voltage", "ab bc ca", V, "Line voltage {p}.")
METER_A_CURRENT, METER_B_CURRENT, METER_C_CURRENT = _phases("meter.{p}.current", "a b c", A, "Current of phase {p}.")
METER_VOLTAGE_UNBALANCE = _define("meter.voltage_unbalance", PERCENT, "Voltage unbalance.")
METER_DEMAND_FORWARD = _define("meter.demand_forward", W, "Demand of forward active power.")
METER_DEMAND_REVERSE = _define("meter.demand_reverse", W, "Demand of reverse active power.")
METER_STATUS = _define("meter.status", CODE, "1 while the meter answers, else 0.", LAST)
METER_FORWARD = _define("meter.energy_forward", WH, "Forward active energy over life.", COUNTER)
METER_REVERSE = _define("meter.energy_reverse", WH, "Reverse active energy over life.", COUNTER)
METER_REACTIVE_FORWARD = _define("meter.reactive_energy_forward", VARH, "Forward reactive energy over life.", COUNTER)
METER_REACTIVE_REVERSE = _define("meter.reactive_energy_reverse", VARH, "Reverse reactive energy over life.", COUNTER)
TARIFFS = ("sharp", "peak", "flat", "valley")
METER_TARIFF: dict[tuple[str, str], Measurement] = {
    (register, tariff): _define(
        f"meter.{tariff}.{register}", unit, f"The {tariff} tariff's share of {register}.", COUNTER
    )
    for register, unit in (
        ("energy_forward", WH), ("energy_reverse", WH),
        ("reactive_energy_forward", VARH), ("reactive_energy_reverse", VARH),
    )
    for tariff in TARIFFS
}  # fmt: skip

# What a hybrid inverter tells of the house and the grid.
GRID_POWER = _define("grid.power", W, "Power from the grid; negative while feeding in.")
GRID_IMPORT = _define("grid.energy_import", WH, "Energy bought over life.", COUNTER)
GRID_EXPORT = _define("grid.energy_export", WH, "Energy fed in over life.", COUNTER)
LOAD_POWER = _define("load.power", W, "Power into the loads.")
LOAD_ENERGY = _define("load.energy", WH, "Energy into the loads over life.", COUNTER)

# Batteries.
BATTERY_POWER = _define("battery.power", W, "Power out of the battery; negative while charging.")
BATTERY_VOLTAGE = _define("battery.voltage", V, "Voltage of the battery.")
BATTERY_CURRENT = _define("battery.current", A, "Current out of the battery.")
BATTERY_SOC = _define("battery.soc", PERCENT, "State of charge.")
BATTERY_SOH = _define("battery.soh", PERCENT, "State of health.")
BATTERY_TEMPERATURE = _define("battery.temperature", DEG_C, "Temperature of the battery.")
BATTERY_STATUS = _define("battery.status", CODE, "Operating status, in the codes of the SmartPVMS document.", LAST)
BATTERY_MODE = _define("battery.mode", CODE, "Charge and discharge mode, in the codes of the SmartPVMS document.", LAST)
BATTERY_MAX_CHARGE = _define("battery.max_charge_power", W, "The most it takes.", LAST)
BATTERY_MAX_DISCHARGE = _define("battery.max_discharge_power", W, "The most it gives.", LAST)
BATTERY_CHARGED = _define("battery.energy_charged", WH, "Energy into the battery over life.", COUNTER)
BATTERY_DISCHARGED = _define("battery.energy_discharged", WH, "Energy out of the battery over life.", COUNTER)
BATTERY_CHARGED_TODAY = _define(
    "battery.energy_charged_today", WH, "Energy into the battery since local midnight.", DAILY
)
BATTERY_DISCHARGED_TODAY = _define(
    "battery.energy_discharged_today", WH, "Energy out of the battery since local midnight.", DAILY
)

UPTIME = _define("device.uptime", S, "Time since the device started.", LAST)

# More of what a hybrid inverter tells: its backup output, its insides, phases apart, a second meter.
EPS_POWER = _define("eps.power", W, "Power out of the backup output.")
EPS_A_VOLTAGE, EPS_B_VOLTAGE, EPS_C_VOLTAGE = _phases("eps.{p}.voltage", "a b c", V, "Backup voltage of phase {p}.")
EPS_A_CURRENT, EPS_B_CURRENT, EPS_C_CURRENT = _phases("eps.{p}.current", "a b c", A, "Backup current of phase {p}.")
EPS_A_POWER, EPS_B_POWER, EPS_C_POWER = _phases(
    "eps.{p}.power", "a b c", W, "Power out of the backup output, phase {p}."
)
AC_B_FREQUENCY, AC_C_FREQUENCY = _phases(
    "ac.{p}.frequency", "b c", HZ, "Grid frequency of phase {p}, where it is told."
)
INVERTER_AMBIENT = _define("inverter.temperature_ambient", DEG_C, "Temperature of the air around the device.")
INVERTER_BOOST = _define("inverter.temperature_boost", DEG_C, "Temperature of the boost stage.")
INVERTER_CHARGER = _define("inverter.temperature_charger", DEG_C, "Temperature of the charger.")
INVERTER_DSP = _define("inverter.temperature_dsp", DEG_C, "Temperature of the signal processor.")
LOAD_A_POWER, LOAD_B_POWER, LOAD_C_POWER = _phases("load.{p}.power", "a b c", W, "Power into the loads of phase {p}.")
METER_SECOND_POWER = _define("meter.second.power", W, "Active power of a second meter, positive forward.")
BATTERY_PORT_VOLTAGE = _define("battery.port.voltage", V, "Voltage at the inverter's battery terminals.")
BATTERY_PORT_CURRENT = _define("battery.port.current", A, "Current from the battery at the inverter's terminals.")
BATTERY_PORT_POWER = _define(
    "battery.port.power", W, "Power from the battery at the inverter; negative while charging."
)
BATTERY_REMAINING = _define("battery.remaining", WH, "What is left in the battery.")
BATTERY_THROUGHPUT = _define("battery.energy_throughput", WH, "Energy into and out of the battery over life.", COUNTER)
GATEWAY_SIGNAL = _define("gateway.signal", PERCENT, "Strength of the radio signal.", LAST)
