"""Chunks: a column of samples compressed for good.

A column is stored as empty, as one constant, as counts of its own smallest step where that is exact, or as floats; the
numbers are compressed by pcodec, and missing values are a bitmap beside them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from heliograph.model.samples import Floats, Instants

EMPTY, CONSTANT, INTEGERS, FLOATS = range(4)
REGULAR, IRREGULAR = range(2)
NULLS = 0x80
NULLS_DEFLATED = 0x40
_KIND = 0x0F
_DECIMALS = (3, 6, 0)
_EXACT = 2.0**53
_WIDTHS = ((1 << 16, np.uint16), (1 << 32, np.uint32), (1 << 63, np.uint64))
_CONFIG = ChunkConfig(compression_level=4)
_F64 = struct.Struct("<d")
_TIMES = struct.Struct("<Bqqq")
_HEAD: msgspec.msgpack.Decoder[tuple[int, int, int]] = msgspec.msgpack.Decoder(tuple[int, int, int])


def pack(values: Floats) -> bytes:
    """A column as bytes; NaN is a missing value."""
    missing = np.isnan(values)
    if not missing.any():
        return _pack_dense(values, 0)
    if missing.all():
        return bytes((EMPTY,))
    bitmap = np.packbits(missing).tobytes()
    deflated = zlib.compress(bitmap, 9)
    flag = NULLS
    if len(deflated) + 2 < len(bitmap):
        flag, bitmap = NULLS | NULLS_DEFLATED, len(deflated).to_bytes(2, "little") + deflated
    dense = _pack_dense(values[~missing], flag)
    return dense[:1] + bitmap + dense[1:]


def _pack_dense(values: Floats, flag: int) -> bytes:
    if not len(values):
        return bytes((EMPTY,))
    first = values[0]
    if (values == first).all():
        return bytes((CONSTANT | flag,)) + _F64.pack(first)
    for decimals in _DECIMALS:
        with np.errstate(over="ignore"):
            whole = np.rint(values * 10.0**decimals)
        if np.abs(whole).max() < _EXACT and (whole / 10.0**decimals == values).all():
            return bytes((INTEGERS | flag,)) + _pack_whole(whole.astype(np.int64), decimals)
    return bytes((FLOATS | flag,)) + bytes(standalone.simple_compress(np.ascontiguousarray(values), _CONFIG))


def _pack_whole(whole: Instants, decimals: int) -> bytes:
    """Integers as counts of their greatest common step from the least: few distinct small numbers."""
    least = int(whole.min())
    counts = whole - least
    step = int(np.gcd.reduce(counts))
    counts //= step
    top = int(counts.max())
    width = next(kind for limit, kind in _WIDTHS if top < limit)
    head = msgspec.msgpack.encode((decimals, least, step))
    return bytes((len(head),)) + head + bytes(standalone.simple_compress(counts.astype(width), _CONFIG))


def unpack(blob: bytes, rows: int) -> Floats:
    """The column of `pack`, `rows` long."""
    head = blob[0]
    kind, at = head & _KIND, 1
    if kind == EMPTY:
        return np.full(rows, np.nan)
    missing: NDArray[np.bool_] | None = None
    if head & NULLS:
        bitmap, at = _bitmap(blob, rows, deflated=bool(head & NULLS_DEFLATED))
        missing = np.unpackbits(np.frombuffer(bitmap, np.uint8), count=rows).astype(np.bool_)
    dense = _unpack_dense(kind, blob, at, rows if missing is None else int(rows - missing.sum()))
    if missing is None:
        return dense
    out = np.full(rows, np.nan)
    out[~missing] = dense
    return out


def _bitmap(blob: bytes, rows: int, *, deflated: bool) -> tuple[bytes, int]:
    if not deflated:
        size = (rows + 7) // 8
        return blob[1 : 1 + size], 1 + size
    size = int.from_bytes(blob[1:3], "little")
    return zlib.decompress(blob[3 : 3 + size]), 3 + size


def _unpack_dense(kind: int, blob: bytes, at: int, count: int) -> Floats:
    if kind == CONSTANT:
        return np.full(count, _F64.unpack_from(blob, at)[0])
    if kind == INTEGERS:
        body = at + 1 + blob[at]
        decimals, least, step = _HEAD.decode(blob[at + 1 : body])
        counts = np.asarray(standalone.simple_decompress(blob[body:])).astype(np.int64)
        return np.asarray((counts * step + least) / 10.0**decimals, np.float64)
    return np.asarray(standalone.simple_decompress(blob[at:]), np.float64)


def pack_times(at_ms: Instants) -> bytes:
    """Rising instants as bytes; a regular grid takes 25 bytes however long it is."""
    steps = np.diff(at_ms)
    if not len(steps) or (steps == steps[0]).all():
        step = int(steps[0]) if len(steps) else 0
        return _TIMES.pack(REGULAR, int(at_ms[0]), step, len(at_ms))
    return bytes((IRREGULAR,)) + bytes(standalone.simple_compress(np.ascontiguousarray(at_ms, np.int64), _CONFIG))


def unpack_times(blob: bytes) -> Instants:
    """The instants of `pack_times`."""
    if blob[0] == REGULAR:
        _, first, step, count = _TIMES.unpack(blob)
        return np.asarray(first + step * np.arange(count, dtype=np.int64), np.int64)
    return np.asarray(standalone.simple_decompress(blob[1:]), np.int64)


def pack_texts(texts: Sequence[str | None]) -> bytes:
    """A column of texts as bytes: runs of the same text count once."""
    runs: list[tuple[int, str | None]] = []
    for text in texts:
        if runs and runs[-1][1] == text:
            runs[-1] = (runs[-1][0] + 1, text)
        else:
            runs.append((1, text))
    return zlib.compress(msgspec.msgpack.encode(runs), 6)


def unpack_texts(blob: bytes) -> list[str | None]:
    """The texts of `pack_texts`."""
    runs = msgspec.msgpack.decode(zlib.decompress(blob), type=list[tuple[int, str | None]])
    return [text for count, text in runs for _ in range(count)]
