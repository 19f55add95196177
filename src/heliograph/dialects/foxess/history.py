"""The past of an inverter: every variable over time, encoded column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import DAY_MS
from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import language
from heliograph.dialects.foxess.fields import BATTERY_WORD, FAULTS, TEXTS
from heliograph.dialects.foxess.lookup import Rig, asked_rig
from heliograph.dialects.foxess.operations import QUERY_HISTORY
from heliograph.dialects.foxess.points import KEYS, Columns, complete, variables
from heliograph.dialects.foxess.times import stamps
from heliograph.dialects.foxess.variables import asked_variables, served
from heliograph.dialects.foxess.wire import Course, HistoryEntry, HistoryList, HistoryQuery, Moment
from heliograph.errors import BadRequestError
from heliograph.protocol.operations import Call, Handler, handle
from heliograph.protocol.times import parse_epoch_ms

if TYPE_CHECKING:
    from heliograph.model.samples import Instants, Series

LONGEST_MS, UNTOLD_MS = DAY_MS, 3 * DAY_MS
"""The longest span that may be asked for, and the one that is answered where none is."""
_ASKED = (*KEYS, BATTERY_WORD, FAULTS)


def asked_span(query: HistoryQuery, now_ms: int) -> tuple[int, int]:
    """The half-open span of a request. [ms, ms) Raises BadRequestError when it is no span, or longer than a day."""
    if query.begin_ms is None and query.end_ms is None:
        return now_ms - UNTOLD_MS, now_ms + 1
    begin_ms = parse_epoch_ms(int(parameters.number(query.begin_ms, "begin")), field="begin")
    end_ms = parse_epoch_ms(int(parameters.number(query.end_ms, "end")), field="end")
    if end_ms < begin_ms:
        raise BadRequestError("end lies before begin", field="end")
    if end_ms - begin_ms > LONGEST_MS:
        raise BadRequestError("begin and end are more than 24 hours apart", field="end")
    return begin_ms, end_ms + 1


def _placed(series: Series, grid: Instants) -> Columns:
    """The columns of a device on a grid that holds its instants."""
    if len(series.at_ms) == len(grid):
        return dict(series.columns)
    places = np.searchsorted(grid, series.at_ms)
    columns: Columns = {}
    for key, values in series.columns.items():
        columns[key] = np.full(len(grid), np.nan)
        columns[key][places] = values
    return columns


def _texts(series: Series, grid: Instants) -> dict[str, list[str | None]]:
    places = np.searchsorted(grid, series.at_ms).tolist()
    found: dict[str, list[str | None]] = {}
    for name, key in (("currentFault", FAULTS), ("batStatusV2", BATTERY_WORD)):
        if key in series.texts:
            column: list[str | None] = [None] * len(grid)
            for place, words in zip(places, series.texts[key], strict=True):
                column[place] = words
            found[name] = column
    return found


def courses(rig: Rig, parts: list[Series], lang: str, wanted: tuple[str, ...], *, named: bool) -> list[Course]:
    """Every variable over time. `parts` are the samples of the devices of the rig, in its order.

    Variables without samples are left out, unless they were `named`: clients find what they asked for by its place.
    """
    grid: Instants = np.unique(np.concatenate([part.at_ms for part in parts]))
    placed = [_placed(part, grid) for part in parts]
    own, rest = placed[0], placed[1:]
    batteries, meters = len(rig.batteries), len(rig.batteries) + len(rig.meters)
    whole = complete(rig, own, rest[:batteries], rest[batteries:meters], rest[meters:])
    columns = variables(whole, _texts(parts[0], grid), len(grid))
    times = stamps(grid.tolist(), rig.tz)
    found: list[Course] = []
    for name in wanted:
        values = columns.get(name)
        moments = [] if values is None else _moments(times, values)
        if moments or named:
            variable = served()[name]
            unit = msgspec.UNSET if name in TEXTS or variable.unit is None else variable.unit
            found.append(Course(name, variable.names[lang], moments, unit))
    return found


def _moments(times: list[str], values: list[float] | list[str | None]) -> list[Moment]:
    return [Moment(at, value) for at, value in zip(times, values, strict=True) if value is not None and value == value]


async def history(call: Call[HistoryQuery]) -> HistoryList:
    """The samples of an inverter as they were kept, variable by variable."""
    query = call.request
    wanted = asked_variables(query.variables)
    since_ms, until_ms = asked_span(query, call.now_ms)
    rig = await asked_rig(call, parameters.serial(query.serial, query.same))
    ids = [device.id for device in rig.devices]
    parts = [series async for series in call.hub.history(call.caller, ids, since_ms, until_ms, _ASKED)]
    named = bool(parameters.names(query.variables, "variables"))
    return HistoryList([HistoryEntry(rig.serial, courses(rig, parts, language(call.http), wanted, named=named))])


HANDLERS: tuple[Handler, ...] = (handle(QUERY_HISTORY, history),)
