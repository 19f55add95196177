"""The codes, their texts in six languages, and the envelope that carries them.

Every answer is HTTP 200; `errno` tells. The texts are the hub's own.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from heliograph.dialects.foxess.wire import Answer, Full, NoQuery
from heliograph.errors import (
    BadRequestError,
    ConflictError,
    DisabledCredentialError,
    ExpiredCredentialError,
    ForbiddenError,
    HubError,
    NotFoundError,
    OutcomeUnknownError,
    RefusedError,
    SpentError,
    StoreError,
    TooFrequentError,
    UnauthenticatedError,
    UnknownCredentialError,
    UnknownDeviceError,
    UnknownPlantError,
    UnreachableError,
    UnsupportedError,
)
from heliograph.protocol.codes import Code, CodeTable, VendorError, legible
from heliograph.protocol.operations import Call, Operation, Reply, Request
from heliograph.protocol.reading import read

LANGUAGES = ("en", "zh_CN", "pl", "fr", "pt", "de")
SUCCESS = "success"
"""The text of every success; a client takes nothing else for one."""


@cache
def messages() -> dict[int, dict[str, str]]:
    """The texts of the codes, by code and language."""
    found = resources.files("heliograph.dialects.foxess").joinpath("messages.json").read_bytes()
    return msgspec.json.decode(found, type=dict[int, dict[str, str]])


def _code(value: int, error: type[HubError]) -> Code:
    return Code(value, messages()[value]["en"], error)


HEADERS = _code(40256, UnauthenticatedError)
BODY = _code(40257, BadRequestError)
TOO_FREQUENT = _code(40400, TooFrequentError)
DAY_SPENT = _code(40402, SpentError)
NO_DATA = _code(41200, StoreError)
TIMED_OUT = _code(41203, OutcomeUnknownError)
DISABLED = _code(41807, DisabledCredentialError)
INVALID = _code(41808, UnknownCredentialError)
EXPIRED = _code(41809, ExpiredCredentialError)
NO_PERMISSION = _code(41811, ForbiddenError)
UNKNOWN = _code(41930, NotFoundError)
OFFLINE = _code(41935, UnreachableError)
UNSUPPORTED = _code(42015, UnsupportedError)
OVERLAPPING = _code(42023, ConflictError)
SCHEDULED = _code(44096, ConflictError)
NOT_WRITTEN = _code(44098, RefusedError)
FAILED = _code(50000, HubError)
NO_SUCH_CALL = _code(50404, NotFoundError)
CONFLICT = _code(50409, ConflictError)

CODES = CodeTable(
    [
        HEADERS, BODY, TOO_FREQUENT, DAY_SPENT, NO_DATA, TIMED_OUT, DISABLED, INVALID, EXPIRED, NO_PERMISSION, UNKNOWN,
        OFFLINE, OVERLAPPING, SCHEDULED, NOT_WRITTEN, FAILED, NO_SUCH_CALL, UNSUPPORTED, CONFLICT,
    ],
    {
        BadRequestError: BODY,
        UnauthenticatedError: HEADERS,
        UnknownCredentialError: INVALID,
        DisabledCredentialError: DISABLED,
        ExpiredCredentialError: EXPIRED,
        ForbiddenError: NO_PERMISSION,
        NotFoundError: NO_SUCH_CALL,
        UnknownPlantError: UNKNOWN,
        UnknownDeviceError: UNKNOWN,
        TooFrequentError: TOO_FREQUENT,
        ConflictError: CONFLICT,
        UnsupportedError: UNSUPPORTED,
        RefusedError: NOT_WRITTEN,
        UnreachableError: OFFLINE,
        OutcomeUnknownError: TIMED_OUT,
        StoreError: NO_DATA,
    },
    fallback=FAILED,
)  # fmt: skip

_EXPLAINED = (HEADERS, BODY)
"""Codes whose text goes on to say which header or parameter it is."""
_encode = msgspec.json.Encoder().encode


def refuse(code: Code, detail: str = "") -> VendorError:
    """The error that travels as this very code."""
    return VendorError(code, detail)


def language(request: Request) -> str:
    """The language of a caller: that of the header `lang`, English where it is missing or not served."""
    asked = request.headers.get("lang", "").strip().lower().replace("-", "_")
    for known in LANGUAGES:
        if asked in (known.lower(), known[:2]) or asked.partition("_")[0] == known[:2]:
            return known
    return "en"


def decode_request(operation: Operation[Any, Any], request: Request) -> Any:  # any: the request of any operation
    """The parameters of a call: of the query of a GET, else of the body. A call without parameters reads nothing.

    No body, `null` and `{}` are the same. Raises BadRequestError for what cannot be read.
    """
    if operation.request is NoQuery:
        return NoQuery()
    if operation.method == "GET":
        pairs = dict(parse_qsl(request.query, keep_blank_values=True))
        return msgspec.convert(pairs, operation.request)
    body = request.body.strip()
    if body in (b"", b"null"):
        return operation.request()
    try:
        return msgspec.json.decode(body, type=operation.request)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequestError(f"the body cannot be read: {error}") from error


class FoxessEnvelope:
    """`errno`, `msg` and `result` around every result and error."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        return Reply(_encode(Full(0, SUCCESS, result.result)))

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error, with a text in the caller's language."""
        code = CODES.code(error)
        text = messages()[int(code.value)][language(request)]
        detail = str(error)
        if code in _EXPLAINED and detail and detail != code.text:
            text = f"{text}: {detail}"
        return Reply(_encode(Full(int(code.value), text, None)), headers=_retry_after(error))

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """The result of an answer. Raises the error of its code, DeviceError for anything that is no answer."""
        with legible(operation.name, status):
            answer = read(body, Answer)
            if answer.errno == 0:
                return read(body, operation.result)
        raise CODES.error(answer.errno, answer.message)


def _retry_after(error: HubError) -> dict[str, str]:
    if isinstance(error, TooFrequentError) and error.retry_after_s > 0:
        return {"retry-after": str(math.ceil(error.retry_after_s))}
    return {}
