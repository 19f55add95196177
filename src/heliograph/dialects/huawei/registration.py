"""Whether serial numbers are those of a person's devices. (2.17)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.dialects.huawei.codes import UNREADABLE, refuse
from heliograph.dialects.huawei.lookup import split_ids
from heliograph.dialects.huawei.operations import FIND_REGISTERED, MOST_SERIALS
from heliograph.dialects.huawei.wire import Registration, RegistrationResult
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from heliograph.dialects.huawei.wire import Loose, Param, SerialQuery

LONGEST_KEY = 256
"""Characters."""


def _text(value: Param) -> str:
    """A text, or a number as text; empty for anything else."""
    return "" if isinstance(value, bool) or not isinstance(value, str | int | float) else str(value).strip()


def _key(value: Param) -> Loose:
    """The `key` as it came. Raises VendorError when it is too long, or no text."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(UNREADABLE, "key must be a text")
    if len(str(value)) > LONGEST_KEY:
        raise refuse(UNREADABLE, f"key is longer than {LONGEST_KEY} characters")
    return value


async def find_registered(call: Call[SerialQuery]) -> RegistrationResult:
    """Tell of each serial number whether it is registered for a person.

    An unknown person, an unknown device and another tenant's all look the same. Raises VendorError for a question that
    says too little or too much; the document has no codes for that.
    """
    serials, contact = split_ids(call.request.serials), _text(call.request.user)
    if not serials:
        raise refuse(UNREADABLE, "SN names no device")
    if not contact:
        raise refuse(UNREADABLE, "userName is missing")
    if len(serials) > MOST_SERIALS:
        raise refuse(UNREADABLE, f"more than {MOST_SERIALS} serial numbers in one call")
    key = _key(call.request.key)
    found = await call.hub.registered(call.caller, contact, serials)
    return RegistrationResult(Registration(dict(zip(serials, found, strict=True)), key))


HANDLERS: tuple[Handler, ...] = (handle(FIND_REGISTERED, find_registered),)
