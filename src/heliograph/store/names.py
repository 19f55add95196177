"""Names on disk: measurement keys and shapes as small numbers, mirrored in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from heliograph.store.base import Rows


class Names:
    """Numbers for measurement keys and for shapes (tuples of keys), made when first seen.

    Numbers made in a transaction that is rolled back are forgotten with it.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.keys: dict[int, str] = {}
        self.shapes: dict[tuple[str, ...], int] = {}
        self.columns: dict[int, tuple[str, ...]] = {}

    def load(self, query: Callable[[str], list[tuple[int, str]]], shapes: list[tuple[int, bytes]]) -> None:
        """Mirror what is on disk, replacing everything in memory."""
        self.keys = dict(query("SELECT id, key FROM measurement"))
        self.ids = {key: number for number, key in self.keys.items()}
        self.columns = {
            number: tuple(self.keys[i] for i in np.frombuffer(body, "<i4").tolist()) for number, body in shapes
        }
        self.shapes = {keys: number for number, keys in self.columns.items()}

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
