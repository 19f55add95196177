"""Names on disk: measurement keys and shapes as small numbers, mirrored in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from heliograph.store.base import Rows

V = TypeVar("V")
Query = Callable[[str], list[Any]]  # any: rows of a database are tuples of its own types


class Mirror(dict[int, V]):
    """What stands behind a number; one that another process made is read from disk when it is first met."""

    def __init__(self, grow: Callable[[], None]) -> None:
        super().__init__()
        self._grow = grow

    def __missing__(self, number: int) -> V:
        self._grow()
        if number not in self:
            raise KeyError(number)
        return self[number]


class Names:
    """Numbers for measurement keys and for shapes (tuples of keys), made when first seen.

    Numbers made in a transaction that is rolled back are forgotten with it.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.keys: Mirror[str] = Mirror(self.grow)
        self.shapes: dict[tuple[str, ...], int] = {}
        self.columns: Mirror[tuple[str, ...]] = Mirror(self.grow)
        self._query: Query = lambda _: []

    def load(self, query: Query) -> None:
        """Mirror what is on disk, replacing everything in memory."""
        self._query = query
        for mirror in (self.keys, self.ids, self.columns, self.shapes):
            mirror.clear()
        self.grow()

    def grow(self) -> None:
        """Take over what is on disk and not in memory yet, as after another process wrote."""
        keys: list[tuple[int, str]] = self._query("SELECT id, key FROM measurement")
        shapes: list[tuple[int, bytes]] = self._query("SELECT id, measurements FROM shape")
        for number, key in keys:
            self.keys[number], self.ids[key] = key, number
        for number, body in shapes:
            columns = tuple(dict.__getitem__(self.keys, i) for i in np.frombuffer(body, "<i4").tolist())
            self.columns[number], self.shapes[columns] = columns, number

    def refresh(self) -> None:
        """Take over what another process named since, at the price of a look at the newest number."""
        newest = self._query("SELECT max(id) FROM measurement")
        if newest and newest[0][0] and newest[0][0] not in self.keys:
            self.grow()

    def measurement(self, key: str, rows: Rows) -> int:
        """The number of a key, made now if it is new."""
        number = self.ids.get(key)
        if number is None:
            rows.execute("INSERT OR IGNORE INTO measurement (key) VALUES (?)", (key,))
            number = int(rows.execute("SELECT id FROM measurement WHERE key = ?", (key,)).fetchone()[0])
            self.ids[key], self.keys[number] = number, key
        return number

    def shape(self, keys: Sequence[str], rows: Rows) -> int:
        """The number of a shape, made now if it is new."""
        keys = tuple(keys)
        number = self.shapes.get(keys)
        if number is None:
            body = np.array([self.measurement(key, rows) for key in keys], "<i4").tobytes()
            rows.execute("INSERT OR IGNORE INTO shape (measurements) VALUES (?)", (body,))
            number = int(rows.execute("SELECT id FROM shape WHERE measurements = ?", (body,)).fetchone()[0])
            self.shapes[keys], self.columns[number] = number, keys
        return number
