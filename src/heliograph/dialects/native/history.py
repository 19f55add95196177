"""The samples of a device as JSON, piece by piece, so that the text of a long span is never whole in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, zone
from heliograph.dialects.native.lookups import Span, device_of, plant_of, span
from heliograph.dialects.native.queries import ReadHistory
from heliograph.dialects.native.results import History
from heliograph.errors import BadRequestError
from heliograph.model.samples import Floats, Instants, Series
from heliograph.protocol.operations import Call, Reply

COLUMNS_MOST_MS = 400 * DAY_MS
WINDOW_MS = 31 * DAY_MS
PIECE = 8192
"""How many values, or rows, become text at a time."""
encode = msgspec.json.encode


async def get_history(call: Call[ReadHistory]) -> History | Reply:
    """Stream the samples of a device in the form asked for."""
    request = call.request
    device = await device_of(call, request.device)
    tz = zone((await plant_of(call, device.plant_id)).zone)
    asked = span(request.since, request.until, tz, now_ms=call.now_ms, default=DAY_MS)
    keys = None if request.keys is None else [key for key in request.keys.split(",") if key]
    if request.format == "columns":
        if asked.until_ms - asked.since_ms > COLUMNS_MOST_MS:
            raise BadRequestError("more than 400 days at once come only with format=rows", field="since")
        series = [part async for part in _read(call, device.id, asked, keys)]
        return Reply(_as_stream(column_pieces(device.id, series)))
    rows = _read(call, device.id, asked, keys)
    first = await anext(rows, None)  # read before the answer begins, so that a failure is still told as one
    return Reply(_row_pieces(device.id, first, rows))


async def _read(
    call: Call[ReadHistory], device_id: int, asked: Span, keys: Sequence[str] | None
) -> AsyncGenerator[Series, None]:
    """The series of a span, window by window, so that only one window is held."""
    for since_ms in range(asked.since_ms, asked.until_ms, WINDOW_MS):
        until_ms = min(since_ms + WINDOW_MS, asked.until_ms)
        async for series in call.hub.history(call.caller, [device_id], since_ms, until_ms, keys):
            if len(series.at_ms):
                yield series


def format_instants(at_ms: Instants) -> list[str]:
    """Instants in ISO 8601, UTC, with milliseconds and Z."""
    texts: list[str] = np.datetime_as_string(at_ms.astype("M8[ms]"), timezone="UTC").tolist()
    return texts


def column_pieces(device_id: int, series: Sequence[Series]) -> Iterator[bytes]:
    """The JSON of `History` in the form of columns, of successive series of one device."""
    yield b'{"device":%d,"at":[' % device_id
    comma = b""
    for part in series:
        for at in range(0, len(part.at_ms), PIECE):
            yield comma + encode(format_instants(part.at_ms[at : at + PIECE]))[1:-1]
            comma = b","
    yield b'],"columns":{'
    for number, key in enumerate(_filled(series)):
        yield (b"," if number else b"") + encode(key) + b":["
        yield from _cells([_numbers(part, key) for part in series])
        yield b"]"
    yield b'},"texts":{'
    for number, key in enumerate(dict.fromkeys(key for part in series for key in part.texts)):
        yield (b"," if number else b"") + encode(key) + b":["
        yield from _cells([part.texts.get(key) or [None] * len(part.at_ms) for part in series])
        yield b"]"
    yield b"}}"


def _filled(series: Sequence[Series]) -> list[str]:
    """The keys of the columns that hold a number anywhere: one of nothing but nulls says nothing."""
    return list(
        dict.fromkeys(key for part in series for key, values in part.columns.items() if not np.isnan(values).all())
    )


def _numbers(part: Series, key: str) -> Floats:
    values = part.columns.get(key)
    return np.full(len(part.at_ms), np.nan) if values is None else values


def _cells(parts: Sequence[Floats | list[str | None]]) -> Iterator[bytes]:
    """The entries of a column; the encoder writes NaN as null."""
    comma = b""
    for part in parts:
        for at in range(0, len(part), PIECE):
            piece = part[at : at + PIECE]
            yield comma + encode(piece if isinstance(piece, list) else piece.tolist())[1:-1]
            comma = b","


def rows_of(series: Series) -> Iterator[bytes]:
    """The records of a series, each as JSON, without what it lacked."""
    columns = [(key, values.tolist()) for key, values in series.columns.items()]
    texts = list(series.texts.items())
    for row, at in enumerate(format_instants(series.at_ms)):
        values = {key: column[row] for key, column in columns if column[row] == column[row]}
        words = {key: column[row] for key, column in texts if column[row] is not None}
        if values or words:
            yield encode({"at": at, "values": {**values, **words}})


async def _row_pieces(
    device_id: int, first: Series | None, rest: AsyncGenerator[Series, None]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):  # when the reader goes away, the reading of the store ends too
        yield b'{"device":%d,"samples":[' % device_id
        comma = b""
        part = first
        while part is not None:
            pieces: list[bytes] = []
            for row in rows_of(part):
                pieces.append(row)
                if len(pieces) * max(1, len(part.columns)) >= PIECE:
                    yield comma + b",".join(pieces)
                    pieces, comma = [], b","
            if pieces:
                yield comma + b",".join(pieces)
                comma = b","
            part = await anext(rest, None)
        yield b"]}"


async def _as_stream(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
