"""Registers: the counters of every device, and what their displays show.

A counter is a whole number of milliwatt-hours since the device was put in service, under `<device>/<measurement>`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.model.devices import METERS, DeviceKind
from heliograph.model.measurements import CATALOGUE, TARIFFS, Aggregation
from heliograph.simulate.pv import energy_mwh
from heliograph.simulate.steps import STEP_MS, wall_times

if TYPE_CHECKING:
    from heliograph.model.samples import Floats
    from heliograph.simulate.flows import Flow
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant
    from heliograph.simulate.steps import Counts

MWH_PER_WH = 1000
TODAY = {"ac.energy": "ac.energy_today"}
"""Counters that are shown since local midnight as well."""
TARIFF_HOURS = (
    "valley", "valley", "valley", "valley", "valley", "valley", "flat", "flat", "peak", "peak", "sharp", "flat",
    "flat", "flat", "flat", "flat", "flat", "flat", "peak", "sharp", "sharp", "peak", "valley", "valley",
)  # fmt: skip
"""By local hour."""


def _inverter(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> dict[str, Counts]:
    # What it takes from the grid for its battery is no energy that it puts out.
    rises = {"ac.energy": np.maximum(flow.ac[device.key], 0)}
    if device.kind is DeviceKind.MICRO_INVERTER:
        return rises
    trackers = flow.generation[device.key].tracker_mwh
    rises["pv.energy"] = trackers.sum(axis=0)
    rises.update({f"mppt.{n}.energy": row for n, row in enumerate(trackers, 1)})
    if device.kind is DeviceKind.HYBRID_INVERTER:
        rises["grid.energy_import"] = flow.imported
        rises["grid.energy_export"] = flow.exported
        rises["load.energy"] = flow.demand.mwh
    return rises


def _meter(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> dict[str, Counts]:
    rises = {"meter.energy_forward": flow.imported, "meter.energy_reverse": flow.exported}
    if device.kind is DeviceKind.METER:
        rises["meter.reactive_energy_forward"] = np.maximum(flow.reactive, 0)
        rises["meter.reactive_energy_reverse"] = np.maximum(-flow.reactive, 0)
    if device.tariffs:
        # The interval belongs to the hour it began in.
        hours = wall_times(flow.at_ms - STEP_MS, plant.tz).minute // 60
        of_hour = np.array([TARIFFS.index(name) for name in TARIFF_HOURS], dtype=np.int64)[hours]
        for n, tariff in enumerate(TARIFFS):
            rises[f"meter.{tariff}.energy_forward"] = np.where(of_hour == n, flow.imported, 0)
            rises[f"meter.{tariff}.energy_reverse"] = np.where(of_hour == n, flow.exported, 0)
    return rises


def _battery(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> dict[str, Counts]:
    if flow.battery is None:
        return {}
    return {
        "battery.energy_charged": flow.battery.charged,
        "battery.energy_discharged": flow.battery.discharged,
    }


def _station(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> dict[str, Counts]:
    return {
        "weather.poa_irradiation": energy_mwh(flow.plane.poa_global),
        "weather.ghi_irradiation": energy_mwh(flow.weather.ghi),
    }


def rises(plant: SimulatedPlant, device: SimulatedDevice, flow: Flow) -> dict[str, Counts]:
    """What each counter of a device gains in each interval, by measurement. [mWh, mvarh or mWh/m2]"""
    if device.inverter is not None:
        return _inverter(plant, device, flow)
    if device.kind in METERS:
        return _meter(plant, device, flow)
    if device.kind is DeviceKind.BATTERY:
        return _battery(plant, device, flow)
    return _station(plant, device, flow) if device.kind is DeviceKind.WEATHER_STATION else {}


def shown(counter: Counts, register_wh: int) -> Floats:
    """What a register that counts in `register_wh` shows of a counter: never more than is in it. [Wh]"""
    unit = register_wh * MWH_PER_WH
    return (counter // unit * register_wh).astype(np.float64)


def displays(device: SimulatedDevice, key: str, total: Counts, base: Counts) -> dict[str, Floats]:
    """The readings of one counter, `base` being what it was at the last local midnight. [Wh, varh or Wh/m2]"""
    if CATALOGUE[key].aggregation is Aggregation.DAILY:
        return {key: shown(total - base, 1)}
    readings = {key: shown(total, device.register_wh)}
    if key in TODAY:
        readings[TODAY[key]] = shown(total - base, device.register_wh)
    return readings
