"""What travels: requests and answers, with the vendor's names. Figures are texts with the digits that were sent."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from heliograph.dialects.redex.fields import ACCUMULATED, ACCUMULATED_LATER, MONTHLY, PERIOD, TIMESTAMP

_RECORD = {
    "timestamp": TIMESTAMP,
    "period": PERIOD,
    "accumulated_power": ACCUMULATED,
    "accumulated_energy": ACCUMULATED_LATER,
}


class Detail(msgspec.Struct, frozen=True, rename="pascal"):
    """What is wrong with a place in the request."""

    key: str
    message: str


class Answer(msgspec.Struct, rename="pascal"):
    """What stands around every result and error; the document prints neither `Errors` nor `Meta`."""

    data: Any  # any: results of all operations pass here
    errors: list[Detail] | UnsetType | None = UNSET
    meta: Any = UNSET  # any: always null
    status_code: int = 200
    message: str = ""


class TokenQuery(msgspec.Struct, rename="pascal"):
    """Asks for tokens with a key."""

    grant_type: str
    api_key: str
    client_id: str
    client_secret: str


class RefreshQuery(msgspec.Struct, rename="pascal"):
    """Asks for new tokens with an older one."""

    grant_type: str
    refresh_token: str
    client_id: str
    client_secret: str


class TokenResult(msgspec.Struct, rename="pascal"):
    """A pair of tokens; `expires_in` is a text. [s]"""

    access_token: str
    refresh_token: str
    expires_in: str
    token_type: str
    scope: str


class Record(msgspec.Struct, rename=_RECORD):
    """The energy of a day. [kWh]"""

    timestamp: str
    period: str
    accumulated_power: str | UnsetType = UNSET
    accumulated_energy: str | UnsetType = UNSET


class GenerationQuery(msgspec.Struct, rename="pascal"):
    """The days of one device."""

    data: list[Record]
    frequency_type: str
    remote_inv_id: str


class DeviceData(msgspec.Struct, rename="pascal"):
    """The days of one of several devices."""

    remote_inv_id: str
    data: list[Record]
    frequency_type: str | UnsetType = UNSET


class PluralQuery(msgspec.Struct, rename="pascal"):
    """The days of several devices, or those of one as in `GenerationQuery`."""

    devices: list[DeviceData] | UnsetType = UNSET
    data: list[Record] | UnsetType = UNSET
    frequency_type: str | UnsetType = UNSET
    remote_inv_id: str | UnsetType = UNSET


class BatchQuery(msgspec.Struct, rename="pascal"):
    """The days of several devices."""

    devices: list[DeviceData]


class Year(msgspec.Struct, rename={"year": "Year", "months": MONTHLY}):
    """The months of a year by their names. [kWh]"""

    year: int
    months: dict[str, str]


class MonthlyQuery(msgspec.Struct, rename="pascal"):
    """The months of one device, of one year or of several."""

    remote_inv_id: str
    data: Year | list[Year]


class StatusQuery(msgspec.Struct, rename="pascal"):
    """Asks for the state of a process."""

    process_id: int


class Nothing(msgspec.Struct):
    """The empty result of a submission."""


class ProcessResult(msgspec.Struct, rename="pascal"):
    """The number under which a later form was taken."""

    process_id: int


class StatusResult(msgspec.Struct, rename="pascal"):
    """What became of a process; times are ISO 8601, UTC."""

    process_id: int
    status: str
    created_time: str
    updated_time: str
    processing_type: str
