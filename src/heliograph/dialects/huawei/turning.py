"""Meters at the grid connection, turned round: with `feed_in_positive` they count feed-in forward, as live ones do.

The hub counts import forward there. Currents, voltages and power factors have no direction and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from heliograph.model import measurements as m
from heliograph.model.devices import METERS, MeterRole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliograph.model.devices import Device
    from heliograph.model.samples import Floats

POWERS = tuple(
    power.key
    for power in (
        m.METER_POWER, m.METER_A_POWER, m.METER_B_POWER, m.METER_C_POWER, m.METER_REACTIVE_POWER,
        m.METER_A_REACTIVE_POWER, m.METER_B_REACTIVE_POWER, m.METER_C_REACTIVE_POWER,
    )
)  # fmt: skip
"""What changes its sign."""
_FORWARD = {key: key.replace("_forward", "_reverse") for key in (m.METER_FORWARD.key, m.METER_REACTIVE_FORWARD.key)} | {
    tariff.key: m.METER_TARIFF[register.replace("_forward", "_reverse"), name].key
    for (register, name), tariff in m.METER_TARIFF.items()
    if register.endswith("_forward")
}
REGISTERS = _FORWARD | {reverse: forward for forward, reverse in _FORWARD.items()}
"""What takes the place of each register."""


def turns(device: Device) -> bool:
    """Whether the two directions of a device are import and feed-in."""
    return device.kind in METERS and device.role is MeterRole.GRID


def turned(columns: Mapping[str, Floats], rows: NDArray[np.bool_]) -> dict[str, Floats]:
    """Columns with the chosen rows counted the other way round; a register whose other is missing is NaN there."""
    out = dict(columns)
    for key in POWERS:
        if key in columns:
            out[key] = np.where(rows, 0.0 - columns[key], columns[key])
    for key, other in REGISTERS.items():
        if key in columns or other in columns:
            blank = np.full(len(rows), np.nan)
            out[key] = np.where(rows, columns.get(other, blank), columns.get(key, blank))
    return out
