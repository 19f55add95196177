"""Where the energy of a plant goes in each interval, in whole milliwatt-hours.

Import less export is load less what the inverters put out, exactly. A hybrid inverter puts out what the sun gives, less
what its battery takes or plus what its battery gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.model.devices import DeviceKind
from heliograph.model.samples import Instants
from heliograph.simulate.battery import BatteryRun, obey, run
from heliograph.simulate.control import Interval
from heliograph.simulate.load import Demand, demand
from heliograph.simulate.mains import Mains, mains
from heliograph.simulate.program import Program
from heliograph.simulate.pv import Generation, generation
from heliograph.simulate.steps import Counts, Flags, cut, stamps, step_mwh
from heliograph.simulate.switching import halted
from heliograph.simulate.weather import Plane, Weather, plane, weather

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant, Tracker

NEVER_OFF: Mapping[str, Flags] = MappingProxyType({})
REACTIVE_PERMILLE = 20
"""Reactive power of an inverter in thousandths of its active power."""


class Flow(msgspec.Struct, frozen=True):
    """What happens in a plant over a span, one value a stamp; energies are of the interval before it."""

    at_ms: Instants
    weather: Weather
    plane: Plane
    """Where the weather station measures: the plane of the first array."""
    mains: Mains
    demand: Demand
    generation: dict[str, Generation]
    """By key of the inverter."""
    ac: dict[str, Counts]
    """What each inverter puts out, battery included. [mWh]"""
    battery: BatteryRun | None
    imported: Counts
    """[mWh]"""
    exported: Counts
    """[mWh]"""
    reactive: Counts
    """Reactive energy from the grid, negative into it. [mvarh]"""
    off: dict[str, Flags] = {}
    """When an inverter is off because it was told to be, by its key; without those that never are."""

    def running(self, key: str) -> Flags:
        """When an inverter works."""
        works: Flags = (self.generation[key].ac_mwh > 0) | (self.ac[key] != 0)
        return works

    def wired(self, key: str, *, stays: bool) -> Flags:
        """When an inverter is on the mains: while it works, or, if it `stays` there, unless it was shut down."""
        return ~(self.generation[key].stopped | self.off.get(key, False)) if stays else self.running(key)


def hybrid(plant: SimulatedPlant) -> SimulatedDevice | None:
    """The inverter that the battery is on."""
    return next((device for device in plant.inverters if device.kind is DeviceKind.HYBRID_INVERTER), None)


def _store(
    plant: SimulatedPlant, stored: int, made: dict[str, Generation], load: Counts, program: Program | None
) -> BatteryRun | None:
    owner, storage = hybrid(plant), plant.storage
    if owner is None or owner.inverter is None or storage is None or storage.battery is None:
        return None
    own = made[owner.key]
    sun = sum((part.ac_mwh for part in made.values()), np.zeros_like(load))
    room = np.where(own.stopped, 0, step_mwh(owner.inverter.ac_w) - own.ac_mwh)
    if program is not None:
        rated = step_mwh(owner.inverter.ac_w)
        columns = (sun, own.ac_mwh, load, room, np.where(own.stopped, 0, rated))
        around = [Interval(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
        return obey(storage.battery, stored, around, program.orders, program.limits)
    # Only its own array charges it, never another inverter's or the grid.
    surplus = np.minimum(sun - load, np.where(sun > load, own.ac_mwh, 0))
    return run(storage.battery, stored, surplus, room)


def curtailed(made: Generation, left: Counts) -> Generation:
    """What an inverter makes of the sun when it leaves a part of it. [mWh]"""
    ac = made.ac_mwh - left
    # Rounded up: what comes out is never more than what went in.
    tracker = -(-made.tracker_mwh * ac // np.maximum(made.ac_mwh, 1))
    return msgspec.structs.replace(made, ac_mwh=ac, tracker_mwh=np.where(left > 0, tracker, made.tracker_mwh))


def _face(plant: SimulatedPlant) -> Tracker:
    """The first array, which the weather station lies beside."""
    for device in plant.devices:
        if device.inverter is not None:
            return device.inverter.trackers[0]
    raise ValueError(f"{plant.key} has no array")


def flow(
    plant: SimulatedPlant, stored: int, since_ms: int, until_ms: int, off: Mapping[str, Flags] = NEVER_OFF,
    program: Program | None = None,
) -> Flow:  # fmt: skip
    """Follow a plant over a span, from a battery that holds `stored` [mWh], its inverters off at stamps in `off`.

    Without a program the battery takes the surplus and gives what lacks.

    Raises ValueError for a plant without an array.
    """
    site, face = plant.site, _face(plant)
    made = {device.key: cut(partial(generation, site, device), since_ms, until_ms) for device in plant.inverters}
    made |= {key: halted(made[key], flags) for key, flags in off.items()}
    load = cut(partial(demand, site, plant.load), since_ms, until_ms)
    battery = _store(plant, stored, made, load.mwh, program)
    owner = hybrid(plant)
    if owner is not None and battery is not None and battery.curtailed.any():
        made[owner.key] = curtailed(made[owner.key], battery.curtailed)
    ac = {key: part.ac_mwh for key, part in made.items()}
    if owner is not None and battery is not None:
        ac[owner.key] = ac[owner.key] + battery.discharged - battery.charged
    out = sum(ac.values(), np.zeros_like(load.mwh))
    return Flow(
        at_ms=stamps(since_ms, until_ms),
        weather=cut(partial(weather, site), since_ms, until_ms),
        plane=cut(partial(plane, site, face.tilt_deg, face.azimuth_deg, face.mount), since_ms, until_ms),
        mains=cut(partial(mains, site, plant.connection), since_ms, until_ms),
        demand=load,
        generation=made,
        ac=ac,
        battery=battery,
        imported=np.maximum(load.mwh - out, 0),
        exported=np.maximum(out - load.mwh, 0),
        reactive=load.mvarh - out * REACTIVE_PERMILLE // 1000,
        off=dict(off),
    )
