"""Deriving: powers that no device sent, from what it did send."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heliograph.model import measurements as m
from heliograph.model.measurements import Measurement
from heliograph.model.samples import Floats

Product = tuple[str, str]


def _products(voltages: list[Measurement], currents: list[Measurement]) -> tuple[Product, ...]:
    return tuple((voltage.key, current.key) for voltage, current in zip(voltages, currents, strict=True))


SUMS: dict[str, tuple[tuple[str, ...], ...]] = {
    m.PV_POWER.key: (tuple(channel.key for channel in m.PV_CHANNEL_POWER),),
    m.AC_POWER.key: ((m.AC_A_POWER.key, m.AC_B_POWER.key, m.AC_C_POWER.key),),
    m.METER_POWER.key: ((m.METER_A_POWER.key, m.METER_B_POWER.key, m.METER_C_POWER.key),),
}
"""A power as the sum of its parts: each entry is one way, tried in order."""
PRODUCTS: dict[str, tuple[tuple[Product, ...], ...]] = {
    m.PV_POWER.key: (((m.DC_VOLTAGE.key, m.DC_CURRENT.key),), _products(m.PV_VOLTAGE, m.PV_CURRENT)),
    m.BATTERY_POWER.key: (((m.BATTERY_VOLTAGE.key, m.BATTERY_CURRENT.key),),),
}
"""A power as the sum of voltage times current: each entry is one way, tried in order."""


def sources(key: str) -> tuple[str, ...]:
    """Every measurement that a power can be derived from; empty for what cannot be."""
    sums = [part for way in SUMS.get(key, ()) for part in way]
    products = [part for way in PRODUCTS.get(key, ()) for pair in way for part in pair]
    return tuple(dict.fromkeys((*sums, *products)))


def derive(key: str, columns: Mapping[str, Floats]) -> Floats | None:
    """A power from its parts, None when no way has any of them. [W]

    An instant at which a way lacks all its parts is NaN; a part that is missing beside others counts as nothing.
    """
    for parts in SUMS.get(key, ()):
        found = [columns[part] for part in parts if part in columns]
        if found:
            return _sum(found)
    for pairs in PRODUCTS.get(key, ()):
        found = [columns[v] * columns[i] for v, i in pairs if v in columns and i in columns]
        if found:
            return _sum(found)
    return None


def _sum(parts: list[Floats]) -> Floats:
    matrix = np.vstack(parts)
    total: Floats = np.nansum(matrix, axis=0)
    total[np.isnan(matrix).all(axis=0)] = np.nan
    return total
