"""Inverters that were switched off, or on again, by a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.simulate.steps import ceil_step

if TYPE_CHECKING:
    from heliograph.model.samples import Instants
    from heliograph.simulate.pv import Generation
    from heliograph.simulate.steps import Flags


class Switch(msgspec.Struct, frozen=True):
    """One switching of a device of a plant, by its key. It counts from the first stamp not before its instant."""

    device: str
    at_ms: int
    on: bool


def switched_off(
    devices: Iterable[str], off: Sequence[str], switches: Iterable[Switch], at_ms: Instants
) -> dict[str, Flags]:
    """When devices are off, by key, at stamps that follow each other: those in `off` from the first stamp on.

    What was switched before the first stamp must be in `off` already; of two at one stamp the later in order counts.
    """
    found = {key: np.full(at_ms.size, key in off) for key in devices}
    ordered = sorted((switch for switch in switches if switch.device in found), key=lambda one: one.at_ms)
    for switch in ordered:
        effective_ms = ceil_step(switch.at_ms)
        if effective_ms >= at_ms[0]:
            found[switch.device][at_ms >= effective_ms] = not switch.on
    return {key: flags for key, flags in found.items() if flags.any()}


def still_off(flags: Mapping[str, Flags]) -> tuple[str, ...]:
    """The devices that are off at the last stamp, in order."""
    return tuple(sorted(key for key, own in flags.items() if own[-1]))


def halted(made: Generation, off: Flags) -> Generation:
    """What an inverter makes of the sun that is off at some stamps: nothing then."""
    return msgspec.structs.replace(
        made,
        tracker_mwh=np.where(off, 0, made.tracker_mwh),
        tracker_v=np.where(off, 0.0, made.tracker_v),
        ac_mwh=np.where(off, 0, made.ac_mwh),
        stopped=made.stopped | off,
    )
