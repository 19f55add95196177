"""From what a plant's devices were told to what its battery is to do at each stamp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from heliograph.model.settings import DAY_MIN, Value
from heliograph.simulate.control import PERCENT_TO_PERMILLE, Controls, Limits, Order, order
from heliograph.simulate.steps import STEP_MS, ceil_step, step_mwh, wall_times
from heliograph.simulate.tunable import Values, Write, controls_of

if TYPE_CHECKING:
    from heliograph.model.samples import Instants
    from heliograph.simulate.specs import SimulatedPlant


class Program(msgspec.Struct, frozen=True):
    """What a battery is to do, one entry a stamp."""

    orders: list[Order]
    limits: list[Limits]


def written(set_: Mapping[str, Values], writes: Iterable[Write], until_ms: int) -> dict[str, dict[str, Value]]:
    """What is set on each device after writes that count before an instant, in the order in which they count."""
    out = {key: dict(values) for key, values in set_.items()}
    for write in sorted(writes, key=lambda one: one.at_ms):
        if ceil_step(write.at_ms) < until_ms:
            out.setdefault(write.device, {}).update(write.values)
    return out


def program(
    plant: SimulatedPlant, key: str, set_: Mapping[str, Values], writes: Iterable[Write], at_ms: Instants
) -> Program | None:
    """What the battery of an inverter is to do at stamps that follow each other; None when nothing was ever set.

    `set_` is what was written before the first stamp. An order is that of the minute in which an interval begins.
    """
    ordered = sorted(
        (one for one in writes if at_ms[0] <= ceil_step(one.at_ms) <= at_ms[-1]), key=lambda one: one.at_ms
    )
    if not ordered and not any(set_.values()):
        return None
    held = {name: dict(values) for name, values in set_.items()}
    minutes = wall_times(at_ms - STEP_MS, plant.tz).minute.tolist()
    orders: list[Order] = []
    limits: list[Limits] = []
    changes = iter([*ordered, None])
    upcoming = next(changes)
    controls = controls_of(plant, held, key)
    for at, minute in zip(at_ms.tolist(), minutes, strict=True):
        while upcoming is not None and ceil_step(upcoming.at_ms) <= at:
            held.setdefault(upcoming.device, {}).update(upcoming.values)
            controls, upcoming = controls_of(plant, held, key), next(changes)
        orders.append(_order(controls, (minute + controls.clock_offset_min) % DAY_MIN))
        limits.append(_limits(controls))
    return Program(orders, limits)


_order = lru_cache(maxsize=2 * DAY_MIN)(order)


@lru_cache(maxsize=64)
def _limits(controls: Controls) -> Limits:
    return Limits(
        most_export=step_mwh(controls.export_limit_w),
        most_import=step_mwh(controls.import_limit_w),
        peak_permille=round(controls.peak_soc * PERCENT_TO_PERMILLE),
    )
