"""Samples and totals as rows of a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from heliograph.cli.writing import Columns, Kind, Piece
from heliograph.errors import BadRequestError
from heliograph.model.buckets import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from heliograph.hub import LocalHub
    from heliograph.model.buckets import BucketSeries
    from heliograph.model.devices import Device
    from heliograph.model.samples import Floats, Series
    from heliograph.protocol.hub import Subject

LONG_COLUMNS: Columns = {
    "device": Kind.TEXT, "at": Kind.INSTANT, "key": Kind.TEXT, "value": Kind.NUMBER, "text": Kind.TEXT,
}  # fmt: skip
TOTAL_COLUMNS: dict[Subject, Columns] = {
    subject: {subject: Kind.TEXT, "since": Kind.INSTANT, **dict.fromkeys(QUANTITIES, Kind.NUMBER)}
    for subject in ("plant", "device")
}


def device_names(hub: LocalHub, devices: Sequence[Device], *, serials: bool) -> dict[int, str]:
    """What to call each device in a file: its id, or its serial number where no other has it, even as an id."""
    held = Counter(device.serial for device in hub.registry.devices.values())
    ids = {str(number) for number in hub.registry.devices}
    return {
        device.id: device.serial
        if serials and device.serial and held[device.serial] == 1 and device.serial not in ids
        else str(device.id)
        for device in devices
    }


def long_piece(name: str, part: Series) -> Piece:
    """A row for each value, those of one time together."""
    keys = [*part.columns, *part.texts]
    matrix = np.array(list(part.columns.values()), np.float64).reshape(len(part.columns), len(part.at_ms)).T
    here = ~np.isnan(matrix)
    if not part.texts:
        row, column = np.nonzero(here)
        values: Sequence[float | None] = matrix[here].tolist()
        texts: Sequence[str | None] = [None] * len(values)
    else:
        words = np.array([part.texts[key] for key in part.texts], object).T
        row, column = np.nonzero(np.concatenate([here, words != None], axis=1))  # noqa: E711  of each cell
        width = len(part.columns)
        places = list(zip(row.tolist(), column.tolist(), strict=True))
        values = [float(matrix[i, j]) if j < width else None for i, j in places]
        texts = [words[i, j - width] if j >= width else None for i, j in places]
    return {
        "device": [name] * len(values),
        "at": part.at_ms[row].tolist(),
        "key": [keys[index] for index in column.tolist()],
        "value": values,
        "text": texts,
    }


async def keys_of(parts: AsyncIterator[Series]) -> tuple[str, ...]:
    """Every measurement that the samples have. Raises BadRequestError when there are texts among them."""
    found: dict[str, None] = {}
    async for part in parts:
        _refuse_texts(part)
        found.update(dict.fromkeys(key for key, values in part.columns.items() if not np.isnan(values).all()))
    return tuple(sorted(found))


def wide_columns(keys: Sequence[str]) -> Columns:
    """The columns of the wide form."""
    return {"device": Kind.TEXT, "at": Kind.INSTANT, **dict.fromkeys(keys, Kind.NUMBER)}


def wide_piece(name: str, part: Series, keys: Sequence[str]) -> Piece:
    """A row for each time at which any of the measurements came."""
    _refuse_texts(part)
    count = len(part.at_ms)
    blank = np.full(count, np.nan)
    columns = [part.columns.get(key, blank) for key in keys]
    here = ~np.isnan(np.stack(columns)).all(axis=0) if columns else np.zeros(count, np.bool_)
    kept = {key: _cells(values[here]) for key, values in zip(keys, columns, strict=True)}
    return {"device": [name] * int(here.sum()), "at": part.at_ms[here].tolist(), **kept}


def _refuse_texts(part: Series) -> None:
    texts = [key for key, words in part.texts.items() if any(word is not None for word in words)]
    if texts:
        raise BadRequestError(f"{texts[0]} holds texts, for which --wide has no room: leave it out, or choose --keys")


def _cells(values: Floats) -> list[float | None]:
    return [value if value == value else None for value in values.tolist()]


def total_piece(subject: Subject, part: BucketSeries) -> Piece:
    """A row for each period."""
    count = len(part.since_ms)
    blank = np.full(count, np.nan)
    totals = {name: _cells(part.columns.get(name, blank)) for name in QUANTITIES}
    return {subject: [str(part.subject_id)] * count, "since": part.since_ms.tolist(), **totals}
