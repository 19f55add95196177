"""A day of devices in steps of five minutes, streamed device by device. (2.10)"""

from __future__ import annotations

from contextlib import aclosing
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import MINUTE_MS, Level, period
from heliograph.dialects.huawei.codes import frame
from heliograph.dialects.huawei.fields import FIVE_MINUTES
from heliograph.dialects.huawei.figures import open_table
from heliograph.dialects.huawei.lookup import NamedDevice, asked_instant, asked_type, device_numbers, known_devices
from heliograph.dialects.huawei.operations import DEVICE_FIVE_MINUTES
from heliograph.protocol.operations import Call, Handler, Reply, handle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

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


def encode_rows(
    table: FieldTable, row_type: type[msgspec.Struct], number: int, at_ms: Instants, columns: dict[str, Floats]
) -> bytes:
    """The rows of one device as JSON, without the brackets of a list."""
    items = map(row_type, *table.encode(columns, len(at_ms)))
    rows = list(map(SampleRow, items, repeat(number), at_ms.tolist()))
    return msgspec.json.encode(rows)[1:-1]


async def _pieces(
    call: Call[DeviceQuery], table: FieldTable, devices: Sequence[NamedDevice], at_ms: int
) -> AsyncGenerator[bytes, None]:
    """The answer: what stands before the rows, once the first of them were read, the rows, and what stands after."""
    row_type = table.row_type()
    head, tail = frame(call)
    lead = head
    for (since_ms, until_ms), run in groupby(devices, key=lambda each: period(Level.DAY, at_ms, each.tz)):
        numbers = {each.device.id: each.number for each in run}
        async for series in call.hub.history(call.caller, list(numbers), since_ms, until_ms, table.keys):
            if len(series.at_ms):
                rows = encode_rows(table, row_type, numbers[series.device_id], *slotted(series, since_ms))
                yield lead + rows
                lead = b","
    yield head + tail if lead is head else tail


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def five_minutes(call: Call[DeviceQuery]) -> Reply:
    """The samples of the local day that holds `collectTime`, one row for each five minutes that has any. (2.10, 3.7)

    The first piece is made before the answer starts, so that a store that cannot read is still told as an error.
    """
    numbers = device_numbers(call)
    wanted = asked_type(call.request.type_id, FIVE_MINUTES)
    at_ms = asked_instant(call.request.at_ms)
    devices = await known_devices(call, numbers, wanted)
    pieces = _pieces(call, open_table(call, FIVE_MINUTES[wanted]), devices, at_ms)
    return Reply(_joined(await anext(pieces), pieces))


HANDLERS: tuple[Handler, ...] = (handle(DEVICE_FIVE_MINUTES, five_minutes),)
