"""The life of a plant before the simulation: plausible counters that agree with each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from heliograph.clock import DAY_MS, instant_ms
from heliograph.model.devices import METERS, DeviceKind
from heliograph.model.measurements import TARIFFS
from heliograph.simulate.steps import generator

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

YEAR_MS = 365.2425 * DAY_MS
SELF_USE = 0.55
"""Share of the production that the site itself used. [1]"""
DC_PER_AC = 1.035
CYCLES_PER_YEAR = 210.0
REACTIVE_PER_IMPORT = 0.35
LOAD_OVER_YIELD = 1.3


def _years(plant: SimulatedPlant, at_ms: int) -> float:
    """How long the plant has been connected, at least a month. [a]"""
    on = plant.connected_on
    return max((at_ms - instant_ms(datetime(on.year, on.month, on.day, tzinfo=UTC))) / YEAR_MS, 1 / 12)


def _split(total: int, parts: int) -> list[int]:
    """A total in whole parts as even as can be."""
    return [total * (n + 1) // parts - total * n // parts for n in range(parts)]


def _inverter(device: SimulatedDevice, out: int) -> dict[str, int]:
    if device.kind is DeviceKind.MICRO_INVERTER or device.inverter is None:
        return {"ac.energy": out}
    trackers = _split(int(out * DC_PER_AC), len(device.inverter.trackers))
    return {
        "ac.energy": out,
        "pv.energy": sum(trackers),
        **{f"mppt.{n}.energy": part for n, part in enumerate(trackers, 1)},
    }


def _meter(device: SimulatedDevice, imported: int, exported: int) -> dict[str, int]:
    counters = {"meter.energy_forward": imported, "meter.energy_reverse": exported}
    if device.kind is DeviceKind.METER:
        counters["meter.reactive_energy_forward"] = int(imported * REACTIVE_PER_IMPORT)
        counters["meter.reactive_energy_reverse"] = 0
    if device.tariffs:
        for way, total in (("forward", imported), ("reverse", exported)):
            for tariff, part in zip(TARIFFS, _split(total, len(TARIFFS)), strict=True):
                counters[f"meter.{tariff}.energy_{way}"] = part
    return counters


def _battery(device: SimulatedDevice, years: float) -> dict[str, int]:
    if device.battery is None:
        return {}
    discharged = int(years * CYCLES_PER_YEAR * device.battery.capacity_wh * 1000)
    both = device.battery.charge_permille * device.battery.discharge_permille
    return {
        "battery.energy_charged": discharged * 1_000_000 // both + device.battery.capacity_wh * 1000,
        "battery.energy_discharged": discharged,
    }


def stored_before(plant: SimulatedPlant, seed: int) -> int:
    """What is in the battery when the simulation begins. [mWh]"""
    if plant.storage is None or plant.storage.battery is None:
        return 0
    own = plant.storage.battery
    spread = own.ceiling_permille - own.floor_permille
    share = own.floor_permille + int(spread * generator(seed, f"{plant.key}/stored").uniform(0.1, 0.5))
    return own.capacity_wh * share


def counters_before(plant: SimulatedPlant, at_ms: int, seed: int) -> dict[str, int]:
    """Every counter at the instant, by `<device>/<measurement>`. [mWh, mvarh]"""
    years, draw = _years(plant, at_ms), generator(seed, f"{plant.key}/before")
    out = {
        device.key: int(years * plant.yield_h * (device.capacity_w or 0.0) * draw.uniform(970, 1030))
        for device in plant.inverters
    }
    made = sum(out.values())
    exported = int(made * (1 - SELF_USE))
    consumed = int(made * LOAD_OVER_YIELD)
    imported = consumed + exported - made
    counters: dict[str, int] = {}
    for device in plant.devices:
        own: dict[str, int] = {}
        if device.key in out:
            own = _inverter(device, out[device.key])
        elif device.kind in METERS:
            own = _meter(device, imported, exported)
        elif device.kind is DeviceKind.BATTERY:
            own = _battery(device, years)
        if device.kind is DeviceKind.HYBRID_INVERTER:
            own |= {"grid.energy_import": imported, "grid.energy_export": exported, "load.energy": consumed}
        counters |= {f"{device.key}/{key}": value for key, value in own.items()}
    return counters
