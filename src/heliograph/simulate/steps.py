"""The grid of five minutes, the blocks of days that physics is computed over, and the seeded draws.

Whatever is not exactly rounded (sines, powers, pvlib) is computed over whole blocks of UTC days, always the same ones,
and then cut: so a span gives the same bytes however it is split. After the cut only integers and the operations that
IEEE 754 rounds exactly are used.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from heliograph.clock import DAY_MS, HOUR_MS, day_of, day_start, local

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from heliograph.model.samples import Floats, Instants

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

STEP_MS = 300_000
STEPS_PER_HOUR = HOUR_MS // STEP_MS
STEPS_PER_DAY = DAY_MS // STEP_MS
BLOCK_DAYS = 16
BLOCK_STEPS = BLOCK_DAYS * STEPS_PER_DAY

BlockT = TypeVar("BlockT", bound=msgspec.Struct)


def ceil_step(at_ms: int) -> int:
    """The first stamp of the grid that is not before the instant. [ms]"""
    return -(-at_ms // STEP_MS) * STEP_MS


def step_mwh(power_w: float) -> int:
    """The most that a power moves in five minutes. [mWh]"""
    return int(power_w * 1000 // STEPS_PER_HOUR)


def stamps(since_ms: int, until_ms: int) -> Instants:
    """The stamps of the grid in the half-open span. [ms]"""
    return np.arange(ceil_step(since_ms), ceil_step(until_ms), STEP_MS, dtype=np.int64)


def block_days(block: int) -> range:
    """The days of a block, counted from 1970-01-01 UTC."""
    return range(block * BLOCK_DAYS, (block + 1) * BLOCK_DAYS)


def block_stamps(block: int) -> Instants:
    """The stamps of a block. [ms]"""
    since_ms = block * BLOCK_DAYS * DAY_MS
    return np.arange(since_ms, since_ms + BLOCK_DAYS * DAY_MS, STEP_MS, dtype=np.int64)


def cut(compute: Callable[[int], BlockT], since_ms: int, until_ms: int) -> BlockT:
    """What `compute` gives for the blocks that the span touches, joined and cut to the stamps of the span.

    A block is a Struct of arrays whose last axis runs along the stamps of the block.
    """
    first, end = ceil_step(since_ms) // STEP_MS, ceil_step(until_ms) // STEP_MS
    numbers = range(first // BLOCK_STEPS, max(first, end - 1) // BLOCK_STEPS + 1)
    blocks = [compute(number) for number in numbers]
    bounds = [
        slice(max(first - number * BLOCK_STEPS, 0), max(min(end - number * BLOCK_STEPS, BLOCK_STEPS), 0))
        for number in numbers
    ]
    columns = {
        name: np.concatenate(
            [getattr(block, name)[..., part] for block, part in zip(blocks, bounds, strict=True)], axis=-1
        )
        for name in blocks[0].__struct_fields__
    }
    return type(blocks[0])(**columns)


@lru_cache(maxsize=1024)
def _key(seed: int, name: str) -> int:
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=16).digest(), "big")


def generator(seed: int, name: str, day: int = 0) -> np.random.Generator:
    """The random numbers of one purpose and one day, whoever asks and whenever."""
    counter = np.array([0, 0, day % 2**64, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, name), counter=counter))


def normals(seed: int, name: str, days: range, count: int) -> Floats:
    """Standard normal numbers, `count` for each day, shape (days, count)."""
    return np.stack([generator(seed, name, day).standard_normal(count) for day in days])


def drift(seed: int, name: str, block: int, knots_per_day: int) -> Floats:
    """A wandering number of mean 0 and spread about 1: a normal number at every knot, straight lines between."""
    days = block_days(block)
    knots = normals(seed, name, range(days.start, days.stop + 1), knots_per_day).ravel()
    position = np.arange(BLOCK_STEPS) * (knots_per_day / STEPS_PER_DAY)
    return np.asarray(np.interp(position, np.arange(knots.size), knots), dtype=np.float64)


def spell(seed: int, name: str, block: int) -> Floats:
    """Like `drift` with one knot a day, but a day resembles the two before it."""
    days = block_days(block)
    raw = normals(seed, name, range(days.start - 2, days.stop + 1), 1).ravel()
    knots = 0.75 * raw[2:] + 0.55 * raw[1:-1] + 0.37 * raw[:-2]
    return np.interp(np.arange(BLOCK_STEPS) / STEPS_PER_DAY, np.arange(knots.size), knots)


def noise(seed: int, name: str, block: int) -> Floats:
    """A standard normal number for every stamp of the block."""
    return normals(seed, name, block_days(block), STEPS_PER_DAY).ravel()


def _offset_s(at_ms: int, tz: ZoneInfo) -> int:
    """What the clock on the wall is ahead of UTC. [s]"""
    return int((local(at_ms, tz).utcoffset() or timedelta(0)).total_seconds())


class WallTimes(msgspec.Struct, frozen=True):
    """The plant's wall time at each stamp."""

    minute: Counts
    """Since local midnight by the clock on the wall. [min]"""
    weekday: Counts
    """0 is Monday."""


def wall_times(at_ms: Instants, tz: ZoneInfo) -> WallTimes:
    """The plant's wall time of stamps that follow each other on the grid, clock changes included."""
    half_hour_ms = HOUR_MS // 2
    slots = at_ms // half_hour_ms
    first, last = int(slots[0]), int(slots[-1])
    offsets = np.array([_offset_s(n * half_hour_ms, tz) for n in range(first, last + 1)], dtype=np.int64)
    wall_s = at_ms // 1000 + offsets[slots - first]
    return WallTimes(wall_s % 86_400 // 60, (wall_s // 86_400 + 3) % 7)


def midnights(at_ms: Instants, tz: ZoneInfo) -> Flags:
    """Which stamps begin a day of the plant's calendar."""
    begins = np.zeros(at_ms.size, dtype=np.bool_)
    if at_ms.size:
        first, last = int(at_ms[0]), int(at_ms[-1])
        starts = [day_start(n, tz) for n in range(day_of(first, tz), day_of(last, tz) + 1)]
        begins[[(start - first) // STEP_MS for start in starts if start >= first]] = True
    return begins


def since_last(marks: Flags) -> Counts:
    """For each place, the index of the last mark at or before it; -1 before the first."""
    last: Counts = np.maximum.accumulate(np.where(marks, np.arange(marks.size), -1))
    return last
