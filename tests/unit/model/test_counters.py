"""How far counters rise, and where they start again."""

from __future__ import annotations

import numpy as np
import pytest

from heliograph.model.counters import rises


@pytest.mark.parametrize(
    ("readings", "restarts", "steps", "top"),
    [
        ([5.0], True, [], 5.0),
        ([5.0, 7.0, 7.0], True, [2.0, 0.0], 7.0),
        ([100.0, 120.0, 5.0, 8.0], True, [20.0, 5.0, 3.0], 8.0),
        ([100.0, 99.0, 101.0], True, [0.0, 1.0], 101.0),
        ([100.0, 50.0, 49.0], True, [0.0, 49.0], 49.0),
        ([100.0, 5.0, 99.0, 103.0], False, [0.0, 0.0, 3.0], 103.0),
        ([100.0, 5.0], False, [0.0], 100.0),
    ],
)
def test_a_counter_rises_starts_again_or_is_held(
    readings: list[float], restarts: bool, steps: list[float], top: float
) -> None:
    given = np.array(readings)
    found, end = rises(given, restarts=restarts)
    assert (found.tolist(), end) == (steps, top)
    assert given.tolist() == readings
