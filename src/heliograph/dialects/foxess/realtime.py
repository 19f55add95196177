"""The present of inverters: the newest reading of every variable.

The answer for a device is made once for each new reading and kept, by language and by the variables asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, Level, day_of, day_start
from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.codes import SUCCESS, language
from heliograph.dialects.foxess.fields import BATTERY_WORD, FAULTS, TEXTS
from heliograph.dialects.foxess.lookup import Rig, Wiring, asked_rigs, rigs, sight
from heliograph.dialects.foxess.operations import MOST_SERIALS, QUERY_REAL, QUERY_REAL_V1
from heliograph.dialects.foxess.points import KEYS, Columns, complete, variables
from heliograph.dialects.foxess.times import stamp
from heliograph.dialects.foxess.variables import asked_variables, served
from heliograph.dialects.foxess.wire import RealEntry, Sample
from heliograph.errors import BadRequestError, MissingFieldError
from heliograph.model.buckets import PRODUCTION
from heliograph.model.devices import INVERTERS
from heliograph.model.measurements import AC_ENERGY_TODAY, DEVICE_FAULT
from heliograph.protocol.operations import Call, Handler, Reply, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.dialects.foxess.wire import RealQuery, RealsQuery
    from heliograph.model.samples import Latest

KEPT = 8192
"""Answers that are kept; when there are more, all are made anew."""
NEVER_MS = 0
"""When an inverter that never sent anything is said to have done so: typed clients have to read some time. [ms]"""
_HEAD = b'{"errno":0,"msg":"' + SUCCESS.encode() + b'","result":['
_encode = msgspec.json.Encoder().encode
_TODAY = "todayYield"
_FAULT_NAMES = frozenset({"currentFault", "currentFaultCount"})


class Seen(msgspec.Struct, frozen=True):
    """What an answer was made of: the rig, its readings, the faults that are open, and the plant's day.

    `today_wh` is its production of the day where it does not tell that itself: late data changes it alone. [Wh]
    """

    rig: Rig
    latest: tuple[Latest, ...]
    faults: tuple[str, ...]
    day: int
    today_wh: float | None = None


class Board:
    """The answers for inverters at this moment."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str, tuple[str, ...]], tuple[Seen, bytes]] = {}
        self.wiring = Wiring()

    async def show(self, call: Call[Any], found: Sequence[Rig], wanted: tuple[str, ...]) -> Reply:
        """The whole answer for inverters, in the order given."""
        lang = language(call.http)
        seen = await _look(call, found, wanted)
        if _TODAY in wanted:
            today = await _produced(call, seen)
            if today:
                seen = [msgspec.structs.replace(one, today_wh=today.get(one.rig.device.id)) for one in seen]
        parts: list[bytes | None] = []
        stale: list[int] = []
        for place, one in enumerate(seen):
            held = self._kept.get((one.rig.device.id, lang, wanted))
            if held is None or held[0] != one:
                stale.append(place)
            parts.append(None if held is None else held[1])
        for place in stale:
            one = seen[place]
            made = _encode(entry(one, lang, wanted, one.today_wh))
            parts[place] = made
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[one.rig.device.id, lang, wanted] = one, made
        return Reply(_HEAD + b",".join([part for part in parts if part is not None]) + b"]}")


async def _look(call: Call[Any], found: Sequence[Rig], wanted: tuple[str, ...]) -> list[Seen]:
    """The newest readings of rigs, and the faults of inverters where these are wanted."""
    ids = list(dict.fromkeys(device.id for rig in found for device in rig.devices))
    latest = dict(zip(ids, await call.hub.latest(call.caller, ids), strict=True))
    faults: dict[int, list[str]] = {}
    if not _FAULT_NAMES.isdisjoint(wanted):
        silent = [r.device.id for r in found if not {DEVICE_FAULT.key, FAULTS} & latest[r.device.id].readings.keys()]
        for alarm in await call.hub.alarms(call.caller, silent, 0, call.now_ms + DAY_MS, active_only=True):
            if alarm.open and not alarm.watched:
                faults.setdefault(alarm.device_id, []).append(alarm.code)
    return [
        Seen(
            rig,
            tuple(latest[device.id] for device in rig.devices),
            tuple(sorted(set(faults.get(rig.device.id, ())))),
            day_of(call.now_ms, rig.tz),
        )
        for rig in found
    ]


async def _produced(call: Call[Any], seen: Sequence[Seen]) -> dict[int, float]:
    """The production of the day so far of inverters that do not tell it themselves. [Wh]"""
    starts: dict[int, list[int]] = {}
    for one in seen:
        since_ms = day_start(one.day, one.rig.tz)
        if one.latest[0].at_ms is not None and not _told_today(one.latest[0], since_ms):
            starts.setdefault(since_ms, []).append(one.rig.device.id)
    found: dict[int, float] = {}
    for since_ms, ids in starts.items():
        for series in await call.hub.buckets(call.caller, "device", ids, Level.DAY, since_ms, call.now_ms + 1):
            total = series.columns.get(PRODUCTION)
            if total is not None and np.isfinite(total).any():
                found[series.subject_id] = float(np.nansum(total))
    return found


def _told_today(latest: Latest, since_ms: int) -> bool:
    """Whether the register of the day is of this day: overnight it still shows the day before."""
    reading = latest.readings.get(AC_ENERGY_TODAY.key)
    return reading is not None and reading.at_ms >= since_ms


def _columns(latest: Latest) -> Columns:
    found: Columns = {}
    for key in KEYS:
        reading = latest.readings.get(key)
        if reading is not None and not isinstance(reading.value, str) and np.isfinite(reading.value):
            found[key] = np.array([reading.value], dtype=np.float64)
    return found


def _texts(seen: Seen) -> dict[str, list[str | None]]:
    """What the inverter, or the hub's list of its faults, says in words."""
    readings = seen.latest[0].readings
    texts: dict[str, list[str | None]] = {}
    for name, key in (("currentFault", FAULTS), ("batStatusV2", BATTERY_WORD)):
        reading = readings.get(key)
        if reading is not None and isinstance(reading.value, str):
            texts[name] = [reading.value]
    if DEVICE_FAULT.key not in readings:
        texts.setdefault("currentFault", [",".join(seen.faults)])
    return texts


def entry(seen: Seen, lang: str, wanted: tuple[str, ...], today_wh: float | None = None) -> RealEntry:
    """An inverter at this moment; `today_wh` is its production of the day where it does not tell. [Wh]"""
    rig, own = seen.rig, seen.latest[0]
    newest = [latest.at_ms for latest in seen.latest if latest.at_ms is not None]
    if not newest:
        return RealEntry(rig.serial, [], stamp(NEVER_MS, rig.tz))
    columns = _columns(own)
    if not _told_today(own, day_start(seen.day, rig.tz)):
        columns.pop(AC_ENERGY_TODAY.key, None)
        if today_wh is not None:
            columns[AC_ENERGY_TODAY.key] = np.array([today_wh])
    rest = [_columns(latest) for latest in seen.latest[1:]]
    batteries, meters = len(rig.batteries), len(rig.batteries) + len(rig.meters)
    whole = complete(rig, columns, rest[:batteries], rest[batteries:meters], rest[meters:])
    values = variables(whole, _texts(seen), 1)
    samples = [sample for name in wanted if (sample := _sample(name, lang, values.get(name))) is not None]
    return RealEntry(rig.serial, samples, stamp(own.at_ms if own.at_ms is not None else max(newest), rig.tz))


def _sample(name: str, lang: str, column: list[float] | list[str | None] | None) -> Sample | None:
    value = None if column is None else column[0]
    if value is None or value != value:
        return None
    variable = served()[name]
    unit = msgspec.UNSET if name in TEXTS or variable.unit is None else variable.unit
    return Sample(name, variable.names[lang], value, unit)


async def real(board: Board, call: Call[RealQuery]) -> Reply:
    """One inverter, or all of the account where none is named."""
    query = call.request
    wanted = asked_variables(query.variables)
    serial = parameters.serial(query.serial, query.same, needed=False)
    if serial:
        return await board.show(call, await asked_rigs(call, [serial], board.wiring), wanted)
    seen = await sight(call)
    return await board.show(call, await rigs(call, seen.kinds(INVERTERS), board.wiring), wanted)


async def reals(board: Board, call: Call[RealsQuery]) -> Reply:
    """Up to 50 inverters; those that the caller does not see are left out."""
    query = call.request
    wanted = asked_variables(query.variables)
    asked = parameters.names(query.serials, "sns")
    if not asked:
        serial = parameters.serial(query.serial, query.same, needed=False)
        if not serial:
            raise MissingFieldError("sns is missing", field="sns")
        asked = (serial,)
    if len(asked) > MOST_SERIALS:
        raise BadRequestError(f"sns has more than {MOST_SERIALS} entries", field="sns")
    return await board.show(call, await asked_rigs(call, asked, board.wiring), wanted)


def handlers() -> tuple[Handler, ...]:
    """Both calls, with answers kept for one hub."""
    board = Board()

    async def one(call: Call[RealQuery]) -> Any:  # any: a Reply, made in one piece
        return await real(board, call)

    async def several(call: Call[RealsQuery]) -> Any:  # any: see above
        return await reals(board, call)

    return handle(QUERY_REAL, one), handle(QUERY_REAL_V1, several)
