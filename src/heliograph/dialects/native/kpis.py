"""Performance of a photovoltaic plant in the words of IEC 61724-1. Pure; a missing input gives NaN, never 0."""

from __future__ import annotations

import msgspec
import numpy as np

from heliograph.clock import SECOND_MS
from heliograph.model import kpi
from heliograph.model.samples import Floats

SLOT_S = 300


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Figures by period. Yields and losses are hours at rated power [h], the ratio is [1]."""

    reference_yield_h: Floats
    array_yield_h: Floats
    final_yield_h: Floats
    capture_loss_h: Floats
    system_loss_h: Floats
    performance_ratio: Floats


def performance(
    *, capacity_w: float | None, irradiation_wh_per_m2: Floats, array_wh: Floats, final_wh: Floats
) -> Performance:
    """The figures of periods from their energies: of the array (direct current) and of the plant (alternating)."""
    rated_w = np.full(len(final_wh), np.nan if capacity_w is None else capacity_w)
    reference_h = kpi.reference_yield_h(irradiation_wh_per_m2)
    array_h = kpi.specific_yield_h(array_wh, rated_w)
    final_h = kpi.specific_yield_h(final_wh, rated_w)
    theory_wh = kpi.theory_energy_wh(irradiation_wh_per_m2, rated_w)
    return Performance(
        reference_yield_h=reference_h,
        array_yield_h=array_h,
        final_yield_h=final_h,
        capture_loss_h=kpi.capture_loss_h(reference_h, array_h),
        system_loss_h=kpi.system_loss_h(array_h, final_h),
        performance_ratio=kpi.performance_ratio_percent(final_wh, theory_wh) / 100.0,
    )


def expected_samples(since_ms: int, until_ms: int, interval_s: int) -> int:
    """How many five-minute slots of a span a device with this interval fills when none is missing. [1]"""
    return max(0, until_ms - since_ms) // (max(interval_s, SLOT_S) * SECOND_MS)


def availability(received: int, expected: int) -> float | None:
    """Share of the expected samples that came; None when none was due. [1]"""
    return received / expected if expected else None
