"""What travels: the request and the answer of PushDeviceData."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import msgspec


class DeviceRecord(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """The points of one device at one time. `record_time` is the plant's wall time.

    Types 15 and 16 have no `device_id`: it is left out then, not null.
    """

    record_time: str
    data: dict[str, float]
    device_id: str | int | None = None


class PushRequest(msgspec.Struct, rename="camel"):
    """A push as the hot path reads it: numbers straight from their texts."""

    device_type: str | int
    devices: list[DeviceRecord]

    def on_wire(self) -> dict[str, Any]:  # any: JSON
        """The body, with points as texts: the document asks for that, for their precision.

        Raises ValueError for a point that is no finite number.
        """
        body: dict[str, Any] = msgspec.to_builtins(self)
        body["deviceType"] = str(self.device_type)
        for record in body["devices"]:
            record["data"] = {name: _text(name, value) for name, value in record["data"].items()}
        return body


def _text(name: str, value: float) -> str:
    """The digits of a point, without an exponent."""
    if not math.isfinite(value):
        raise ValueError(f"the point {name} is {value}, which no text stands for; leave it out")
    return f"{Decimal(repr(value)):f}"


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
    message: str = ""
    request_id: str = ""
    recommend: str = ""
