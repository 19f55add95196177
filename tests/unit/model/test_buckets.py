"""Buckets: columns that may be missing, and what a plant consumed."""

from __future__ import annotations

import numpy as np

from heliograph.clock import Level
from heliograph.model import buckets as b
from heliograph.model.buckets import BucketSeries

NAN = float("nan")


def series(**columns: list[float]) -> BucketSeries:
    """Three days of a plant."""
    return BucketSeries(1, Level.DAY, np.arange(3), {name: np.array(values) for name, values in columns.items()})


def test_a_quantity_that_nobody_measured_is_a_column_of_nothing() -> None:
    found = series(production=[1.0, 2.0, 3.0])
    assert found.column(b.PRODUCTION).tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(found.column(b.FEED_IN)).tolist() == [True] * 3


def test_measured_loads_go_before_the_balance_and_what_lacks_a_meter_is_unknown() -> None:
    found = series(
        production=[10.0, 10.0, 10.0], feed_in=[4.0, 12.0, NAN], purchase=[3.0, 5.0, 1.0], consumption=[8.5, NAN, NAN]
    ).with_consumption()
    # On the second day more was fed in than produced: the battery gave it.
    assert np.array_equal(found.column(b.CONSUMPTION), [8.5, 5.0, NAN], equal_nan=True)
    assert found.column(b.FEED_IN)[0] == 4.0


def test_a_plant_of_which_nothing_is_known_stays_as_it_is() -> None:
    found = series(production=[10.0, 10.0, 10.0])
    assert found.with_consumption() is found
