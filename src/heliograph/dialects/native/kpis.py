"""Performance of a photovoltaic plant in the words of IEC 61724-1. Pure; a missing input gives None, never 0."""

from __future__ import annotations

import msgspec

from heliograph.clock import SECOND_MS

REFERENCE_IRRADIANCE_W_PER_M2 = 1000.0
SLOT_S = 300


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Yields and losses are hours at rated power [h], the ratio is [1]."""

    reference_yield_h: float | None
    array_yield_h: float | None
    final_yield_h: float | None
    capture_loss_h: float | None
    system_loss_h: float | None
    performance_ratio: float | None


def performance(
    *,
    capacity_w: float | None,
    irradiation_wh_per_m2: float | None,
    array_wh: float | None,
    final_wh: float | None,
) -> Performance:
    """The figures of one period from its energies: of the array (direct current) and of the plant (alternating)."""
    reference_h = _divided(irradiation_wh_per_m2, REFERENCE_IRRADIANCE_W_PER_M2)
    array_h = _divided(array_wh, capacity_w)
    final_h = _divided(final_wh, capacity_w)
    return Performance(
        reference_yield_h=reference_h,
        array_yield_h=array_h,
        final_yield_h=final_h,
        capture_loss_h=_less(reference_h, array_h),
        system_loss_h=_less(array_h, final_h),
        performance_ratio=_divided(final_h, reference_h),
    )


def expected_samples(since_ms: int, until_ms: int, interval_s: int) -> int:
    """How many five-minute slots of a span a device with this interval fills when none is missing. [1]"""
    return max(0, until_ms - since_ms) // (max(interval_s, SLOT_S) * SECOND_MS)


def availability(received: int, expected: int) -> float | None:
    """Share of the expected samples that came; None when none was due. [1]"""
    return _divided(float(received), float(expected))


def _divided(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _less(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part
