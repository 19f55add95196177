"""Files of samples, read row by row: CSV and Parquet, in long form or wide.

Long: `device, at, key, value`, and `text` where a value is not a number. Wide: `device, at` and a column a measurement.
"""

from __future__ import annotations

import csv
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple

from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LONG = frozenset({"device", "at", "key", "value"})
PARQUET = (".parquet", ".pq")
BATCH_ROWS = 16_384
Cell = float | str | None
Bag = dict[str, Cell]


class Row(NamedTuple):
    """One row of a file: `line` is where it stands, counted as an editor or a table viewer does."""

    line: int
    device: str
    at: str | int
    values: Bag


class Form:
    """Which columns mean what."""

    def __init__(self, names: list[str]) -> None:
        self.names = [name.strip() for name in names]
        if len(set(self.names)) < len(self.names):
            raise BadRequestError("two columns have the same name")
        for needed in ("device", "at"):
            if needed not in self.names:
                raise BadRequestError(f"there is no column {needed!r}; there are {', '.join(self.names) or 'none'}")
        self.device, self.at = self.names.index("device"), self.names.index("at")
        self.long = set(self.names) >= LONG
        extra = set(self.names) - LONG - {"text"}
        if self.long and extra:
            raise BadRequestError(f"beside key and value there is a column {min(extra)!r}: is the file long or wide?")
        if self.long:
            self.key, self.value = self.names.index("key"), self.names.index("value")
            self.text = self.names.index("text") if "text" in self.names else -1
        self.keys = [(i, name) for i, name in enumerate(self.names) if name not in ("device", "at")]
        if not self.long and not self.keys:
            raise BadRequestError("there is no column of values")


def number(text: str, key: str) -> float | None:
    """A number, or None for an empty cell. Raises BadRequestError for anything else."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise BadRequestError(f"{key} is {text[:40]!r}, which is no number") from None
    if value - value != 0.0:
        raise BadRequestError(f"{key} is {text[:40]!r}, which is no finite number")
    return value


def rows(path: Path, moved: Callable[[int], None]) -> Iterator[Row]:
    """The rows of a file. `moved` hears how far reading got, in the measure of `size`."""
    return _parquet(path, moved) if path.suffix.lower() in PARQUET else _csv(path, moved)


def size(path: Path) -> int:
    """How long a file is: rows of Parquet, bytes of CSV."""
    if path.suffix.lower() not in PARQUET:
        return path.stat().st_size
    return int(_open_parquet(path).metadata.num_rows)


def _csv(path: Path, moved: Callable[[int], None]) -> Iterator[Row]:
    with path.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        if not first.strip():
            raise BadRequestError("line 1: the file needs a heading that names its columns")
        mark = max(",;\t", key=first.count)
        try:
            form = Form(next(csv.reader([first], delimiter=mark)))
        except BadRequestError as error:
            raise BadRequestError(f"line 1: {error}") from error
        reader = csv.reader(file, delimiter=mark)
        line = 1
        try:
            for cells in reader:
                line = reader.line_num + 1
                if cells:
                    yield _csv_row(form, line, cells)
                if not line % 1000:
                    moved(raw.tell())
        except csv.Error as error:
            raise BadRequestError(f"line {line + 1}: {error}") from error
        except UnicodeDecodeError as error:
            raise BadRequestError(f"after line {line}: this is not UTF-8 text") from error


def _csv_row(form: Form, line: int, cells: list[str]) -> Row:
    if len(cells) != len(form.names):
        raise BadRequestError(f"line {line}: there are {len(cells)} cells under {len(form.names)} headings")
    try:
        if form.long:
            text = cells[form.text] if form.text >= 0 else ""
            values = _long_bag(
                cells[form.key].strip(), number(cells[form.value].strip(), cells[form.key]), text or None
            )
        else:
            values = {key: number(cells[i].strip(), key) for i, key in form.keys}
    except BadRequestError as error:
        raise BadRequestError(f"line {line}: {error}") from error
    return Row(line, cells[form.device].strip(), cells[form.at].strip(), values)


def _long_bag(key: str, value: float | None, text: str | None) -> Bag:
    if value is not None and text is not None:
        raise BadRequestError(f"{key} has a value and a text: one cell must be empty")
    return {key: value if text is None else text}


def _open_parquet(path: Path) -> Any:  # any: pyarrow has no types
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise BadRequestError("this is not a Parquet file") from error


def _parquet(path: Path, moved: Callable[[int], None]) -> Iterator[Row]:
    file = _open_parquet(path)
    form = Form(list(file.schema_arrow.names))
    line = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS):
        columns = [_plain(batch.column(i)) for i in range(len(form.names))]
        for cells in zip(*columns, strict=True):
            line += 1
            try:
                yield _parquet_row(form, line, cells)
            except BadRequestError as error:
                raise BadRequestError(f"row {line}: {error}") from error
        moved(line)


def _plain(column: Any) -> Any:  # any: pyarrow has no types
    """A column as Python values: instants as milliseconds, wall times as text."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            return [
                None if at is None else at.isoformat() for at in column.cast(pa.timestamp("us"), safe=False).to_pylist()
            ]
        return column.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_pylist()
    return column.to_pylist()


def _parquet_row(form: Form, line: int, cells: tuple[object, ...]) -> Row:
    device, at = cells[form.device], cells[form.at]
    if device is None or not isinstance(at, int | str):
        raise BadRequestError("device and at must not be empty, and at must be a time")
    if form.long:
        key = str(cells[form.key])
        text = cells[form.text] if form.text >= 0 else None
        values = _long_bag(key, _float(key, cells[form.value]), None if text is None else str(text))
    else:
        values = {key: _float(key, cells[i]) for i, key in form.keys}
    return Row(line, str(device), at, values)


def _float(key: str, value: object) -> float | None:
    if value is None or value != value:
        return None
    if not isinstance(value, int | float):
        raise BadRequestError(f"{key} is {str(value)[:40]!r}, which is no number")
    if isinstance(value, float) and value - value != 0.0:
        raise BadRequestError(f"{key} is {value}, which is no finite number")
    return float(value)


def batches(found: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Rows in lists of about `most`, never parting rows of one device and time that stand together."""
    held: list[Row] = []
    for row in found:
        if len(held) >= most and (row.device, row.at) != (held[-1].device, held[-1].at):
            yield held
            held = []
        held.append(row)
    if held:
        yield held
