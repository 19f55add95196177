"""A day of devices in steps of five minutes, streamed device by device. (2.10)"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, MINUTE_MS, Level, period
from heliograph.dialects.huawei.codes import frame
from heliograph.dialects.huawei.fields import DAY_REGISTERS, FIVE_MINUTES
from heliograph.dialects.huawei.figures import open_table
from heliograph.dialects.huawei.lookup import NamedDevice, asked_instant, asked_type, device_numbers, known_devices
from heliograph.dialects.huawei.operations import DEVICE_FIVE_MINUTES
from heliograph.dialects.huawei.turning import turned, turns
from heliograph.model.counters import rises
from heliograph.protocol.operations import Call, Handler, Reply, handle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Container, Sequence

    from heliograph.dialects.huawei.wire import DeviceQuery
    from heliograph.model.samples import Floats, Instants, Series
    from heliograph.protocol.fields import FieldTable

SLOT_MS = 5 * MINUTE_MS


class SampleRow(msgspec.Struct, gc=False, rename={"items": "dataItemMap", "device": "devId", "at_ms": "collectTime"}):
    """A line of the answer; `items` is a row of the field table."""

    items: Any  # any: the row type is made from the table
    device: int
    at_ms: int


def slotted(series: Series, since_ms: int) -> tuple[Instants, dict[str, Floats]]:
    """At most one row for each five minutes: the first reading of each measurement, at the time of its first sample."""
    slots = (series.at_ms - since_ms) // SLOT_MS
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    if len(starts) == len(slots):
        return series.at_ms, series.columns
    ends = np.append(starts[1:], len(slots))
    rows = np.arange(len(slots))
    columns: dict[str, Floats] = {}
    for key, values in series.columns.items():
        first = np.minimum.reduceat(np.where(np.isnan(values), len(slots), rows), starts)
        columns[key] = np.where(first < ends, values[np.minimum(first, len(slots) - 1)], np.nan)
    return series.at_ms[starts], columns


def since_midnight(counter: Floats, before: float) -> Floats:
    """What a counter has risen since midnight at each of its readings, counted on where it starts again.

    `before` is its last reading up to midnight, NaN if there is none: the first reading is only where it starts from
    then. Zero is a device that has not woken up. [Wh]
    """
    risen = np.full(len(counter), np.nan)
    read = np.flatnonzero(np.isfinite(counter) & (counter != 0.0))
    if len(read):
        if np.isnan(before):
            before, read = float(counter[read[0]]), read[1:]
        steps, _ = rises(np.concatenate(([before], counter[read])), restarts=True)
        risen[read] = np.cumsum(steps)
    return risen


async def _before(call: Call[DeviceQuery], series: Series, since_ms: int, counter: str) -> float:
    """The last reading of a counter within the day up to midnight; NaN if there is none. [Wh]"""
    own = series.columns[counter][series.at_ms == since_ms]
    read = own[np.isfinite(own) & (own != 0.0)]
    if not len(read):
        async for past in call.hub.history(call.caller, [series.device_id], since_ms - DAY_MS, since_ms, [counter]):
            values = past.columns.get(counter, own)
            read = values[np.isfinite(values) & (values != 0.0)]
    return float(read[-1]) if len(read) else np.nan


async def _with_registers(call: Call[DeviceQuery], series: Series, since_ms: int, keys: Sequence[str]) -> Series:
    """A day with the registers of the day made up from the counters where a device has none."""
    made: dict[str, Floats] = {}
    for key in DAY_REGISTERS.keys() & set(keys):
        counter = DAY_REGISTERS[key][0]
        if counter in series.columns and not np.isfinite(series.columns.get(key, np.nan)).any():
            made[key] = since_midnight(series.columns[counter], await _before(call, series, since_ms, counter))
    return msgspec.structs.replace(series, columns={**series.columns, **made}) if made else series


def encode_rows(
    table: FieldTable, row_type: type[msgspec.Struct], number: int, at_ms: Instants, columns: dict[str, Floats]
) -> bytes:
    """The rows of one device as JSON, without the brackets of a list."""
    items = map(row_type, *table.encode(columns, len(at_ms)))
    rows = list(map(SampleRow, items, repeat(number), at_ms.tolist()))
    return msgspec.json.encode(rows)[1:-1]


async def _pieces(
    call: Call[DeviceQuery], table: FieldTable, devices: Sequence[NamedDevice], at_ms: int, turning: Container[int]
) -> AsyncGenerator[bytes, None]:
    """The answer: what stands before the rows, once the first of them were read, the rows, and what stands after."""
    row_type = table.row_type()
    counters = [DAY_REGISTERS[key][0] for key in table.keys if key in DAY_REGISTERS]
    keys = list(dict.fromkeys((*table.keys, *counters)))
    head, tail = frame(call)
    lead = head
    for (since_ms, until_ms), run in groupby(devices, key=lambda each: period(Level.DAY, at_ms, each.tz)):
        numbers = {each.device.id: each.number for each in run}
        async for found in call.hub.history(call.caller, list(numbers), since_ms, until_ms, keys):
            if len(found.at_ms):
                series = await _with_registers(call, found, since_ms, table.keys)
                stamps, columns = slotted(series, since_ms)
                if series.device_id in turning:
                    columns = turned(columns, np.ones(len(stamps), dtype=np.bool_))
                rows = encode_rows(table, row_type, numbers[series.device_id], stamps, columns)
                yield lead + rows
                lead = b","
    yield head + tail if lead is head else tail


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def five_minutes(call: Call[DeviceQuery], *, feed_in_positive: bool = False) -> Reply:
    """The samples of the local day that holds `collectTime`, one row for each five minutes that has any. (2.10, 3.7)

    The first piece is made before the answer starts, so that a store that cannot read is still told as an error.
    """
    numbers = device_numbers(call)
    wanted = asked_type(call.request.type_id, FIVE_MINUTES)
    at_ms = asked_instant(call.request.at_ms)
    devices = await known_devices(call, numbers, wanted)
    turning = frozenset(each.device.id for each in devices if feed_in_positive and turns(each.device))
    pieces = _pieces(call, open_table(call, FIVE_MINUTES[wanted]), devices, at_ms, turning)
    return Reply(_joined(await anext(pieces), pieces))


def handlers(*, feed_in_positive: bool) -> tuple[Handler, ...]:
    """The call; see `turning` for the choice."""
    return (handle(DEVICE_FIVE_MINUTES, partial(five_minutes, feed_in_positive=feed_in_positive)),)
