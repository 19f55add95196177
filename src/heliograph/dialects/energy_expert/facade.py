"""Serving PushDeviceData: a batch of records becomes samples, all of it or nothing."""

from __future__ import annotations

import hashlib
import itertools
import math
from typing import Any

import msgspec
import numpy as np

from heliograph.clock import zone
from heliograph.dialects.energy_expert.auth import authenticate
from heliograph.dialects.energy_expert.codes import request_id
from heliograph.dialects.energy_expert.fields import METER
from heliograph.dialects.energy_expert.operations import PUSH
from heliograph.dialects.energy_expert.wire import (
    DeviceRecord,
    LooseRequest,
    PushRequest,
    PushResult,
)  # fmt: skip
from heliograph.errors import BadRequestError, MissingFieldError, UnknownDeviceError
from heliograph.model.devices import Device
from heliograph.model.samples import Block
from heliograph.protocol.dialect import Facade
from heliograph.protocol.hub import AliasScheme, Hub, Subject
from heliograph.protocol.operations import Call, Operation, Request, handle
from heliograph.protocol.serving import SMALL_BODY, decode_json, refuse_repeated_names
from heliograph.protocol.times import format_instant, parse_local

SYSTEM_TYPES = frozenset({"12", "13", "17"})
"""Types whose `deviceId` is the id of a whole system."""
ACCOUNT_TYPES = frozenset({"15", "16"})
"""Types that speak for the whole account: they have no `deviceId`."""
MOST_POINTS, LONGEST_NAME = 2000, 100
"""What a record may hold; unknown names are kept for good, so there is an end to them."""
WHOLE_ACCOUNT = "-"
"""The wire id under which the device of such a type is registered."""

NULL = float("nan")
"""The one NaN that stands for null; any other was text on the wire."""
_FAST: msgspec.json.Decoder[PushRequest] = msgspec.json.Decoder(PushRequest, strict=False)


def _mint(device_id: int, attempt: int) -> str:
    digest = hashlib.blake2b(f"{device_id}/{attempt}".encode(), digest_size=8, person=b"energy_expert")
    return digest.hexdigest()


def DEVICE_SCHEME(device_type: str) -> AliasScheme:  # noqa: N802  a family of constants
    """How devices of a type are named; a `deviceId` belongs to one type."""
    return AliasScheme("energy_expert", "device", _mint, device_type)


def check_alias(subject: Subject, scope: str, wire: str) -> None:
    """An id given by hand. Raises BadRequestError for a plant's, and for one without the deviceType it belongs to."""
    if subject != "device":
        raise BadRequestError("energy_expert names devices and no plants", field="alias")
    if not (scope.isascii() and scope.isdecimal()):
        raise BadRequestError(f"{wire!r} belongs to a deviceType: give it as energy_expert:1={wire}", field="alias")


def decode(operation: Operation[Any, Any], request: Request) -> PushRequest:
    """The push of a body. Raises BadRequestError that names the device and the point that is wrong."""
    del operation
    try:
        found = _FAST.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _explain(request.body.strip() or b"{}")
    if len(request.body) > SMALL_BODY:
        named = [2 + (record.device_id is not None) + len(record.data) for record in found.devices]
        refuse_repeated_names(request.body, 2 + sum(named))
    return found


def _explain(body: bytes) -> PushRequest:
    """Read again without haste: which point is no number? What only looks unusual is taken."""
    loose: LooseRequest = decode_json(body, LooseRequest)
    devices = [
        DeviceRecord(
            record.record_time,
            {name: _number(value, index, str(record.device_id or ""), name) for name, value in record.data.items()},
            record.device_id,
        )
        for index, record in enumerate(loose.devices)
    ]
    return PushRequest(loose.device_type, devices)


def _number(value: object, index: int, device: str, name: str) -> float:
    """A point as a number; null is no sample. Raises BadRequestError."""
    if value is None:
        return NULL
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value) if not isinstance(value, str) or "_" not in value else math.inf
        except (ValueError, OverflowError):
            number = math.inf
        if math.isfinite(number):
            return number
    raise _refused(index, device, name, "is not a finite number")


def _refused(index: int, device: str, name: str, why: str) -> BadRequestError:
    field = f"devices[{index}].data.{name}"
    return BadRequestError(f"{field} of device {device or WHOLE_ACCOUNT!r} {why}", field=field, device=device)


def _wires(request: PushRequest, device_type: str) -> list[str]:
    """The wire id of each record, by the rules that the type sets. Raises BadRequestError."""
    given = [record.device_id for record in request.devices]
    if device_type not in ACCOUNT_TYPES:
        wires = [wire if isinstance(wire, str) else "" if wire is None else str(wire) for wire in given]
        if "" in wires:
            field = f"devices[{wires.index('')}].deviceId"
            hint = " and takes the system_id there" if device_type in SYSTEM_TYPES else ""
            raise MissingFieldError(f"{field} is missing; deviceType {device_type} needs it{hint}", field=field)
        return wires
    for index, wire in enumerate(given):
        if wire is not None:
            field = f"devices[{index}].deviceId"
            raise BadRequestError(
                f"{field} must not be passed for deviceType {device_type}", field=field, device=str(wire)
            )
    return [WHOLE_ACCOUNT] * len(given)


async def _devices(call: Call[PushRequest], device_type: str) -> list[Device]:
    wires = _wires(call.request, device_type)
    found = await call.hub.resolve_devices(call.caller, DEVICE_SCHEME(device_type), wires)
    for index, device in enumerate(found):
        if device is None:
            wire = wires[index]
            name = "for the account" if wire == WHOLE_ACCOUNT else repr(wire[:60])
            raise UnknownDeviceError(
                f"devices[{index}].deviceId: there is no device {name} of deviceType {device_type}", device=wire
            )
    return [device for device in found if device is not None]


async def _instants(call: Call[PushRequest], devices: list[Device]) -> list[int]:
    """The instant of each record; few distinct times and zones make up a batch."""
    owners = {device.plant_id for device in devices}
    zones = {plant.id: plant.zone for plant in await call.hub.plants(call.caller, list(owners))}
    now_ms = call.now_ms
    instants: dict[tuple[str, str], int] = {}
    at_ms: list[int] = []
    for index, (record, device) in enumerate(zip(call.request.devices, devices, strict=True)):
        stamp = (record.record_time, zones[device.plant_id])
        at = instants.get(stamp)
        if at is None:
            field = f"devices[{index}].recordTime"
            at = instants[stamp] = parse_local(stamp[0], zone(stamp[1]), field=field, now_ms=now_ms)
        at_ms.append(at)
    return at_ms


def _blocks(request: PushRequest, devices: list[Device], at_ms: list[int]) -> list[Block]:
    """Records with the same points together, as columns of canonical units."""
    points = [record.data for record in request.devices]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, names in enumerate(map(tuple, points)):
        groups.setdefault(names, []).append(index)
    blocks: list[Block] = []
    for names, members in groups.items():
        if not names:
            raise MissingFieldError(f"devices[{members[0]}].data has no points", field=f"devices[{members[0]}].data")
        if len(names) > MOST_POINTS or max(map(len, names)) > LONGEST_NAME:
            field = f"devices[{members[0]}].data"
            raise BadRequestError(
                f"{field} may have {MOST_POINTS} points with names of {LONGEST_NAME} characters", field=field
            )
        if not all(name and name.isprintable() for name in names):
            field = f"devices[{members[0]}].data"
            raise BadRequestError(f"{field} has a point whose name is empty or cannot be printed", field=field)
        flat = list(itertools.chain.from_iterable(points[index].values() for index in members))
        values = np.array(flat).reshape(len(members), len(names))
        if not math.isfinite(values.sum()):
            _refuse_infinite(request, values, members, names)
        keys, canonical = METER.decode(names, values)
        blocks.append(Block(keys, [devices[i].id for i in members], [at_ms[i] for i in members], canonical))
    return blocks


def _refuse_infinite(
    request: PushRequest, values: np.ndarray[Any, np.dtype[np.float64]], members: list[int], names: tuple[str, ...]
) -> None:
    for row, column in np.argwhere(~np.isfinite(values)).tolist():
        index = members[row]
        record = request.devices[index]
        if record.data[names[column]] is not NULL:
            raise _refused(index, str(record.device_id or ""), names[column], "is not a finite number")


def _of_record(
    error: BadRequestError, request: PushRequest, devices: list[Device], at_ms: list[int]
) -> BadRequestError:  # fmt: skip
    """What the hub refused of a record, told by its place in the push and by the id that stands there."""
    for index, (record, device) in enumerate(zip(request.devices, devices, strict=True)):
        timed = error.field == "time"
        if str(device.id) == error.device and (not timed or format_instant(at_ms[index]) in str(error)):
            wire = str(record.device_id or WHOLE_ACCOUNT)
            field = f"devices[{index}].{'recordTime' if timed else 'data'}"
            return BadRequestError(f"{field} of device {wire!r}: {error}", field=field, device=wire)
    return error


async def push(call: Call[PushRequest]) -> PushResult:
    """Keep the records of a push. Answers after they are safe on disk."""
    device_type = str(call.request.device_type)
    if not device_type.isdecimal() or len(device_type) > 4:
        raise BadRequestError(f"deviceType {device_type[:40]!r} is not the number of a type", field="deviceType")
    if not call.request.devices:
        raise MissingFieldError("devices is empty", field="devices")
    devices = await _devices(call, device_type)
    at_ms = await _instants(call, devices)
    blocks = _blocks(call.request, devices, at_ms)
    try:
        await call.hub.ingest(call.caller, blocks, source="energy_expert", once=call.once)
    except BadRequestError as error:
        raise _of_record(error, call.request, devices, at_ms) from error
    return PushResult(request_id(call.http), "success")


def serve(hub: Hub) -> Facade:
    """The server half; it keeps nothing between calls, replay marks are the hub's."""
    del hub
    return Facade(authenticate, (handle(PUSH, push),))
