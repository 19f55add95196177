"""The contract of a store, apart from any database driver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from heliograph.clock import Level
from heliograph.protocol.hub import Once


class Cursor(Protocol):
    """What a statement gives back."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that was inserted last."""
        ...

    def fetchall(self) -> list[Any]:  # any: rows of a database are tuples of its own types
        """All rows."""
        ...

    def fetchone(self) -> Any:  # any: see fetchall
        """One row, or None."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Rows(Protocol):
    """A connection, as far as the store's modules need one."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Cursor:  # any: what drivers take differs
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:  # any: see execute
        """Run one statement for many rows."""
        ...


class Records(msgspec.Struct, frozen=True):
    """Records of one shape, ready for the hot tier; entry i of each list belongs to record i.

    `bodies` hold the values as little-endian float64, `texts` what is not a number, `dense` says that none is missing.
    """

    keys: tuple[str, ...]
    device_ids: Sequence[int]
    at_ms: Sequence[int]
    bodies: Sequence[bytes]
    texts: Sequence[bytes | None] | None = None
    dense: bool = True


class Submission(msgspec.Struct, frozen=True):
    """What one request asks to be kept: all of it or nothing."""

    records: Sequence[Records]
    dirty: dict[int, set[int]]
    """Local-day ordinal -> devices whose day the records touch."""
    once: Once | None = None
    source: str = ""
    account_id: int = 0

    @property
    def weight(self) -> int:
        """How many rows it holds."""
        return sum(len(records.bodies) for records in self.records)


class DirtyDay(msgspec.Struct, frozen=True, order=True):
    """A device's local day whose buckets no longer tell the truth. `seq` tells one marking from the next."""

    day: int
    device_id: int
    seq: int


class Bucket(msgspec.Struct, frozen=True):
    """One stored bucket: quantities by name, and the counters' last readings, which the next day starts from."""

    level: Level
    since_ms: int
    values: dict[str, float]
    carry: dict[str, float] = {}
