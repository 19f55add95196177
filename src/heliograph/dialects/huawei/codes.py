"""The codes of chapter 4, those that only the live service shows, and the envelope that carries them.

Every answer is HTTP 200; `failCode` tells. The texts are the hub's own, but for those that clients compare.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from heliograph.dialects.huawei.operations import FIND_REGISTERED, LIST_ALARMS, LIST_PLANTS, SESSION_CALLS
from heliograph.dialects.huawei.wire import Answer, Full, NoQuery
from heliograph.errors import (
    BadRequestError,
    ConflictError,
    DeviceError,
    DisabledCredentialError,
    ExpiredCredentialError,
    ForbiddenError,
    HubError,
    NotFoundError,
    SignatureError,
    StoreError,
    TooFrequentError,
    UnauthenticatedError,
    UnknownCredentialError,
    UnknownDeviceError,
    UnknownPlantError,
)
from heliograph.protocol.codes import Code, CodeTable, VendorError, legible
from heliograph.protocol.operations import Call, Operation, Reply, Request
from heliograph.protocol.reading import read

UNKNOWN_SYSTEM = Code(20001, "no third-party system has this name", UnknownCredentialError)
DISABLED = Code(20002, "the third-party system is disabled", DisabledCredentialError)
EXPIRED = Code(20003, "the third-party system is past its end", ExpiredCredentialError)
SERVER = Code(20004, "the server cannot answer now", StoreError)
NO_DEVICE = Code(20005, "devIds holds empty entries only", BadRequestError)
WRONG_TYPE = Code(20006, "some devices are of another type than devTypeId", BadRequestError)
UNKNOWN_PLANT = Code(20007, "none of these plants is known", UnknownPlantError)
UNKNOWN_DEVICE = Code(20008, "none of these devices is known", UnknownDeviceError)
NO_KPIS = Code(20009, "these KPIs are not set up", NotFoundError)
NO_PLANTS = Code(20010, "stationCodes names no plant", BadRequestError)
NO_DEVICES = Code(20011, "devIds names no device", BadRequestError)
NO_TIME = Code(20012, "collectTime is missing", BadRequestError)
UNSUPPORTED_TYPE = Code(20013, "this call does not serve devices of this devTypeId", BadRequestError)
TOO_MANY_PLANTS = Code(20014, "more than 100 plants in one call", BadRequestError)
TOO_MANY_PLANTS_2 = Code(20015, "more than 100 plants in one call", BadRequestError)
TOO_MANY_DEVICES = Code(20016, "more than 100 devices in one call", BadRequestError)
TOO_MANY_DEVICES_2 = Code(20017, "more than 100 devices in one call", BadRequestError)
TOO_MANY_TO_SWITCH = Code(20018, "more than 10 devices in one command", BadRequestError)
WRONG_SWITCH = Code(20019, "controlType is neither 1 for on nor 2 for off", BadRequestError)
NO_PACKAGE = Code(20020, "there is no upgrade package for this version", NotFoundError)
NO_UPGRADE_FILE = Code(20021, "the upgrade file is missing", NotFoundError)
NO_UPGRADES = Code(20022, "these devices have no upgrade records", NotFoundError)
WRONG_SPAN = Code(20023, "the time asked for ends before it starts", BadRequestError)
NO_LANGUAGE = Code(20024, "language is missing", BadRequestError)
WRONG_LANGUAGE = Code(20025, "language is none of those served", BadRequestError)
TOO_OLD = Code(20026, "only the latest 365 days can be asked for", BadRequestError)
TOO_LONG = Code(20027, "the time asked for is longer than 31 days", BadRequestError)
RELOGIN = Code(305, "USER_MUST_RELOGIN", UnauthenticatedError)
NO_ACCESS = Code(401, "Invalid access to current interface!", ForbiddenError)
TOO_FREQUENT = Code(407, "ACCESS_FREQUENCY_IS_TOO_HIGH", TooFrequentError)
BAD_LOGIN = Code(20400, "user.login.user_or_value_invalid", SignatureError)

UNREADABLE = Code(20400, "the request cannot be read", BadRequestError)
"""The document has no code for a request that is wrong elsewhere than in the parameters below."""
NO_USER = Code(0, "user does not exist", NotFoundError)
"""The refusal printed in 2.17, which has no code; understood, never sent."""

CODES = CodeTable(
    [
        UNKNOWN_SYSTEM, DISABLED, EXPIRED, SERVER, NO_DEVICE, WRONG_TYPE, UNKNOWN_PLANT, UNKNOWN_DEVICE, NO_KPIS,
        NO_PLANTS, NO_DEVICES, NO_TIME, UNSUPPORTED_TYPE, TOO_MANY_PLANTS, TOO_MANY_PLANTS_2, TOO_MANY_DEVICES,
        TOO_MANY_DEVICES_2, TOO_MANY_TO_SWITCH, WRONG_SWITCH, NO_PACKAGE, NO_UPGRADE_FILE, NO_UPGRADES, WRONG_SPAN,
        NO_LANGUAGE, WRONG_LANGUAGE, TOO_OLD, TOO_LONG, RELOGIN, NO_ACCESS, TOO_FREQUENT, BAD_LOGIN,
    ],
    {
        BadRequestError: UNREADABLE,
        ConflictError: UNREADABLE,
        UnauthenticatedError: RELOGIN,
        UnknownCredentialError: UNKNOWN_SYSTEM,
        SignatureError: BAD_LOGIN,
        DisabledCredentialError: DISABLED,
        ExpiredCredentialError: EXPIRED,
        ForbiddenError: NO_ACCESS,
        NotFoundError: NO_ACCESS,
        UnknownPlantError: UNKNOWN_PLANT,
        UnknownDeviceError: UNKNOWN_DEVICE,
        TooFrequentError: TOO_FREQUENT,
        StoreError: SERVER,
    },
    fallback=SERVER,
)  # fmt: skip

PARAMETER_CODES = {
    "stationCodes": NO_PLANTS,
    "devIds": NO_DEVICES,
    "devTypeId": UNSUPPORTED_TYPE,
    "collectTime": NO_TIME,
    "beginTime": NO_TIME,
    "endTime": NO_TIME,
    "language": WRONG_LANGUAGE,
    "controlType": WRONG_SWITCH,
}
"""The code for a parameter that is a number beyond all bounds: the one that the document has for its absence."""

BUILD = "2"
_BUILT = frozenset({LIST_ALARMS.name, FIND_REGISTERED.name})
"""The calls whose printed answers carry a `buildCode`, and an empty text instead of no message. (2.16, 2.17)"""

_FIXED_TEXTS = (RELOGIN, NO_ACCESS, BAD_LOGIN)
_PLACE = re.compile(r"`\$\.(\w+)")
_encode = msgspec.json.Encoder().encode


def decode_request(operation: Operation[Any, Any], request: Request) -> Any:  # any: the request of any operation
    """The parameters of a call. No body, `null` and `{}` are the same; a call without parameters reads nothing.

    Raises VendorError when the body cannot be read. A parameter of the wrong kind is left to the handlers.
    """
    body = request.body.strip()
    if operation.request is NoQuery or body in (b"", b"null"):
        return operation.request()
    try:
        return msgspec.json.decode(body, type=operation.request)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        place = _PLACE.search(str(error))
        code = PARAMETER_CODES.get(place[1], UNREADABLE) if place else UNREADABLE
        raise refuse(code, f"the body cannot be read: {error}") from error


def echo(operation: Operation[Any, Any], query: Any, now_ms: int) -> dict[str, Any] | None:  # any: see decode_request
    """The `params` of an answer: the parameters as they were sent, and the present instant. [ms]

    Names, passwords and tokens are not repeated, nor is what lies deeper than a list of values.
    """
    if operation.name in SESSION_CALLS:
        return None
    kind = type(query)
    values = [getattr(query, name) for name in kind.__struct_fields__]
    sent = zip(kind.__struct_encode_fields__, values, strict=True)
    return {name: value for name, value in sent if value is not None and _flat(value)} | {"currentTime": now_ms}


def _flat(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(part, list | dict) for part in value)
    return not isinstance(value, dict)


def success_params(call: Call[Any]) -> dict[str, Any] | None:
    """The `params` of a successful answer."""
    params = echo(call.operation, call.request, call.now_ms)
    if params is not None and call.operation is LIST_PLANTS:
        return {"userId": call.caller.credential_id, **params}
    return params


def frame(call: Call[Any]) -> tuple[bytes, bytes]:
    """What stands before and after the rows of an answer that is sent piece by piece."""
    whole = _encode(Full(True, [], 0, success_params(call), None))
    cut = whole.index(b"[]") + 1
    return whole[:cut], whole[cut:]


class HuaweiEnvelope:
    """`success`, `data`, `failCode`, `params` and `message` around every result and error."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        answer = Full(True, result.data, 0, success_params(call), None)
        if call.operation.name in _BUILT:
            answer.message, answer.build = "", BUILD
        return Reply(_encode(answer))

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error, with the parameters that could be read."""
        code = CODES.code(error)
        if code is TOO_FREQUENT:
            return Reply(_encode(Full(False, code.text, 407, None, None)), headers=_retry_after(error))
        params = None if operation is None else _readable(operation, request, now_ms)
        message = code.text if code in _FIXED_TEXTS else str(error) or code.text
        answer = Full(False, None, int(code.value), params, message)
        if code is RELOGIN:
            answer.immediately = True
        return Reply(_encode(answer), status=code.status)

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """The result of an answer. Raises the error of its code, DeviceError for anything that is no answer."""
        with legible(operation.name, status):
            answer = read(body, Answer)
            if answer.success and answer.code == 0:
                return read(body, operation.result)
            refusal = _error(operation, answer, status, body)
        raise refusal


def _error(operation: Operation[Any, Any], answer: Answer, status: int, body: bytes) -> HubError:
    """The error of a failure. Two examples have no code in `failCode`: that of 2.2 in `data`, that of 2.17 nowhere."""
    if answer.code:
        return CODES.error(answer.code, answer.message or "")
    data = msgspec.json.decode(body).get("data")
    if isinstance(data, int):
        return CODES.error(data, answer.message or "")
    if operation.name == FIND_REGISTERED.name:
        return VendorError(NO_USER, answer.message or "")
    return DeviceError(f"{operation.name}: HTTP {status} and a refusal without a code: {answer.message or 'no word'}")


def _readable(operation: Operation[Any, Any], request: Request, now_ms: int) -> dict[str, Any] | None:
    try:
        return echo(operation, decode_request(operation, request), now_ms)
    except HubError:
        return {"currentTime": now_ms}


def _retry_after(error: HubError) -> dict[str, str]:
    if isinstance(error, TooFrequentError) and error.retry_after_s > 0:
        return {"retry-after": str(math.ceil(error.retry_after_s))}
    return {}


def refuse(code: Code, detail: str = "") -> VendorError:
    """The error that travels as this very code."""
    return VendorError(code, detail)
