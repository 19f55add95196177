"""Buckets: columns that may be missing."""

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
