"""Counters over life: how far they rise from reading to reading, also where they start again."""

from __future__ import annotations

import numpy as np

from heliograph.model.samples import Floats

RESTARTED = 0.5
"""A counter that falls below this share of its height may have started again; any other fall is a wrong reading."""


def rises(readings: Floats, *, restarts: bool) -> tuple[Floats, float]:
    """The rise up to each reading but the first, and how high the counter then stands, both in its own unit.

    `readings` is not empty and holds no NaN. One that `restarts` begins at 0 where it falls far enough; any other fall
    is held, until the old height is passed.
    """
    steps: Floats = np.diff(readings)
    if not (steps < 0).any():
        return steps, float(readings[-1])
    top = float(readings[0])
    for place, value in enumerate(readings[1:].tolist()):
        if value >= top:
            steps[place], top = value - top, value
        elif restarts and value < top * RESTARTED:
            steps[place] = top = value
        else:
            steps[place] = 0.0
    return steps, top
