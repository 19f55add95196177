"""What travels: the request and the answer of PushDeviceData."""

from __future__ import annotations

from typing import Any

import msgspec


class DeviceRecord(msgspec.Struct, rename="camel", gc=False):
    """The points of one device at one time. `record_time` is the plant's wall time."""

    record_time: str
    data: dict[str, float]
    device_id: str | int | None = None


class PushRequest(msgspec.Struct, rename="camel"):
    """A push as the hot path reads it: numbers straight from their texts."""

    device_type: str | int
    devices: list[DeviceRecord]


class LooseRecord(msgspec.Struct, rename="camel"):
    """A record whose points may be anything, read again to say which one is wrong."""

    record_time: str
    data: dict[str, Any]  # any: that is what is to be found out
    device_id: str | int | None = None


class LooseRequest(msgspec.Struct, rename="camel"):
    """A push whose points may be anything."""

    device_type: str | int
    devices: list[LooseRecord]


class PushResult(msgspec.Struct, rename="camel"):
    """The answer: `data` is `success`."""

    request_id: str
    data: str


class Failure(msgspec.Struct, rename="pascal"):
    """The answer to a refused request."""

    code: str
    message: str
    request_id: str
    recommend: str = ""
