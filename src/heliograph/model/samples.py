"""Samples in columns: how readings travel between dialects, store and folding.

Missing is `NaN` in every value array: a null, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]


class Block(msgspec.Struct, frozen=True):
    """Records that carry the same measurements, one row each.

    `keys` are measurement keys, in the order of the columns; `values` has shape (rows, keys), canonical units;
    `texts` holds what is not a number, by row.
    """

    keys: tuple[str, ...]
    device_ids: Sequence[int]
    at_ms: Sequence[int]
    values: Floats
    texts: Mapping[int, Mapping[str, str]] = {}


class Series(msgspec.Struct, frozen=True):
    """The samples of one device over a span, oldest first.

    `columns[key]` and each entry of `texts[key]` are as long as `at_ms`; NaN and None mean that the sample lacked it.
    """

    device_id: int
    at_ms: Instants
    columns: dict[str, Floats]
    texts: dict[str, list[str | None]] = {}


class Reading(msgspec.Struct, frozen=True):
    """The newest value of one measurement: a number or a text, and when it was measured. [ms]"""

    value: float | str
    at_ms: int


class Latest(msgspec.Struct, frozen=True):
    """The newest value of everything a device ever sent. `at_ms` is its newest sample, None when it has none."""

    device_id: int
    at_ms: int | None
    readings: dict[str, Reading]
