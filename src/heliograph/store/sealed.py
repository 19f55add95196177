"""The sealed tier, and reading both tiers as one.

A span of a device's records becomes one row of instants and one compressed column a measurement. A record that comes
late for a sealed span waits in the hot tier, is read over the chunk, and goes into it when the span is sealed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.samples import Floats, Instants, Series
from heliograph.store import chunks
from heliograph.store.base import Rows
from heliograph.store.names import Names
from heliograph.store.samples import audit_correction
from heliograph.store.sqlite import Database

DAY_LIKE_MS = DAY_MS + DAY_MS // 4
"""A chunk up to this long is of one local day: 25 hours, and the remainders around a change of zone."""
MERGED_DAYS = 7
"""So many days' chunks become one: a third smaller, and a day in it is still read quickly."""
LONGEST_MS = 10 * DAY_MS
"""No chunk is longer, days without samples in between included."""
COLUMNS = 1 << 20
"""A chunk's columns are numbered from its own number times this, by measurement."""
TEXT_BASE = COLUMNS >> 1
"""Columns of texts are filed under the measurement's number plus this."""
FEW = 8
"""Up to how many columns are looked up one by one."""

HOT = "SELECT at, shape, body, text FROM sample WHERE device = ? AND at >= ? AND at < ? ORDER BY at"
SPANS = "SELECT id, since, until, rows, times FROM sealed WHERE device = ? AND since > ? AND since < ? ORDER BY since"
Texts = dict[str, list[str | None]]


class Tiers:
    """Reads both tiers merged; seals and reseals spans."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    def series(self, device: int, since_ms: int, until_ms: int, keys: Sequence[str] | None = None) -> Series:
        """Samples of a device with since <= at < until, oldest first. `keys` None asks for everything."""
        with self._database.snapshot() as rows:  # between two statements, a day may move from one tier to the other
            parts = self._chunks(rows, device, since_ms, until_ms, keys)
            hot = self._hot(rows, device, since_ms, until_ms, keys)
        return _join(device, [*parts, *hot])

    def _hot(self, rows: Rows, device: int, since_ms: int, until_ms: int, keys: Sequence[str] | None) -> list[Series]:
        found = rows.execute(HOT, (device, since_ms, until_ms)).fetchall()
        by_shape: dict[int, list[tuple[int, int, bytes, bytes | None]]] = {}
        for row in found:
            by_shape.setdefault(row[1], []).append(row)
        return [self._run(device, group, shape, keys) for shape, group in by_shape.items()]

    def _run(
        self, device: int, found: list[tuple[int, int, bytes, bytes | None]], shape: int, keys: Sequence[str] | None
    ) -> Series:
        names = self._names.columns[shape]
        at_ms = np.array([row[0] for row in found], np.int64)
        matrix = np.frombuffer(b"".join([row[2] for row in found]), "<f8").reshape(len(found), len(names))
        wanted = None if keys is None else set(keys)
        columns = {key: matrix[:, i] for i, key in enumerate(names) if wanted is None or key in wanted}
        texts: Texts = {}
        for index, row in enumerate(found):
            if row[3] is not None:
                for key, words in msgspec.msgpack.decode(row[3], type=dict[str, str]).items():
                    if wanted is None or key in wanted:
                        texts.setdefault(key, [None] * len(found))[index] = words
        return Series(device, at_ms, columns, texts)

    def _chunks(
        self, rows: Rows, device: int, since_ms: int, until_ms: int, keys: Sequence[str] | None
    ) -> list[Series]:
        parts: list[Series] = []
        for chunk, since, until, count, times in rows.execute(
            SPANS, (device, since_ms - LONGEST_MS, until_ms)
        ).fetchall():
            if until <= since_ms:
                continue
            at_ms = chunks.unpack_times(times)
            low, high = 0, count
            if since < since_ms or until > until_ms:
                low, high = np.searchsorted(at_ms, (since_ms, until_ms)).tolist()
                if low == high:
                    continue
            parts.append(self._chunk(rows, device, chunk, at_ms, keys, slice(low, high)))
        return parts

    def _chunk(
        self, rows: Rows, device: int, chunk: int, at_ms: Instants, keys: Sequence[str] | None, cut: slice
    ) -> Series:
        count = len(at_ms)
        ids = None if keys is None else {self._names.ids[key] for key in keys if key in self._names.ids}
        found = self._columns(rows, chunk, ids)
        columns: dict[str, Floats] = {}
        texts: Texts = {}
        for number, body in found:
            if number >= TEXT_BASE:
                texts[self._names.keys[number - TEXT_BASE]] = chunks.unpack_texts(body)[cut]
            else:
                columns[self._names.keys[number]] = chunks.unpack(body, count)[cut]
        return Series(device, at_ms[cut], columns, texts)

    @staticmethod
    def _columns(rows: Rows, chunk: int, ids: set[int] | None) -> list[tuple[int, bytes]]:
        """Columns of a chunk: few are looked up one by one, many are read in one go with their neighbours."""
        first = chunk * COLUMNS
        wanted = None if ids is None else ids | {number + TEXT_BASE for number in ids}
        if wanted is None or len(wanted) > 2 * FEW:
            found = rows.execute(
                "SELECT id - ?, body FROM chunk WHERE id >= ? AND id < ?", (first, first, first + COLUMNS)
            ).fetchall()
            return found if wanted is None else [row for row in found if row[0] in wanted]
        one_by_one = (
            rows.execute("SELECT id - ?, body FROM chunk WHERE id = ?", (first, first + number)).fetchone()
            for number in sorted(wanted)
        )
        return [row for row in one_by_one if row is not None]

    def instants(self, device: int, since_ms: int, until_ms: int) -> Instants:
        """When samples came, with since <= at < until. [ms]"""
        query = self._database.query
        parts = [
            np.array([at for (at,) in query(
                "SELECT at FROM sample WHERE device = ? AND at >= ? AND at < ?", (device, since_ms, until_ms)
            )], np.int64)
        ]  # fmt: skip
        for _, _, _, _, times in query(SPANS, (device, since_ms - LONGEST_MS, until_ms)):
            parts.append(chunks.unpack_times(times))
        found = np.unique(np.concatenate(parts))
        return found[(found >= since_ms) & (found < until_ms)]

    def covered_hours(self, device: int, rows: Rows | None = None) -> list[int]:
        """Every hour since 1970 in which the device may have samples, also as a transaction sees them."""
        rows = rows or self._database.reader
        found = rows.execute("SELECT DISTINCT at / 3600000 FROM sample WHERE device = ?", (device,)).fetchall()
        hours = {int(hour) for (hour,) in found}
        for since, until in rows.execute("SELECT since, until FROM sealed WHERE device = ?", (device,)).fetchall():
            hours.update(range(since // HOUR_MS, -(-until // HOUR_MS)))
        return sorted(hours)

    def oldest_hot(self, device: int) -> int | None:
        """The instant of the oldest record that is not sealed. [ms]"""
        found = self._database.query("SELECT at FROM sample WHERE device = ? ORDER BY at LIMIT 1", (device,))
        return int(found[0][0]) if found else None

    def span(self, device: int, at_ms: int, since_ms: int, until_ms: int) -> tuple[int, int]:
        """The span to seal around an instant: the chunk that holds it, else the given one, cut to its neighbours."""
        for _, since, until, _, _ in self._database.query(SPANS, (device, at_ms - LONGEST_MS, until_ms)):
            if since <= at_ms < until:
                return since, until
            if until <= at_ms:
                since_ms = max(since_ms, until)
            else:
                until_ms = min(until_ms, since)
        return since_ms, until_ms

    def seal(self, device: int, since_ms: int, until_ms: int, rows: Rows) -> int:
        """Move the hot records of a span into its chunk, inside a transaction. Returns how many moved."""
        hot = self._hot(rows, device, since_ms, until_ms, None)
        if not hot:
            return 0
        old = self._chunks(rows, device, since_ms, until_ms, None)
        whole = _join(device, [*old, *hot])
        if old:
            self._audit_replaced(_join(device, old), _join(device, hot), rows)
        self._replace(rows, whole, since_ms, until_ms)
        rows.execute("DELETE FROM sample WHERE device = ? AND at >= ? AND at < ?", (device, since_ms, until_ms))
        return sum(len(part.at_ms) for part in hot)

    def _replace(self, rows: Rows, whole: Series, since_ms: int, until_ms: int) -> None:
        """Put one chunk in the place of all that start in its span."""
        device = whole.device_id
        span = (device, since_ms, until_ms)
        for (old,) in rows.execute(
            "SELECT id FROM sealed WHERE device = ? AND since >= ? AND since < ?", span
        ).fetchall():
            rows.execute("DELETE FROM chunk WHERE id >= ? AND id < ?", (old * COLUMNS, (old + 1) * COLUMNS))
            rows.execute("DELETE FROM sealed WHERE id = ?", (old,))
        made = rows.execute(
            "INSERT INTO sealed (device, since, until, rows, times) VALUES (?, ?, ?, ?, ?)",
            (*span, len(whole.at_ms), chunks.pack_times(whole.at_ms)),
        )
        first = int(made.lastrowid or 0) * COLUMNS
        packed = [
            (first + self._names.measurement(key, rows), chunks.pack(np.ascontiguousarray(values)))
            for key, values in whole.columns.items()
        ]
        packed += [
            (first + TEXT_BASE + self._names.measurement(key, rows), chunks.pack_texts(texts))
            for key, texts in whole.texts.items()
        ]
        rows.executemany("INSERT INTO chunk (id, body) VALUES (?, ?)", sorted(packed))

    def mergeable(self, device: int, limit_ms: int) -> tuple[int, int] | None:
        """The span of the oldest `MERGED_DAYS` days' chunks in a row that ended by an instant, if there are so many."""
        run: list[tuple[int, int]] = []
        for since, until in self._database.query(
            "SELECT since, until FROM sealed WHERE device = ? AND until <= ? ORDER BY since", (device, limit_ms)
        ):
            if until - since > DAY_LIKE_MS or (run and until - run[0][0] > LONGEST_MS):
                run.clear()
            if until - since <= DAY_LIKE_MS:
                run.append((since, until))
            if len(run) == MERGED_DAYS:
                return run[0][0], until
        return None

    def merge(self, device: int, since_ms: int, until_ms: int, rows: Rows) -> None:
        """Make one chunk of all in a span, inside a transaction. Their records stay as they are."""
        self._replace(rows, _join(device, self._chunks(rows, device, since_ms, until_ms, None)), since_ms, until_ms)

    @staticmethod
    def _audit_replaced(old: Series, new: Series, rows: Rows) -> None:
        shared, in_old, in_new = np.intersect1d(old.at_ms, new.at_ms, return_indices=True)
        changed: dict[int, dict[str, tuple[float | str, float | str]]] = {}
        for key in old.columns.keys() & new.columns.keys():
            before, after = old.columns[key][in_old], new.columns[key][in_new]
            for index in np.flatnonzero((before != after) & ~np.isnan(before) & ~np.isnan(after)).tolist():
                changed.setdefault(int(shared[index]), {})[key] = (float(before[index]), float(after[index]))
        for key in old.texts.keys() & new.texts.keys():
            for at_ms, i, j in zip(shared.tolist(), in_old.tolist(), in_new.tolist(), strict=True):
                was, now = old.texts[key][i], new.texts[key][j]
                if was is not None and now is not None and was != now:
                    changed.setdefault(at_ms, {})[key] = (was, now)
        for at_ms, pairs in changed.items():
            before_bag = {key: pair[0] for key, pair in pairs.items()}
            audit_correction(rows, 0, old.device_id, at_ms, before_bag, {key: pair[1] for key, pair in pairs.items()})


def _join(device: int, parts: list[Series]) -> Series:
    """Parts as one; where two hold the same instant, what the later part has wins."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Series(device, np.empty(0, np.int64), {}, {})
    if _disjoint(parts):
        return _concatenate(device, sorted(parts, key=lambda part: int(part.at_ms[0])))
    at_ms = np.unique(np.concatenate([part.at_ms for part in parts]))
    columns: dict[str, Floats] = {}
    texts: Texts = {}
    for part in parts:
        place = np.searchsorted(at_ms, part.at_ms)
        for key, values in part.columns.items():
            column = columns.setdefault(key, np.full(len(at_ms), np.nan))
            here = ~np.isnan(values)
            column[place[here]] = values[here]
        for key, words in part.texts.items():
            line = texts.setdefault(key, [None] * len(at_ms))
            for index, word in zip(place.tolist(), words, strict=True):
                if word is not None:
                    line[index] = word
    return Series(device, at_ms, columns, texts)


def _disjoint(parts: list[Series]) -> bool:
    spans = sorted((int(part.at_ms[0]), int(part.at_ms[-1])) for part in parts)
    return all(a[1] < b[0] for a, b in itertools.pairwise(spans))


def _concatenate(device: int, parts: list[Series]) -> Series:
    counts = [len(part.at_ms) for part in parts]
    keys = list(dict.fromkeys(key for part in parts for key in part.columns))
    blanks = [np.full(count, np.nan) for count in counts]
    columns = {
        key: np.concatenate([part.columns.get(key, blank) for part, blank in zip(parts, blanks, strict=True)])
        for key in keys
    }
    text_keys = list(dict.fromkeys(key for part in parts for key in part.texts))
    texts: Texts = {}
    for key in text_keys:
        line: list[str | None] = []
        for part, count in zip(parts, counts, strict=True):
            line.extend(part.texts.get(key) or [None] * count)
        texts[key] = line
    return Series(device, np.concatenate([part.at_ms for part in parts]), columns, texts)
