"""Columns as bytes and back: nothing is lost, little is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliograph.model.samples import Floats
from heliograph.store import chunks
from heliograph.store.chunks import pack, pack_texts, pack_times, unpack, unpack_texts, unpack_times

NaN = float("nan")
anything = hnp.arrays(np.float64, st.integers(0, 300), elements=st.floats(allow_infinity=False))
readings = st.lists(st.one_of(st.just(NaN), st.integers(-(10**12), 10**12).map(lambda n: n / 1000)), max_size=300)


def kind(values: list[float]) -> int:
    """How a column is stored."""
    return pack(np.array(values))[0] & 0x0F


@given(anything)
@example(np.array([1e308, -1e308, 5e-324, 2.2e-308, 0.1]))
@example(np.array([NaN, 1.0, NaN]))
@example(np.array([2.0**53, 2.0**53 + 2, -(2.0**53)]))
@example(np.array([9007199254740.993, 9007199254740.992, 0.001]))
@example(np.array([0.1 + 0.2, 0.3]))
def test_any_column_comes_back_as_it_was(values: Floats) -> None:
    assert np.array_equal(unpack(pack(values), len(values)), values, equal_nan=True)


@given(readings)
def test_readings_of_thousandths_with_nulls_come_back_exactly(listed: list[float]) -> None:
    values = np.array(listed, np.float64)
    assert np.array_equal(unpack(pack(values), len(values)), values, equal_nan=True)


@given(st.floats(allow_nan=False, allow_infinity=False), st.lists(st.booleans(), min_size=1, max_size=2000))
def test_a_constant_with_nulls_anywhere_comes_back(value: float, missing: list[bool]) -> None:
    values = np.where(missing, NaN, value)
    assert np.array_equal(unpack(pack(values), len(values)), values, equal_nan=True)


def test_a_column_is_stored_in_the_cheapest_way_that_is_exact() -> None:
    assert kind([NaN, NaN]) == chunks.EMPTY
    assert kind([]) == chunks.EMPTY
    assert kind([7.25, NaN, 7.25]) == chunks.CONSTANT
    assert kind([0.001, 12.5]) == chunks.INTEGERS
    assert kind([0.000001, 12.5]) == chunks.INTEGERS
    assert kind([1 / 3, 2 / 3]) == chunks.FLOATS
    assert kind([1e300, 1.0]) == chunks.FLOATS


def test_a_day_of_a_constant_or_of_nothing_costs_bytes() -> None:
    assert len(pack(np.full(288, 230.0))) == 9
    assert len(pack(np.full(288, NaN))) == 1
    assert len(pack_times(np.arange(288, dtype=np.int64) * 300_000)) == 25


def test_a_long_run_of_nulls_is_squeezed() -> None:
    values = np.full(5000, NaN)
    values[100:200] = np.linspace(0, 1, 100)
    packed = pack(values)
    assert packed[0] & chunks.NULLS_DEFLATED
    assert len(packed) < 900
    assert np.array_equal(unpack(packed, 5000), values, equal_nan=True)


def test_nulls_strewn_about_are_kept_as_they_are() -> None:
    values = np.where(np.random.default_rng(5).random(256) < 0.5, NaN, 4.0)
    packed = pack(values)
    assert packed[0] & chunks.NULLS
    assert not packed[0] & chunks.NULLS_DEFLATED
    assert np.array_equal(unpack(packed, 256), values, equal_nan=True)


def test_the_bytes_depend_on_the_values_alone() -> None:
    wide = np.arange(20.0).reshape(10, 2)
    assert pack(np.ascontiguousarray(wide[:, 1])) == pack(np.arange(1.0, 20.0, 2.0))


@given(st.lists(st.integers(-(10**13), 10**14), min_size=1, max_size=300, unique=True))
def test_irregular_instants_come_back(instants: list[int]) -> None:
    at_ms = np.array(sorted(instants), np.int64)
    assert unpack_times(pack_times(at_ms)).tolist() == at_ms.tolist()


@given(st.integers(-(10**13), 10**14), st.integers(1, 86_400_000), st.integers(1, 500))
def test_regular_instants_come_back_from_a_few_bytes(first: int, step: int, count: int) -> None:
    at_ms = first + step * np.arange(count, dtype=np.int64)
    packed = pack_times(at_ms)
    assert len(packed) == 25
    assert unpack_times(packed).tolist() == at_ms.tolist()
    assert unpack_times(packed).dtype == np.int64


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), max_size=60))
def test_texts_come_back_with_their_gaps(texts: list[str | None]) -> None:
    assert unpack_texts(pack_texts(texts)) == texts


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 288])
def test_a_null_at_either_end_keeps_its_place(rows: int) -> None:
    for place in {0, rows - 1}:
        values = np.arange(rows) / 7
        values[place] = NaN
        assert np.array_equal(unpack(pack(values), rows), values, equal_nan=True)
