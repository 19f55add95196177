"""Writing rows into CSV or Parquet files, a piece at a time; a file appears under its name only when it is whole."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from heliograph.protocol.times import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDOUT = Path("-")


class Format(Enum):
    """The format of a file."""

    CSV = "csv"
    PARQUET = "parquet"


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    INSTANT = "instant"
    """Milliseconds since 1970."""
    NUMBER = "number"


Columns = dict[str, Kind]
Piece = dict[str, "Sequence[Any]"]  # any: texts, instants or numbers, by the kind of the column


class Writer(Protocol):
    """Takes pieces of a table, one after the other."""

    def write(self, piece: Piece) -> None:
        """Append rows; every column is as long as the others."""
        ...


class CsvWriter:
    """A table as CSV: times in UTC as ISO 8601, numbers as short as exactness allows."""

    def __init__(self, file: IO[str], columns: Columns) -> None:
        self._columns = columns
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(columns)
        self._format = lru_cache(maxsize=20_000)(format_instant)

    def write(self, piece: Piece) -> None:
        """Append rows."""
        cells = [
            map(self._format, piece[name]) if kind is Kind.INSTANT else piece[name]
            for name, kind in self._columns.items()
        ]
        self._writer.writerows(zip(*cells, strict=True))


class ParquetWriter:
    """A table as Parquet: times as instants of UTC, compressed with zstd."""

    def __init__(self, file: IO[bytes], columns: Columns) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.INSTANT: pa.timestamp("ms", tz="UTC")}
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, piece: Piece) -> None:
        """Append rows."""
        import pyarrow as pa

        self._writer.write_table(pa.table({name: piece[name] for name in self._schema.names}, schema=self._schema))

    def close(self) -> None:
        """Write the file's foot."""
        self._writer.close()


@contextmanager
def table(path: Path, form: Format, columns: Columns) -> Iterator[Writer]:
    """A table to write to a file, or for the path `-` to stdout as CSV. What breaks off leaves no file."""
    if path == STDOUT:
        yield CsvWriter(sys.stdout, columns)
        sys.stdout.flush()
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if form is Format.CSV:
            with part.open("w", encoding="utf-8", newline="") as text:
                yield CsvWriter(text, columns)
        else:
            with part.open("wb") as file:
                writer = ParquetWriter(file, columns)
                yield writer
                writer.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
