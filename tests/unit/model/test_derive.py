"""Powers that no device sent, from what it did send."""

from __future__ import annotations

import numpy as np
import pytest

from heliograph.model import measurements as m
from heliograph.model.derive import PRODUCTS, SUMS, derive, sources
from heliograph.model.units import A, V, W

NaN = float("nan")


def test_strings_add_up_to_the_array() -> None:
    columns = {"pv.1.power": np.array([1.0, NaN, NaN]), "pv.24.power": np.array([2.0, 3.0, NaN])}
    found = derive("pv.power", columns)
    assert found is not None
    assert np.array_equal(found, [3.0, 3.0, NaN], equal_nan=True)


def test_voltage_times_current_is_power_and_nothing_where_one_is_missing() -> None:
    columns = {
        "battery.voltage": np.array([50.0, 50.0, NaN]),
        "battery.current": np.array([-2.0, NaN, 1.0]),
    }
    found = derive("battery.power", columns)
    assert found is not None
    assert np.array_equal(found, [-100.0, NaN, NaN], equal_nan=True)


def test_a_told_power_is_believed_before_a_computed_one() -> None:
    columns = {
        "pv.1.power": np.array([7.0]),
        "pv.1.voltage": np.array([10.0]),
        "pv.1.current": np.array([10.0]),
    }
    found = derive("pv.power", columns)
    assert found is not None
    assert found.tolist() == [7.0]


def test_the_bus_is_taken_before_the_strings_and_never_both() -> None:
    columns = {key: np.array([10.0]) for key in ("dc.voltage", "dc.current", "pv.1.voltage", "pv.1.current")}
    found = derive("pv.power", columns)
    assert found is not None
    assert found.tolist() == [100.0]


def test_half_a_pair_derives_nothing() -> None:
    assert derive("pv.power", {"pv.1.voltage": np.array([10.0]), "pv.2.current": np.array([1.0])}) is None
    assert derive("ac.energy", {"ac.power": np.array([1.0])}) is None
    assert derive("pv.power", {}) is None


@pytest.mark.parametrize("key", sorted({*SUMS, *PRODUCTS}))
def test_parts_are_measurements_of_the_right_dimension(key: str) -> None:
    assert m.CATALOGUE[key].unit == W
    for way in SUMS.get(key, ()):
        assert {m.CATALOGUE[part].unit for part in way} == {W}
    for pairs in PRODUCTS.get(key, ()):
        assert all((m.CATALOGUE[v].unit, m.CATALOGUE[i].unit) == (V, A) for v, i in pairs)
    assert key not in sources(key)
    assert len(sources(key)) == len(set(sources(key)))


def test_what_cannot_be_derived_has_no_sources() -> None:
    assert sources("ac.energy") == ()
    assert sources("") == ()
