"""What devices have measured, in memory: newest readings, samples and buckets, as the test has set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.clock import Level
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import Device
from heliograph.model.samples import Latest, Reading, Series
from tests.dialects.absent import Absent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from heliograph.model.access import Caller
    from heliograph.protocol.hub import Subject

NOW_MS = 1_751_371_200_000
"""2025-07-01 12:00 UTC."""


class FakeFigures(Absent):
    """The part of `protocol.hub.Hub` that answers with figures."""

    def __init__(self) -> None:
        self.newest: dict[int, Latest] = {}
        self.series: dict[int, Series] = {}
        self.all_buckets: dict[tuple[Subject, int, Level], BucketSeries] = {}

    def read(self, device: Device, readings: Mapping[str, float | str], at_ms: int = NOW_MS) -> None:
        """Set the newest readings of a device."""
        named = {key: Reading(value, at_ms) for key, value in readings.items()}
        self.newest[device.id] = Latest(device.id, at_ms, named)

    def measure(
        self,
        device: Device,
        at_ms: Sequence[int],
        texts: Mapping[str, Sequence[str | None]] | None = None,
        **columns: Sequence[float],
    ) -> None:
        """Set the samples of a device; `__` in a name stands for the dot of a key."""
        arrays = {name.replace("__", "."): np.array(values, dtype=np.float64) for name, values in columns.items()}
        named = {key: list(words) for key, words in (texts or {}).items()}
        self.series[device.id] = Series(device.id, np.array(at_ms, dtype=np.int64), arrays, named)

    def total(
        self, subject: Subject, subject_id: int, level: Level, starts: Sequence[int], **columns: Sequence[float]
    ) -> None:
        """Set the buckets of a plant or device."""
        arrays = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
        self.all_buckets[subject, subject_id, level] = BucketSeries(
            subject_id, level, np.array(starts, dtype=np.int64), arrays
        )

    async def latest(self, caller: Caller, device_ids: Sequence[int]) -> list[Latest]:
        """What the test has set."""
        return [self.newest.get(each, Latest(each, None, {})) for each in device_ids]

    async def history(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, keys: Sequence[str] | None = None
    ) -> AsyncIterator[Series]:
        """What the test has set, cut to span and keys."""
        for device_id in device_ids:
            series = self.series.get(device_id, Series(device_id, np.array([], dtype=np.int64), {}))
            within = (series.at_ms >= since_ms) & (series.at_ms < until_ms)
            wanted = [key for key in series.columns if keys is None or key in keys]
            places = np.flatnonzero(within).tolist()
            texts = {key: [words[place] for place in places] for key, words in series.texts.items()}
            columns = {key: series.columns[key][within] for key in wanted}
            yield Series(device_id, series.at_ms[within], columns, texts)

    async def buckets(
        self, caller: Caller, subject: Subject, ids: Sequence[int], level: Level, since_ms: int, until_ms: int
    ) -> list[BucketSeries]:
        """What the test has set, cut to the span."""
        found: list[BucketSeries] = []
        for each in ids:
            series = self.all_buckets.get((subject, each, level))
            if series is None:
                series = BucketSeries(each, level, np.array([], dtype=np.int64), {})
            within = (series.since_ms >= since_ms) & (series.since_ms < until_ms)
            columns = {name: values[within] for name, values in series.columns.items()}
            found.append(BucketSeries(each, level, series.since_ms[within], columns))
        return found
