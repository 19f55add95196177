"""Channels: which strings they are made of, and how an hour's energy divides among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import HOUR_MS
from heliograph.dialects.apsystems.channels import (
    Channel,
    channels,
    current,
    divide,
    in_proportion,
    power,
    powers,
    voltage,
)

NaN = float("nan")
STARTS = np.arange(0, 4) * HOUR_MS
MINUTE_MS = 60_000


def test_strings_beyond_the_fourth_belong_to_the_last_channel() -> None:
    keys = frozenset(
        {"pv.power", "ac.power", "pv.1.power", "pv.2.voltage", "pv.4.current", "pv.5.power", "pv.24.power"}
    )
    assert channels(keys) == (Channel(1, (1,)), Channel(2, (2,)), Channel(4, (4, 5, 24)))
    assert channels(frozenset({"pv.x.power", "pv.1.state", "ac.power"})) == (Channel(1, ()),)


def test_power_is_told_or_made_of_voltage_and_current() -> None:
    columns = {
        "pv.1.power": np.array([1.0, NaN]), "pv.1.voltage": np.array([10.0, 10.0]),
        "pv.1.current": np.array([3.0, 2.0]),
        "pv.2.voltage": np.array([5.0, NaN]), "pv.2.current": np.array([1.0, 1.0]), "pv.3.power": np.array([7.0, 8.0]),
    }  # fmt: skip
    assert [power(channel, columns) is None for channel in (Channel(4, (9,)), Channel(1, ()))] == [True, False]
    found = powers([Channel(1, (1,)), Channel(2, (2, 3)), Channel(4, (9,))], columns, 2)
    np.testing.assert_array_equal(found, [[1.0, 20.0], [12.0, 8.0], [NaN, NaN]])
    both = Channel(4, (1, 2))
    np.testing.assert_array_equal(current(both, columns), [4.0, 3.0])
    np.testing.assert_array_equal(voltage(both, columns), [10.0, 10.0])
    assert voltage(Channel(1, ()), columns) is None
    whole = power(Channel(1, ()), {"pv.power": np.array([9.0])})
    assert whole is not None
    assert whole.tolist() == [9.0]
    nowhere = power(Channel(4, (2, 2)), {"pv.2.power": np.array([NaN])})
    assert nowhere is not None
    assert np.isnan(nowhere).all()


@given(
    st.lists(st.integers(0, 3 * 60 - 1), min_size=1, max_size=30, unique=True).map(sorted),
    st.integers(1, 4),
    st.lists(st.one_of(st.just(NaN), st.floats(0, 1e5)), min_size=3, max_size=3),
    st.data(),
)
def test_the_energies_of_an_hour_add_up_to_what_it_produced(
    minutes: list[int], count: int, produced: list[float], data: st.DataObject
) -> None:
    at_ms = np.array(minutes, np.int64) * MINUTE_MS
    watt = st.one_of(st.just(NaN), st.just(0.0), st.floats(-10, 1e4))
    watts = np.array([data.draw(st.lists(watt, min_size=len(minutes), max_size=len(minutes))) for _ in range(count)])
    energy = divide(at_ms, watts, STARTS, np.array(produced))
    assert (energy >= 0).all()
    assert np.isfinite(energy).all()
    hour = np.clip(np.searchsorted(STARTS, at_ms, "left") - 1, 0, 2)
    apart = [np.isfinite(total) and bool((hour == place).any()) for place, total in enumerate(produced)]
    if all(apart):
        for place, total in enumerate(produced):
            assert energy[:, hour == place].sum() == pytest.approx(total, rel=1e-9, abs=1e-9)
    if np.isfinite(produced).all():
        assert energy.sum() == pytest.approx(sum(produced), rel=1e-9, abs=1e-9)


def test_what_an_hour_without_a_sample_produced_stands_at_the_sample_before() -> None:
    at_ms = np.array([30, 60]) * MINUTE_MS
    watts = np.array([[100.0, 100.0], [100.0, 300.0]])
    found = divide(at_ms, watts, STARTS, np.array([0.0, 40.0, 0.0]))
    assert found.tolist() == [[0.0, 10.0], [0.0, 30.0]]
    found = divide(at_ms + 60 * MINUTE_MS, watts, STARTS, np.array([40.0, 0.0, 0.0]))
    assert found.tolist() == [[20.0, 0.0], [20.0, 0.0]], "there is none before"


def test_what_is_not_folded_stands_as_it_lies_under_the_powers() -> None:
    at_ms = np.array([0, 30, 60, 180]) * MINUTE_MS
    watts = np.array([[100.0, 200.0, 100.0, 100.0]])
    found = divide(at_ms, watts, STARTS, np.full(3, NaN))
    # The last two samples are more than an hour apart.
    assert found.tolist() == [[0.0, 75.0, 75.0, 0.0]]
    assert divide(np.empty(0, np.int64), np.empty((1, 0)), STARTS, np.zeros(3)).shape == (1, 0)


def test_shares_are_even_where_nothing_tells() -> None:
    weights = np.array([[0.0, 1.0], [0.0, 3.0]])
    assert in_proportion(weights, np.array([8.0, 8.0])).tolist() == [[4.0, 2.0], [4.0, 6.0]]
    assert in_proportion(weights, np.array([NaN, 0.0])).tolist() == [[0.0, 0.0], [0.0, 0.0]]
