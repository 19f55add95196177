"""What the submissions of every form share: whose device it is, and what the ledger says to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from heliograph.dialects.redex.codes import FORBIDDEN, UNPROCESSABLE, DetailedError, refuse
from heliograph.dialects.redex.fields import ACCUMULATED_LATER, MONTHLY, MONTHS, RECORD
from heliograph.dialects.redex.wire import Detail, Record, Year
from heliograph.errors import Problem, RecordsError, UnknownDeviceError
from heliograph.model.devices import Device
from heliograph.model.ledger import Declaration, Declared, Kept, Statement
from heliograph.protocol.hub import AliasScheme
from heliograph.protocol.operations import Call

FREQUENCY = "Daily"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIGURE = re.compile(r"[0-9]+(\.[0-9]+)?")


def _mint(device_id: int, attempt: int) -> str:
    digest = hashlib.blake2b(f"{device_id}/{attempt}".encode(), digest_size=8, person=b"redex").digest()
    return f"STR{int.from_bytes(digest) % 10**16:016d}"


DEVICE_SCHEME = AliasScheme("redex", "device", _mint)
"""How devices are named: `RemoteInvId`."""


class Part(NamedTuple):
    """What a submission says of one device.

    `keys` has, for each entry, where its fields stand in the request; `wrong` what the form itself refuses. Such a
    field is left blank in its entry, so that the ledger refuses it too, beside whatever else is wrong.
    """

    remote_id: str
    remote_key: str
    entries: list[Declared]
    keys: list[dict[str, str]]
    wrong: dict[str, str]

    def figure(self, text: str, key: str, decimals: int) -> str:
        """A figure, or a blank for what is none."""
        if not FIGURE.fullmatch(text) or len(text.partition(".")[2]) > decimals:
            self.wrong[key] = f"{text[:20]!r} is not a number of at most {decimals} decimals, 0 or more"
            return ""
        return text


def of_days(remote_id: str, records: Sequence[Record], decimals: int, place: str = "") -> Part:
    """The part of a device's days."""
    part = Part(remote_id, f"{place}RemoteInvId", [], [], {})
    for index, record in enumerate(records):
        later = record.accumulated_energy is not UNSET
        named = {**RECORD, "accumulated_kwh": ACCUMULATED_LATER} if later else RECORD
        keys = {field: f"{place}Data[{index}].{name}" for field, name in named.items()}
        on, told = record.timestamp, record.accumulated_energy if later else record.accumulated_power
        if not DAY.fullmatch(on):
            part.wrong[keys["on"]] = f"{on[:20]!r} is not a date like 2023-05-01"
            on = ""
        entry = Declared(
            on=on,
            period_kwh=part.figure(record.period, keys["period_kwh"], decimals),
            accumulated_kwh=None if told is UNSET else part.figure(told, keys["accumulated_kwh"], decimals),
        )
        part.entries.append(entry)
        part.keys.append(keys)
    return part


def of_months(remote_id: str, years: Year | list[Year], decimals: int) -> Part:
    """The part of a device's months; whatever is wrong with one is told at its figure."""
    part = Part(remote_id, "RemoteInvId", [], [], {})
    placed = [("Data", years)] if isinstance(years, Year) else [(f"Data[{i}]", year) for i, year in enumerate(years)]
    for place, year in placed:
        for month, figure in year.months.items():
            key = f"{place}.{MONTHLY}.{month}"
            on = f"{year.year:04d}-{MONTHS.index(month) + 1:02d}"
            part.entries.append(Declared(on=on, period_kwh=part.figure(figure, key, decimals)))
            part.keys.append(dict.fromkeys(RECORD, key))
    return part


def require_daily(frequency: str | UnsetType, place: str = "") -> None:
    """Raises DetailedError for any frequency but the one there is."""
    if frequency is not UNSET and frequency.lower() != FREQUENCY.lower():
        raise refuse(
            UNPROCESSABLE, f"{place}FrequencyType", f"FrequencyType must be {FREQUENCY}, not {frequency[:40]!r}"
        )


async def submit(call: Call[Any], parts: Sequence[Part]) -> Kept:  # any: requests of all forms
    """Hand a submission to the ledger. All or nothing.

    Raises DetailedError: 403 for a device that the caller has not, 422 naming each record and field that is wrong.
    """
    devices = await _devices(call, parts)
    declarations = [
        Declaration(device_id=device.id, remote_id=part.remote_id, entries=part.entries)
        for part, device in zip(parts, devices, strict=True)
    ]
    statement = Statement(
        dialect="redex", operation=call.operation.name, body=call.http.body, declarations=declarations
    )
    try:
        return await call.hub.ledger.declare(call.caller, statement)
    except UnknownDeviceError as error:  # it is disabled, which only an administrator sees
        refused = [_unknown(part) for part in parts if part.remote_id == error.device]
        raise DetailedError(FORBIDDEN, refused) from error
    except RecordsError as error:
        # What was left blank may be found wrong in more than one way.
        details = dict.fromkeys(_detail(parts, problem) for problem in error.problems)
        raise DetailedError(UNPROCESSABLE, list(details)) from error


async def _devices(call: Call[Any], parts: Sequence[Part]) -> list[Device]:  # any: see submit
    """The device of each part: the one of this id, else the one of the caller's with this serial number."""
    found = await call.hub.resolve_devices(call.caller, DEVICE_SCHEME, [part.remote_id for part in parts])
    by_serial: dict[str, list[Device]] = {}
    if None in found:
        for device in await call.hub.devices(call.caller):
            by_serial.setdefault(device.serial, []).append(device)
    devices, unknown = [], []
    for part, resolved in zip(parts, found, strict=True):
        named = [resolved] if resolved is not None else by_serial.get(part.remote_id, [])
        if len(named) == 1:
            devices.append(named[0])
        else:
            unknown.append(_unknown(part))
    if unknown:
        raise DetailedError(FORBIDDEN, unknown)
    _require_once(parts, devices)
    return devices


def _unknown(part: Part) -> Detail:
    return Detail(part.remote_key, f"there is no device {part.remote_id[:60]!r} of yours")


def _require_once(parts: Sequence[Part], devices: Sequence[Device]) -> None:
    """Raises DetailedError for a device that stands in the call twice."""
    seen: set[int] = set()
    for part, device in zip(parts, devices, strict=True):
        if device.id in seen:
            raise refuse(UNPROCESSABLE, part.remote_key, f"the device {part.remote_id[:60]!r} is there twice")
        seen.add(device.id)


def _detail(parts: Sequence[Part], problem: Problem) -> Detail:
    part = parts[problem.group]
    key = part.keys[problem.place][problem.field]
    return Detail(key, part.wrong.get(key, problem.message))
