"""Stored buckets: what folding made, read back in columns.

A row holds a bit for each quantity it has, then their values. The hours of a day share one row, so that totals stay
small beside the samples they sum up.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from heliograph.clock import MINUTE_MS, Level
from heliograph.model.buckets import QUANTITIES, BucketSeries
from heliograph.model.samples import Floats, Instants
from heliograph.store.base import Bucket, Rows
from heliograph.store.sqlite import Database

PLACE = {name: index for index, name in enumerate(QUANTITIES)}
NO_DEVICE = 0
"""The `device` of a plant's own buckets."""
READ = (
    "SELECT since, body FROM bucket WHERE plant = ? AND device = ? AND level = ? AND since >= ? AND since < ?"
    " AND length(body) > 4 ORDER BY since"
)
DAY_SLACK_MS = 28 * 60 * MINUTE_MS
"""More than the longest local day: a zone that gives up three hours of its offset has one of 27."""


def _mask(names: Sequence[str]) -> int:
    return sum(1 << PLACE[name] for name in names)


def _names(mask: int) -> list[str]:
    return [name for name, index in PLACE.items() if mask >> index & 1]


def encode(values: dict[str, float]) -> bytes:
    """One bucket's quantities; those that are NaN or absent take no room."""
    names = [name for name in QUANTITIES if values.get(name, np.nan) == values.get(name)]
    return _mask(names).to_bytes(4, "little") + np.array([values[name] for name in names], "<f8").tobytes()


def encode_hours(starts: Instants, hours: Mapping[str, Floats]) -> bytes:
    """The hours of one day in one row: `starts` holds their starts and the day's end, `hours` one array a quantity."""
    names = [name for name in QUANTITIES if name in hours and not np.isnan(hours[name]).all()]
    offsets = ((starts[:-1] - starts[0]) // MINUTE_MS).astype("<u2")
    # Column by column compresses best; what exceeds a kilobyte would take a page of its own.
    packed = zlib.compress(offsets.tobytes() + b"".join(hours[name].astype("<f8").tobytes() for name in names), 3)
    return _mask(names).to_bytes(4, "little") + bytes((len(offsets),)) + packed


def total(values: Floats) -> float:
    """The sum of what is there; arrays of a day's hours are too short for numpy's own to pay."""
    return float(sum(value for value in values.tolist() if value == value))


def _decode_hours(since_ms: int, body: bytes) -> tuple[Instants, dict[str, Floats]]:
    names = _names(int.from_bytes(body[:4], "little"))
    count = body[4]
    unpacked = zlib.decompress(body[5:])
    starts = since_ms + np.frombuffer(unpacked, "<u2", count).astype(np.int64) * MINUTE_MS
    matrix = np.frombuffer(unpacked, "<f8", -1, 2 * count).reshape(len(names), count)
    return starts, {name: matrix[index] for index, name in enumerate(names)}


def _decode(found: list[tuple[int, bytes]]) -> tuple[Instants, dict[str, Floats]]:
    """Rows of one bucket each, as columns; rows with the same quantities are read at one go."""
    since = np.array([row[0] for row in found], np.int64)
    groups: dict[bytes, list[int]] = {}
    for index, (_, body) in enumerate(found):
        groups.setdefault(body[:4], []).append(index)
    columns: dict[str, Floats] = {}
    for head, members in groups.items():
        names = _names(int.from_bytes(head, "little"))
        matrix = np.frombuffer(b"".join(found[i][1][4:] for i in members), "<f8").reshape(len(members), len(names))
        for place, name in enumerate(names):
            if len(members) == len(found):
                columns[name] = matrix[:, place]
            else:
                columns.setdefault(name, np.full(len(found), np.nan))[members] = matrix[:, place]
    return since, columns


class Buckets:
    """Reads and writes buckets of plants and devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, plant: int, device: int, level: Level, since_ms: int, until_ms: int) -> BucketSeries:
        """The buckets that start in the span, oldest first; `device` 0 asks for the plant's own."""
        subject = device or plant
        if level is Level.HOUR:
            return self._hours(plant, device, since_ms, until_ms)
        since, columns = _decode(self._database.query(READ, (plant, device, level, since_ms, until_ms)))
        return BucketSeries(subject, level, since, columns)

    def _hours(self, plant: int, device: int, since_ms: int, until_ms: int) -> BucketSeries:
        found = self._database.query(READ, (plant, device, Level.HOUR, since_ms - DAY_SLACK_MS, until_ms))
        days = [_decode_hours(*row) for row in found]
        if not days:
            return BucketSeries(device or plant, Level.HOUR, np.empty(0, np.int64), {})
        starts = np.concatenate([day[0] for day in days])
        keep = (starts >= since_ms) & (starts < until_ms)
        names = list(dict.fromkeys(name for day in days for name in day[1]))
        columns = {
            name: np.concatenate([day[1].get(name, np.full(len(day[0]), np.nan)) for day in days])[keep]
            for name in names
        }
        return BucketSeries(device or plant, Level.HOUR, starts[keep], columns)

    def carry_before(self, plant: int, device: int, since_ms: int) -> dict[str, float]:
        """The counters' last readings at the end of the newest day before an instant."""
        found = self._database.query(
            "SELECT carry FROM bucket WHERE plant = ? AND device = ? AND level = ? AND since < ?"
            " ORDER BY since DESC LIMIT 1",
            (plant, device, Level.DAY, since_ms),
        )
        return msgspec.msgpack.decode(found[0][0], type=dict[str, float]) if found and found[0][0] else {}

    def carry_at(self, plant: int, device: int, since_ms: int) -> dict[str, float]:
        """The carry of the day that starts at an instant."""
        return self.carry_before(plant, device, since_ms + 1)

    def next_day(self, plant: int, device: int, since_ms: int) -> int | None:
        """The start of the first day with a bucket at or after an instant. [ms]"""
        found = self._database.query(
            "SELECT since FROM bucket WHERE plant = ? AND device = ? AND level = ? AND since >= ?"
            " ORDER BY since LIMIT 1",
            (plant, device, Level.DAY, since_ms),
        )
        return int(found[0][0]) if found else None


def put(rows: Rows, plant: int, device: int, bucket: Bucket, body: bytes | None = None) -> None:
    """Keep one bucket, inside a transaction. A bucket in which nothing was measured is removed."""
    key = (plant, device, bucket.level, bucket.since_ms)
    if body is None and not bucket.values and not bucket.carry:
        rows.execute("DELETE FROM bucket WHERE plant = ? AND device = ? AND level = ? AND since = ?", key)
        return
    carry = msgspec.msgpack.encode(bucket.carry) if bucket.carry else None
    rows.execute(
        "INSERT OR REPLACE INTO bucket (plant, device, level, since, body, carry) VALUES (?, ?, ?, ?, ?, ?)",
        (*key, body or encode(bucket.values), carry),
    )


def read_hours(rows: Rows, plant: int, device: int, day_since_ms: int) -> dict[str, Floats]:
    """The hours of one day of a device, one array a quantity, as the transaction sees them."""
    found = rows.execute(
        "SELECT since, body FROM bucket WHERE plant = ? AND device = ? AND level = ? AND since = ?",
        (plant, device, Level.HOUR, day_since_ms),
    ).fetchone()
    return _decode_hours(*found)[1] if found else {}


def read_one(rows: Rows, plant: int, device: int, level: Level, since_ms: int) -> dict[str, float]:
    """One bucket's quantities, as the transaction sees them."""
    found = rows.execute(READ, (plant, device, level, since_ms, since_ms + 1)).fetchone()
    return {} if found is None else {name: float(values[0]) for name, values in _decode([found])[1].items()}


def summed(rows: Rows, plant: int, device: int, part: Level, since_ms: int, until_ms: int) -> dict[str, float]:
    """The sum of the finer buckets of a span, inside a transaction."""
    _, columns = _decode(rows.execute(READ, (plant, device, part, since_ms, until_ms)).fetchall())
    return {name: total(values) for name, values in columns.items()}


def count_days(rows: Rows, plant: int, device: int, span: tuple[int, int], quantity: str) -> int:
    """How many days of a span hold a quantity, inside a transaction."""
    _, columns = _decode(rows.execute(READ, (plant, device, Level.DAY, *span)).fetchall())
    values = columns.get(quantity)
    return 0 if values is None else int((~np.isnan(values)).sum())


def drop_plant(rows: Rows, plant: int) -> None:
    """Drop every bucket of a plant and its devices, as when its zone changed."""
    rows.execute("DELETE FROM bucket WHERE plant = ?", (plant,))
