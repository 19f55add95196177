"""What the interface calls measurements, and how its numbers are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.model import measurements as m
from heliograph.model.units import DEG_C, HZ, V, W
from heliograph.protocol.fields import Field, FieldTable

if TYPE_CHECKING:
    from heliograph.model.samples import Floats

CITE = "APsystems OpenAPI V1.6, 3.5.2"
INVERTER = FieldTable(
    "apsystems",
    "inverter",
    [
        Field("ac_v1", m.AC_A_VOLTAGE, V),
        Field("ac_v2", m.AC_B_VOLTAGE, V),
        Field("ac_v3", m.AC_C_VOLTAGE, V),
        Field("ac_t", m.INVERTER_TEMPERATURE, DEG_C, note="The document calls it the temperature of the AC side."),
        Field("ac_p", m.AC_POWER, W),
        Field("ac_f", m.AC_FREQUENCY, HZ),
    ],
    CITE,
)
"""The side of the grid; the channels are made of strings in `channels`."""

ENERGY_DIGITS, METER_DIGITS, METER_LIST_DIGITS, FINE_DIGITS = 2, 6, 3, 6
"""Decimals of kilowatt-hours as printed: summaries and lists, meters' summaries, their lists, what falls on a point."""
POWER_DIGITS = 2
"""Decimals of watts, volts, amperes, hertz and degrees over a day."""
_KILO = 1000.0


def texts(values: Floats, digits: int) -> list[str]:
    """Numbers as text with so many decimals; 0 for what nobody measured."""
    rounded = np.round(np.nan_to_num(values), digits) + 0.0
    form = f"%.{digits}f"
    return [form % value for value in rounded.tolist()]


def kwh(values_wh: Floats, digits: int = ENERGY_DIGITS) -> list[str]:
    """Energies as text. [kWh]"""
    return texts(values_wh / _KILO, digits)


def kwh_text(value_wh: float, digits: int = ENERGY_DIGITS) -> str:
    """An energy as text. [kWh]"""
    return kwh(np.array([value_wh]), digits)[0]


_WHOLE = [str(number) for number in range(10_000)]


def whole(values: Floats) -> list[str]:
    """Whole numbers as text, the fastest way; 0 for what nobody measured."""
    numbers = np.rint(np.nan_to_num(values)).astype(np.int64)
    if len(numbers) and int(numbers.min()) >= 0 and int(numbers.max()) < len(_WHOLE):
        return list(map(_WHOLE.__getitem__, numbers.tolist()))
    return list(map(str, numbers.tolist()))
