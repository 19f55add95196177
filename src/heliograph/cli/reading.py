"""Files of samples, read record by record: CSV and Parquet, in long form or wide.

Long: `device, at, key, value`, and `text` where a value is not a number. Wide: `device, at` and a column a measurement.
Lines of the long form that follow each other and share device and time are one record.
"""

from __future__ import annotations

import csv
from itertools import islice
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    CheckKey = Callable[[str], None]
    """Raises BadRequestError for a measurement that is not to be taken."""
    Moved = Callable[[int], None]
    """Hears how far reading got, in the measure of `size`."""

LONG = frozenset({"device", "at", "key", "value"})
PARQUET = (".parquet", ".pq")
BATCH_ROWS = 16_384
HEARD_EVERY = 2000
Bag = dict[str, float | str]
Line = tuple[int, "Sequence[Any]"]  # any: text in CSV, typed cells in Parquet


class Record(NamedTuple):
    """What one device sent at one time. `line` is where it begins, counted as an editor or a table viewer does."""

    line: int
    device: str
    at: str | int
    values: Bag


class Form:
    """Which columns mean what."""

    def __init__(self, names: Sequence[str], check_key: CheckKey) -> None:
        self.names = [name.strip() for name in names]
        if len(set(self.names)) < len(self.names):
            raise BadRequestError("two columns have the same name")
        for needed in ("device", "at"):
            if needed not in self.names:
                raise BadRequestError(f"there is no column {needed!r}; there are {', '.join(self.names) or 'none'}")
        self.long = set(self.names) >= LONG
        self.check_key = check_key
        place = self.names.index
        if self.long:
            extra = set(self.names) - LONG - {"text"}
            if extra:
                raise BadRequestError(f"beside key and value there is {min(extra)!r}: is the file long or wide?")
            order = ("device", "at", "key", "value", "text" if "text" in self.names else "device")
            self.pick = itemgetter(*(place(name) for name in order))
            self.has_text = "text" in self.names
            return
        self.device, self.at = place("device"), place("at")
        self.keys = [(index, name) for index, name in enumerate(self.names) if name not in ("device", "at")]
        if not self.keys:
            raise BadRequestError("there is no column of values")
        for _, key in self.keys:
            check_key(key)


def read(path: Path, check_key: CheckKey, moved: Moved) -> Iterator[Record]:
    """The records of a file. Raises BadRequestError that names the line."""
    return _parquet(path, check_key, moved) if path.suffix.lower() in PARQUET else _csv(path, check_key, moved)


def size(path: Path) -> int:
    """How long a file is: rows of Parquet, bytes of CSV."""
    if path.suffix.lower() not in PARQUET:
        return path.stat().st_size
    return int(_open_parquet(path).metadata.num_rows)


def batches(found: Iterable[Record], most: int) -> Iterator[list[Record]]:
    """Records in lists of at most so many."""
    records = iter(found)
    while batch := list(islice(records, most)):
        yield batch


def _csv(path: Path, check_key: CheckKey, moved: Moved) -> Iterator[Record]:
    with path.open("rb") as raw:
        texts = _texts(raw)
        try:
            first = next(texts, "")
            mark = max(",;\t", key=first.count)
            form = Form(next(csv.reader([first], delimiter=mark), []), check_key)
        except (BadRequestError, csv.Error) as error:
            raise _placed(error, 1) from error
        reader = csv.reader(texts, delimiter=mark)
        lines = _csv_lines(reader, len(form.names), lambda: moved(raw.tell()))
        try:
            yield from _long(form, lines, _csv_cell) if form.long else _wide(form, lines, _csv_cell)
        except csv.Error as error:
            raise _placed(error, reader.line_num + 1) from error


def _texts(raw: IO[bytes]) -> Iterator[str]:
    """Lines of text; with or without the mark that some programs begin a file with."""
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadRequestError(f"line {number}: this is no UTF-8 text") from error


def _csv_lines(reader: Any, width: int, beat: Callable[[], None]) -> Iterator[Line]:  # any: csv's reader has no name
    for number, cells in enumerate(reader):
        if len(cells) != width:
            if not cells:
                continue
            raise BadRequestError(f"line {reader.line_num + 1}: there are {len(cells)} cells under {width} headings")
        yield reader.line_num + 1, cells
        if number % HEARD_EVERY == 0:
            beat()


def _csv_cell(cell: str, key: str) -> float | None:
    """A number; None for an empty cell."""
    try:
        value = float(cell)
    except ValueError:
        if not cell.strip():
            return None
        raise BadRequestError(f"{key} is {cell[:40]!r}, which is no number") from None
    if value - value != 0.0:
        raise BadRequestError(f"{key} is {cell[:40]!r}, which is no finite number")
    return value


def _long(form: Form, lines: Iterator[Line], cell: Callable[[Any, str], float | None]) -> Iterator[Record]:
    known: set[str] = set()
    held: Record | None = None
    line = 0
    try:
        for line, cells in lines:
            device, at, key, raw, text = form.pick(cells)
            if held is None or device != held.device or at != held.at:
                if held is not None:
                    yield held
                held = Record(line, device, at, {})
            if key not in known:
                form.check_key(key)
                known.add(key)
            value = cell(raw, key) if not form.has_text or not text else _text(raw, text, key)
            if value is not None and held.values.setdefault(key, value) != value:
                raise BadRequestError(f"{key} is {value!r} here and {held.values[key]!r} in another line of its time")
    except BadRequestError as error:
        raise _placed(error, line) from error
    if held is not None:
        yield held


def _placed(error: Exception, line: int) -> BadRequestError:
    """The error with its line, unless it names one already."""
    text = str(error)
    return BadRequestError(text if text.startswith("line ") else f"line {line}: {text}")


def _text(raw: object, text: object, key: str) -> str:
    if raw not in (None, ""):
        raise BadRequestError(f"{key} has a value and a text: one cell must be empty")
    return str(text)


def _wide(form: Form, lines: Iterator[Line], cell: Callable[[Any, str], float | None]) -> Iterator[Record]:
    for line, cells in lines:
        try:
            values = {key: value for index, key in form.keys if (value := cell(cells[index], key)) is not None}
        except BadRequestError as error:
            raise _placed(error, line) from error
        yield Record(line, cells[form.device], cells[form.at], values)  # type: ignore[arg-type]  # no text in wide form


def _open_parquet(path: Path) -> Any:  # any: pyarrow has no types
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise BadRequestError("this is no Parquet file") from error


def _parquet(path: Path, check_key: CheckKey, moved: Moved) -> Iterator[Record]:
    file = _open_parquet(path)
    form = Form(file.schema_arrow.names, check_key)
    lines = _parquet_lines(file, form, moved)
    yield from _long(form, lines, _parquet_cell) if form.long else _wide(form, lines, _parquet_cell)


def _parquet_lines(file: Any, form: Form, moved: Moved) -> Iterator[Line]:  # any: pyarrow has no types
    line = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS):
        columns = [_plain(column, name) for column, name in zip(batch.columns, form.names, strict=True)]
        for cells in zip(*columns, strict=True):
            line += 1
            yield line, cells
        moved(line)


def _plain(column: Any, name: str) -> Any:  # any: pyarrow has no types
    """A column as Python values: devices as text, instants as milliseconds, wall times as text."""
    import pyarrow as pa

    if name in ("device", "at") and column.null_count:
        raise BadRequestError(f"the column {name!r} has empty cells")
    if name == "device":
        return [str(cell) for cell in column.to_pylist()]
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    if column.type.tz is None:
        return [cell.isoformat() for cell in column.cast(pa.timestamp("us"), safe=False).to_pylist()]
    return column.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_pylist()


def _parquet_cell(cell: object, key: str) -> float | None:
    """A number; None for null and NaN."""
    if cell is None or cell != cell:
        return None
    if not isinstance(cell, int | float):
        raise BadRequestError(f"{key} is {str(cell)[:40]!r}, which is no number")
    value = float(cell)
    if value - value != 0.0:
        raise BadRequestError(f"{key} is {cell}, which is no finite number")
    return value
