"""Readings: what each device tells besides its registers, rounded as real devices round.

Power is that of the interval before the stamp, so it agrees with what the counters gained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.model.devices import DeviceKind
from heliograph.simulate.flows import REACTIVE_PERMILLE
from heliograph.simulate.pv import shares
from heliograph.simulate.steps import generator

if TYPE_CHECKING:
    from heliograph.model.samples import Floats
    from heliograph.simulate.flows import Flow
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant
    from heliograph.simulate.steps import Counts

Columns = dict[str, "Floats"]

ON_GRID, STANDBY_DETECTING, SHUTDOWN, COMMANDED_SHUTDOWN, STANDBY_NO_SUN = 0x0200, 0x0002, 0x0300, 0x0301, 0xA000
BATTERY_STANDBY, BATTERY_RUNNING, FORCED_MODE, SELF_CONSUMPTION = 1, 2, 1, 4


def watts(mwh: Counts) -> Floats:
    """The power that makes an energy in five minutes. [W]"""
    return mwh * 12 / 1000


def _ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
    """Part over whole, and `otherwise` where there is no whole."""
    return np.where(whole == 0, otherwise, part / np.where(whole == 0, 1.0, whole))


def _lines(prefix: str, plant: SimulatedPlant, volts: Floats) -> Columns:
    phases = plant.connection.phases
    columns: Columns = {}
    for line in plant.connection.lines:
        mean = (volts[phases.index(line[0])] + volts[phases.index(line[1])]) / 2
        columns[f"{prefix}.{line}.voltage"] = np.round(mean * plant.connection.line_factor, 1)
    return columns


def _state(flow: Flow, key: str) -> Floats:
    made = flow.generation[key]
    idle = np.where(made.stopped, SHUTDOWN, np.where(made.sun_up, STANDBY_DETECTING, STANDBY_NO_SUN))
    if key in flow.off:
        idle = np.where(flow.off[key], COMMANDED_SHUTDOWN, idle)
    return np.where(flow.running(key), ON_GRID, idle).astype(np.float64)


def _ac_side(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    power = watts(flow.ac[device.key])
    wired = flow.wired(device.key, stays=device.kind is DeviceKind.HYBRID_INVERTER)
    volts = np.where(wired, flow.mains.voltage, 0.0)
    phases = plant.connection.phases
    columns: Columns = {
        "ac.power": np.round(power),
        "ac.frequency": np.round(flow.mains.frequency * wired, 2),
    }
    if device.kind is DeviceKind.MICRO_INVERTER:
        total = volts.sum(axis=0)
        return {**columns, "ac.a.voltage": np.round(total, 1)}
    columns |= _lines("ac", plant, volts)
    for phase, own in zip(phases, volts, strict=True):
        columns[f"ac.{phase}.voltage"] = np.round(own, 1)
        columns[f"ac.{phase}.current"] = np.round(_ratio(np.abs(power) / len(phases), own, 0.0), 2)
    reactive = power * (REACTIVE_PERMILLE / 1000)
    columns["ac.reactive_power"] = np.round(reactive)
    columns["ac.power_factor"] = np.round(_ratio(np.abs(power), np.sqrt(power * power + reactive * reactive), 0.0), 3)
    return columns


def _strings(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    if device.inverter is None:
        return {}
    made, number = flow.generation[device.key], 0
    columns: Columns = {}
    for n, tracker in enumerate(device.inverter.trackers):
        power, volts = watts(made.tracker_mwh[n]), made.tracker_v[n]
        parts = shares(plant.seed, f"{plant.key}/{device.key}/strings/{n}", tracker.strings, 0.015)
        for share in (parts / tracker.strings).tolist():
            number += 1
            if device.kind is DeviceKind.MICRO_INVERTER:
                columns[f"pv.{number}.power"] = np.round(power * share)
            columns[f"pv.{number}.voltage"] = np.round(volts, 1)
            columns[f"pv.{number}.current"] = np.round(_ratio(power * share, volts, 0.0), 2)
    return columns


def inverter(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of an inverter of any kind."""
    made, power = flow.generation[device.key], watts(flow.ac[device.key])
    rated = device.inverter.ac_w if device.inverter is not None else 1.0
    spot_k = float(generator(plant.seed, f"{plant.key}/{device.key}/spot").uniform(-1.5, 1.5))
    strain = np.abs(power) / rated
    warm = flow.weather.temp_air + spot_k + np.where(flow.running(device.key), 6 + 26 * strain, 2.0)
    columns = {"inverter.state": _state(flow, device.key), "inverter.temperature": np.round(warm, 1)}
    columns |= _ac_side(plant, device, flow)
    columns |= _strings(plant, device, flow)
    if device.kind is not DeviceKind.MICRO_INVERTER:
        direct = watts(made.tracker_mwh.sum(axis=0))
        columns["pv.power"] = np.round(direct)
        columns["inverter.efficiency"] = np.round(_ratio(100 * watts(made.ac_mwh), direct, 0.0), 2)
    if device.kind is DeviceKind.HYBRID_INVERTER:
        columns["grid.power"] = np.round(watts(flow.imported - flow.exported))
        columns["load.power"] = np.round(watts(flow.demand.mwh))
    return columns


def battery(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of a battery."""
    own, ran = device.battery, flow.battery
    if own is None or ran is None:
        return {}
    power, soc = watts(ran.discharged - ran.charged), ran.stored / (own.capacity_wh * 1000)
    rest = own.empty_v + (own.full_v - own.empty_v) * soc
    volts = rest - 0.04 * power / rest
    full, empty = soc * 1000 > own.ceiling_permille - 1, soc * 1000 < own.floor_permille + 1
    return {
        "battery.status": np.where(power != 0, float(BATTERY_RUNNING), float(BATTERY_STANDBY)),
        "battery.mode": np.where(ran.forced, float(FORCED_MODE), float(SELF_CONSUMPTION)),
        "battery.max_charge_power": np.where(full, 0.0, float(own.charge_w)),
        "battery.max_discharge_power": np.where(empty, 0.0, float(own.discharge_w)),
        "battery.power": np.round(power),
        "battery.voltage": np.round(volts, 1),
        "battery.current": np.round(power / volts, 1),
        "battery.soc": np.round(100 * soc, 1),
        "battery.temperature": np.round(15 + 0.35 * flow.weather.temp_air + 4 * np.abs(power) / own.charge_w, 1),
    }


def health(device: SimulatedDevice, discharged: Counts) -> Columns:
    """State of health after a lifetime discharge: a fifth is lost in 6000 full cycles. [mWh]"""
    if device.battery is None:
        return {}
    cycles = (discharged / (device.battery.capacity_wh * 1000)).astype(np.float64)
    left: Floats = np.maximum(100 - cycles / 300, 0.0)
    return {"battery.soh": np.round(left, 1)}


def _phase_flows(plant: SimulatedPlant, flow: Flow) -> list[tuple[str, Floats, Floats]]:
    """Active and reactive power of each phase: loads uneven, inverters even; they add up to the whole. [W, var]"""
    phases = plant.connection.phases
    net = flow.imported - flow.exported
    made = flow.demand.mwh - net
    parts = np.rint(shares(plant.seed, f"{plant.key}/phases", len(phases), 0.08) * 1000 / len(phases)).astype(np.int64)
    rows, left, left_q = [], net, flow.reactive
    for n, phase in enumerate(phases):
        last = n == len(phases) - 1
        own = left if last else flow.demand.mwh * parts[n] // 1000 - made // len(phases)
        own_q = left_q if last else flow.reactive * parts[n] // 1000
        left, left_q = left - own, left_q - own_q
        rows.append((phase, watts(own), watts(own_q)))
    return rows


def _totals(flow: Flow) -> tuple[Floats, Floats, Floats]:
    """Active, reactive and apparent power at the connection. [W, var, VA]"""
    power, reactive = watts(flow.imported - flow.exported), watts(flow.reactive)
    return power, reactive, np.sqrt(power * power + reactive * reactive)


def meter(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of a multi-function meter at the grid connection."""
    power, reactive, apparent = _totals(flow)
    volts = flow.mains.voltage
    columns = _lines("meter", plant, volts)
    for (phase, own, own_q), own_v in zip(_phase_flows(plant, flow), volts, strict=True):
        columns[f"meter.{phase}.voltage"] = np.round(own_v, 1)
        columns[f"meter.{phase}.current"] = np.round(np.sqrt(own * own + own_q * own_q) / own_v, 1)
        columns[f"meter.{phase}.power"] = np.round(own)
        columns[f"meter.{phase}.reactive_power"] = np.round(own_q)
    columns["meter.power"] = np.round(power)
    columns["meter.reactive_power"] = np.round(reactive)
    columns["meter.apparent_power"] = np.round(apparent)
    columns["meter.power_factor"] = np.round(_ratio(np.abs(power), apparent, 1.0), 3)
    columns["meter.frequency"] = np.round(flow.mains.frequency, 2)
    return columns


def power_sensor(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of a simple meter at the grid connection."""
    power, reactive, apparent = _totals(flow)
    volts = flow.mains.voltage
    total_v = volts[0] * volts.shape[0]
    return {
        "meter.status": np.ones(power.size),
        "meter.voltage": np.round(volts[0], 1),
        "meter.current": np.round(apparent / total_v, 2),
        "meter.power": np.round(power),
        "meter.reactive_power": np.round(reactive),
        "meter.power_factor": np.round(_ratio(np.abs(power), apparent, 1.0), 3),
        "meter.frequency": np.round(flow.mains.frequency, 2),
    }


def station(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of a weather station."""
    return {
        "weather.temp_air": np.round(flow.weather.temp_air, 1),
        "weather.temp_module": np.round(flow.plane.temp_module, 1),
        "weather.wind_speed": np.round(flow.weather.wind_speed, 1),
        "weather.wind_direction": np.mod(np.round(flow.weather.wind_direction), 360),
        "weather.poa_global": np.round(flow.plane.poa_global),
        "weather.ghi": np.round(flow.weather.ghi),
    }


def nothing(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> Columns:
    """The readings of a gateway: it only is there."""
    return {}


OF_KIND = {
    DeviceKind.INVERTER: inverter,
    DeviceKind.HYBRID_INVERTER: inverter,
    DeviceKind.MICRO_INVERTER: inverter,
    DeviceKind.BATTERY: battery,
    DeviceKind.METER: meter,
    DeviceKind.POWER_SENSOR: power_sensor,
    DeviceKind.WEATHER_STATION: station,
    DeviceKind.GATEWAY: nothing,
}
"""What tells the readings of a device, by its kind."""
