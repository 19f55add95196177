"""The arithmetic of performance figures."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.native.kpis import availability, expected_samples, performance

ENERGY = st.one_of(st.none(), st.floats(0, 1e9, allow_subnormal=False))


class Figures(msgspec.Struct):
    """The figures of one period, None where they are NaN."""

    reference_yield_h: float | None
    array_yield_h: float | None
    final_yield_h: float | None
    capture_loss_h: float | None
    system_loss_h: float | None
    performance_ratio: float | None


def of_one(
    *,
    capacity_w: float | None,
    irradiation_wh_per_m2: float | None,
    array_wh: float | None,
    final_wh: float | None,
) -> Figures:
    """The performance of a single period."""
    found = performance(
        capacity_w=capacity_w,
        irradiation_wh_per_m2=np.array([irradiation_wh_per_m2], float),
        array_wh=np.array([array_wh], float),
        final_wh=np.array([final_wh], float),
    )
    [values] = zip(*(column.tolist() for column in msgspec.structs.astuple(found)), strict=True)
    return Figures(*(None if math.isnan(value) else value for value in values))


def test_yields_losses_and_ratio_of_a_sunny_day() -> None:
    # 25 200 kW under 0.6968 kWh/m2 gave 18 330 kWh: a documented day whose uncapped ratio is 104.39 %.
    found = of_one(capacity_w=25_200_000.0, irradiation_wh_per_m2=696.8, array_wh=18_900_000.0, final_wh=18_330_000.0)
    assert found.reference_yield_h == pytest.approx(0.6968)
    assert found.array_yield_h == pytest.approx(0.75)
    assert found.final_yield_h == pytest.approx(0.727, abs=5e-4)
    assert found.capture_loss_h == pytest.approx(0.6968 - 0.75)
    assert found.system_loss_h == pytest.approx(0.75 - 18_330 / 25_200)
    assert found.performance_ratio == pytest.approx(1.0439, abs=5e-5)


def test_a_dark_period_has_a_yield_of_zero_and_no_ratio() -> None:
    found = of_one(capacity_w=1000.0, irradiation_wh_per_m2=0.0, array_wh=0.0, final_wh=0.0)
    assert (found.reference_yield_h, found.final_yield_h, found.performance_ratio) == (0.0, 0.0, None)


@given(st.one_of(st.none(), st.just(0.0), st.floats(1.0, 1e9)), ENERGY, ENERGY, ENERGY)
def test_a_missing_input_gives_none_and_never_zero(
    capacity_w: float | None, irradiation: float | None, array_wh: float | None, final_wh: float | None
) -> None:
    found = of_one(capacity_w=capacity_w, irradiation_wh_per_m2=irradiation, array_wh=array_wh, final_wh=final_wh)
    assert (found.reference_yield_h is None) == (irradiation is None)
    assert (found.array_yield_h is None) == (array_wh is None or not capacity_w)
    assert (found.final_yield_h is None) == (final_wh is None or not capacity_w)
    assert (found.capture_loss_h is None) == (found.reference_yield_h is None or found.array_yield_h is None)
    assert (found.system_loss_h is None) == (found.array_yield_h is None or found.final_yield_h is None)
    assert (found.performance_ratio is None) == (found.final_yield_h is None or not found.reference_yield_h)


@given(st.one_of(st.floats(1.0, 1e9)), st.floats(1, 1e5), st.floats(1, 1e9), st.floats(1, 1e9))
def test_the_yields_and_losses_close(capacity_w: float, irradiation: float, array_wh: float, final_wh: float) -> None:
    found = of_one(capacity_w=capacity_w, irradiation_wh_per_m2=irradiation, array_wh=array_wh, final_wh=final_wh)
    parts = (found.final_yield_h, found.system_loss_h, found.capture_loss_h)
    assert math.isclose(
        sum(part for part in parts if part is not None),
        found.reference_yield_h or 0.0,
        rel_tol=1e-6,
        abs_tol=1e-6 * max(array_wh, final_wh) / capacity_w,
    )


@pytest.mark.parametrize(
    ("hours", "interval_s", "expected"), [(24, 300, 288), (23, 300, 276), (25, 60, 300), (24, 900, 96), (-1, 300, 0)]
)
def test_a_device_owes_at_most_one_sample_in_five_minutes(hours: int, interval_s: int, expected: int) -> None:
    assert expected_samples(0, hours * 3_600_000, interval_s) == expected


def test_availability_is_unknown_where_nothing_was_due() -> None:
    assert availability(0, 0) is None
    assert availability(72, 288) == 0.25
