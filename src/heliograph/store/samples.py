"""The hot tier: records as they came, newest readings, and which days they touched."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Sequence

import msgspec
import numpy as np

from heliograph.clock import MINUTE_MS
from heliograph.errors import ReplayError
from heliograph.model.samples import Block, Latest, Reading
from heliograph.protocol.hub import Ingested, Once
from heliograph.store.base import DirtyDay, Records, Rows, Submission
from heliograph.store.names import Names
from heliograph.store.sqlite import Database

INSERT = "INSERT OR IGNORE INTO sample (device, at, shape, body, text) VALUES (?, ?, ?, ?, ?)"
Newest = tuple[int, bytes, bytes | None]
Piece = tuple[int, tuple[str, ...], bytes, bytes | None]
"""Newest readings of one shape: instant, keys, values, texts."""
REMEMBERED = 1000
"""Devices whose newest readings are kept as they were made last."""


class Remembered(msgspec.Struct, frozen=True):
    """The newest readings of a device that was asked for, and what they were made of.

    `written` is what the database of a version held, `waiting` what was only in memory.
    """

    version: int
    written: list[Piece]
    waiting: list[Piece]
    made: Latest


class Group(msgspec.Struct):
    """Newest records of one shape that are not yet written down: by device, and none is newer than `at_ms`."""

    at_ms: int
    newest: dict[int, Newest]


def pack(block: Block) -> Records:
    """A block as records of the hot tier."""
    values = np.ascontiguousarray(block.values, "<f8")
    count, width = values.shape
    buffer = values.tobytes()
    size = width * 8
    bodies = [buffer[at : at + size] for at in range(0, count * size, size)] if size else [b""] * count
    texts = None
    if block.texts:
        texts = [msgspec.msgpack.encode(block.texts[i]) if block.texts.get(i) else None for i in range(count)]
    return Records(block.keys, block.device_ids, block.at_ms, bodies, texts, not np.isnan(values).any())


class HotTier:
    """Writes and reads the newest records. All writing happens inside jobs of the database's writing task."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self._marked: dict[int, set[int]] = {}
        self._seq = itertools.count(time.time_ns())
        self._pending: dict[tuple[str, ...], Group] = {}
        self._read: dict[int, Remembered] = {}

    def forget(self) -> None:
        """After a rollback: what was believed to be marked may not be."""
        self._marked.clear()

    async def append(self, submission: Submission) -> Ingested:
        """Keep records and mark their days; returns after the commit.

        Raises ReplayError when the submission's mark was seen before, StoreError when nothing could be kept.
        """
        result = await self._database.write(
            lambda rows: self.apply(submission, rows), weight=submission.weight, guarded=False
        )
        self._note_latest(submission)
        return result

    def apply(self, submission: Submission, rows: Rows) -> Ingested:
        """The write itself, inside a transaction."""
        if submission.once is not None:
            _claim(submission.once, rows)
        accepted = duplicates = corrected = 0
        for records in submission.records:
            shape = self._names.shape(records.keys, rows)
            texts = records.texts or itertools.repeat(None)
            listed = list(
                zip(records.device_ids, records.at_ms, itertools.repeat(shape), records.bodies, texts, strict=False)
            )
            fresh = rows.executemany(INSERT, listed).rowcount
            accepted += fresh
            if fresh < len(listed):
                added, changed = self._merge(listed, submission, rows)
                duplicates += len(listed) - fresh - added - changed
                accepted += added
                corrected += changed
        self.mark(submission.dirty, rows)
        return Ingested(accepted, duplicates, corrected)

    def mark(self, dirty: dict[int, set[int]], rows: Rows) -> None:
        """Note that days of devices need folding anew. A day being folded is marked again under a new number."""
        for day, devices in dirty.items():
            marked = self._marked.setdefault(day, set())
            new = devices - marked
            if new:
                rows.executemany(
                    "INSERT OR REPLACE INTO dirty (device, day, seq) VALUES (?, ?, ?)",
                    [(device, day, next(self._seq)) for device in new],
                )
                marked |= new

    def _merge(
        self, listed: list[tuple[int, int, int, bytes, bytes | None]], submission: Submission, rows: Rows
    ) -> tuple[int, int]:
        """Records that were there already: take over what is new in them. Returns (completed, corrected)."""
        added = changed = 0
        for device, at, shape, body, text in listed:
            held = rows.execute("SELECT shape, body, text FROM sample WHERE device = ? AND at = ?", (device, at))
            old_shape, old_body, old_text = held.fetchone()
            if (old_shape, old_body, old_text) == (shape, body, text):
                continue
            old = self._bag(old_shape, old_body, old_text)
            new = self._bag(shape, body, text)
            if all(old.get(key) == value for key, value in new.items()):
                continue
            differing = sorted(key for key, value in new.items() if key in old and old[key] != value)
            keys, merged_body, merged_text = _unbag({**old, **new})
            rows.execute(
                "UPDATE sample SET shape = ?, body = ?, text = ? WHERE device = ? AND at = ?",
                (self._names.shape(keys, rows), merged_body, merged_text, device, at),
            )
            if differing:
                changed += 1
                audit_correction(rows, submission.account_id, device, at, {key: old[key] for key in differing}, new)
            else:
                added += 1
        return added, changed

    def _bag(self, shape: int, body: bytes, text: bytes | None) -> dict[str, float | str]:
        values = np.frombuffer(body, "<f8").tolist()
        bag: dict[str, float | str] = {
            key: value for key, value in zip(self._names.columns[shape], values, strict=True) if value == value
        }
        if text is not None:
            bag.update(msgspec.msgpack.decode(text, type=dict[str, str]))
        return bag

    def _note_latest(self, submission: Submission) -> None:
        for records in submission.records:
            for device, at, text in zip(records.device_ids, records.at_ms, records.texts or (), strict=False):
                if text is not None:
                    self._note_text(device, at, text)
            first, last = min(records.at_ms), max(records.at_ms)
            if records.dense and first == last:
                group = self._pending.setdefault(records.keys, Group(first, {}))
                if first >= group.at_ms:
                    group.at_ms = last
                    none = itertools.repeat(None)
                    group.newest.update(
                        zip(records.device_ids, zip(records.at_ms, records.bodies, none, strict=False), strict=False)
                    )
                    continue
            for device, at, body in zip(records.device_ids, records.at_ms, records.bodies, strict=True):
                self._note_numbers(device, at, records.keys, body)

    def _note_text(self, device: int, at: int, text: bytes) -> None:
        """Texts stand apart from numbers: a record without them must not make the device forget them."""
        self._note(device, at, tuple(msgspec.msgpack.decode(text, type=dict[str, str])), b"", text)

    def _note_numbers(self, device: int, at: int, keys: tuple[str, ...], body: bytes) -> None:
        self._note(device, at, *_without_holes(keys, body), None)

    def _note(self, device: int, at: int, keys: tuple[str, ...], body: bytes, text: bytes | None) -> None:
        group = self._pending.setdefault(keys, Group(at, {}))
        group.at_ms = max(group.at_ms, at)
        held = group.newest.get(device)
        if held is None or at >= held[0]:
            group.newest[device] = (at, body, text)

    @property
    def pending(self) -> int:
        """How many newest readings are only in memory."""
        return sum(len(group.newest) for group in self._pending.values())

    def flush_device(self, rows: Rows, device: int, since_ms: int, until_ms: int) -> None:
        """Write down the newest readings of one device within a span, before its records leave the hot tier.

        They are read from the records: one that came in this very transaction is not noted in memory yet.
        """
        newest: dict[tuple[str, ...], Newest] = {}
        whole: set[int] = set()
        found = rows.execute(
            "SELECT shape, at, body, text FROM sample WHERE device = ? AND at >= ? AND at < ? ORDER BY at DESC",
            (device, since_ms, until_ms),
        )
        for shape, at, body, text in found.fetchall():
            if text is not None:
                newest.setdefault(tuple(msgspec.msgpack.decode(text, type=dict[str, str])), (at, b"", text))
            if shape not in whole:
                keys, dense = _without_holes(self._names.columns[shape], body)
                newest.setdefault(keys, (at, dense, None))
                if len(dense) == len(body):
                    whole.add(shape)
        for keys, record in newest.items():
            self._write_latest(rows, keys, {device: record})

    def _write_latest(self, rows: Rows, keys: tuple[str, ...], newest: dict[int, Newest]) -> None:
        shape = self._names.shape(keys, rows)
        rows.executemany(
            "INSERT INTO latest (device, shape, at, body, text) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (device, shape) DO UPDATE SET at = excluded.at, body = excluded.body, text = excluded.text"
            " WHERE excluded.at >= latest.at",
            [(device, shape, *record) for device, record in newest.items()],
        )

    async def flush(self) -> None:
        """Write down the newest readings that are only in memory, never an older over a newer one."""
        taken = {keys: dict(group.newest) for keys, group in self._pending.items()}
        if not taken:
            return

        def job(rows: Rows) -> None:
            for keys, newest in taken.items():
                self._write_latest(rows, keys, newest)

        await self._database.write(job, weight=self.pending)
        for keys, newest in taken.items():
            held = self._pending[keys].newest
            for device, record in newest.items():
                if held.get(device) is record:
                    del held[device]
            if not held:
                del self._pending[keys]

    def recover(self, rows: Rows) -> None:
        """After an unclean stop: the newest readings again from the records themselves."""
        whole: set[tuple[int, int]] = set()
        for device, shape, at, body, text in rows.execute(
            "SELECT device, shape, at, body, text FROM sample ORDER BY device DESC, at DESC"
        ):
            if text is not None:
                self._note_text(device, at, text)
            if (device, shape) not in whole:  # once a newer one lacks nothing, an older one adds nothing
                self._note_numbers(device, at, self._names.columns[shape], body)
                if not np.isnan(np.frombuffer(body, "<f8")).any():
                    whole.add((device, shape))
        for keys, group in self._pending.items():
            self._write_latest(rows, keys, group.newest)
        self._pending.clear()

    def latest(self, device_ids: Sequence[int], *, again: bool = True) -> list[Latest]:
        """The newest reading of everything each device sent; `again` says that somebody may soon ask for the same."""
        version = self._database.data_version()
        known = {device: held for device in device_ids if (held := self._read.get(device)) is not None}
        stale = [device for device in device_ids if device not in known or known[device].version != version]
        written = self._written(stale) if stale else {}
        out: list[Latest] = []
        for device in device_ids:
            waiting: list[Piece] = [
                (at, keys, body, text)
                for keys, group in self._pending.items()
                if (found := group.newest.get(device)) is not None
                for at, body, text in (found,)
            ]
            held = known.get(device)
            own = held.written if held is not None and device not in written else written[device]
            if held is None or (held.written, held.waiting) != (own, waiting):
                made = self._made(device, sorted([*own, *waiting], key=lambda piece: piece[0]))
            elif held.version == version:
                out.append(held.made)
                continue
            else:
                made = held.made
            out.append(made)
            if again:
                if len(self._read) >= REMEMBERED and device not in self._read:
                    del self._read[next(iter(self._read))]
                self._read[device] = Remembered(version, own, waiting, made)
        return out

    def _written(self, device_ids: Sequence[int]) -> dict[int, list[Piece]]:
        """The newest readings that are written down, by device."""
        columns = self._names.columns
        found: dict[int, list[Piece]] = {device: [] for device in device_ids}
        for device, shape, at, body, text in self._database.query(
            "SELECT device, shape, at, body, text FROM latest WHERE device IN (SELECT value FROM json_each(?))"
            " ORDER BY device, shape",
            (msgspec.json.encode(device_ids).decode(),),
        ):
            found[device].append((at, columns[shape], body, text))
        return found

    @staticmethod
    def _made(device: int, found: list[Piece]) -> Latest:
        readings: dict[str, Reading] = {}
        for at, keys, body, text in found:
            if text is None:
                for key, value in zip(keys, np.frombuffer(body, "<f8").tolist(), strict=True):
                    readings[key] = Reading(value, at)
            else:
                for key, words in msgspec.msgpack.decode(text, type=dict[str, str]).items():
                    readings[key] = Reading(words, at)
        return Latest(device, found[-1][0] if found else None, readings)

    def dirty(self, limit: int) -> list[DirtyDay]:
        """Days to fold, oldest first. What is marked from now on is marked again.

        Only inside a job of the writing task: a record whose commit is under way relies on a mark that was there
        before it, and must be readable when that mark is taken.
        """
        found = self._database.query("SELECT day, device, seq FROM dirty ORDER BY day LIMIT ?", (limit,))
        return self._taken(found)

    def any_dirty(self) -> bool:
        """Whether anything waits to be folded."""
        return bool(self._database.query("SELECT 1 FROM dirty LIMIT 1"))

    def has_dirty(self, day: int, devices: set[int]) -> bool:
        """Whether any day of these devices up to this one needs folding."""
        found = self._database.query("SELECT DISTINCT device FROM dirty WHERE day <= ?", (day,))
        return any(row[0] in devices for row in found)

    def dirty_until(self, day: int, devices: set[int]) -> list[DirtyDay]:
        """Days of these devices up to this one that need folding, oldest first; only inside a job, as `dirty`."""
        found = self._database.query("SELECT day, device, seq FROM dirty WHERE day <= ? ORDER BY day", (day,))
        return self._taken([row for row in found if row[1] in devices])

    def _taken(self, found: list[tuple[int, int, int]]) -> list[DirtyDay]:
        for day, device, _ in found:
            marked = self._marked.get(day)
            if marked is not None:
                marked.discard(device)
        return [DirtyDay(*row) for row in found]


def _without_holes(keys: tuple[str, ...], body: bytes) -> tuple[tuple[str, ...], bytes]:
    """Names and values of a record, without what is missing in it."""
    values = np.frombuffer(body, "<f8")
    here = values == values
    if here.all():
        return keys, body
    return tuple(key for key, kept in zip(keys, here.tolist(), strict=True) if kept), values[here].tobytes()


def _claim(once: Once, rows: Rows) -> None:
    digest = hashlib.blake2b(once.key.encode(), digest_size=16).digest()
    minute = once.expires_at_ms // MINUTE_MS
    if rows.execute("INSERT OR IGNORE INTO once (minute, key) VALUES (?, ?)", (minute, digest)).rowcount == 0:
        raise ReplayError("this signed request was seen before")


def audit_correction(
    rows: Rows, account_id: int, device: int, at: int, old: dict[str, float | str], new: dict[str, float | str]
) -> None:
    """Write down that values were replaced, and by what."""
    detail = {"device": device, "at_ms": at, "old": old, "new": {key: new[key] for key in old}}
    rows.execute(
        "INSERT INTO audit (at, account, credential, action, detail) VALUES (?, ?, 0, 'sample.corrected', ?)",
        (time.time_ns() // 1_000_000, account_id, msgspec.json.encode(detail).decode()),
    )


def _unbag(bag: dict[str, float | str]) -> tuple[tuple[str, ...], bytes, bytes | None]:
    numbers = {key: value for key, value in bag.items() if not isinstance(value, str)}
    texts = {key: value for key, value in bag.items() if isinstance(value, str)}
    body = np.array(list(numbers.values()), "<f8").tobytes()
    return tuple(numbers), body, msgspec.msgpack.encode(texts) if texts else None
