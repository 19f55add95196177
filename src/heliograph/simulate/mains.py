"""The grid at the connection: voltage of each phase and frequency."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.model.samples import Floats
from heliograph.simulate.steps import drift, generator, noise

if TYPE_CHECKING:
    from heliograph.simulate.specs import Connection, Site


class Mains(msgspec.Struct, frozen=True):
    """The grid over a block of days."""

    voltage: Floats
    """Phase to neutral, shape (phases, stamps). [V]"""
    frequency: Floats
    """[Hz]"""


@lru_cache(maxsize=32)
def mains(site: Site, connection: Connection, block: int) -> Mains:
    """Voltage and frequency of a block of days."""
    name = f"{site.key}/mains"
    common = 0.008 * drift(site.seed, f"{name}/voltage", block, 24)
    phases = []
    for phase in connection.phases:
        offset = 0.004 * generator(site.seed, f"{name}/{phase}").standard_normal()
        own = 0.002 * noise(site.seed, f"{name}/{phase}", block)
        phases.append(connection.voltage_v * (1.01 + offset + common + own))
    wander = 0.012 * drift(site.seed, f"{name}/hertz", block, 96) + 0.006 * noise(site.seed, f"{name}/jitter", block)
    return Mains(np.stack(phases), connection.frequency_hz + wander)
