"""The codes of Annex 1, and the envelope that carries them: HTTP 200 always, `code` tells.

A refusal has no `data`; why it was refused stands, for people, in the header `x-ca-error-message`.
"""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from heliograph.dialects.apsystems.wire import Answer
from heliograph.errors import (
    BadRequestError,
    DeviceError,
    DisabledCredentialError,
    ExpiredCredentialError,
    ForbiddenError,
    HubError,
    NotFoundError,
    ReplayError,
    SignatureError,
    SpentError,
    StoreBusyError,
    StoreError,
    TooFrequentError,
    TooLargeError,
    UnauthenticatedError,
    UnknownCredentialError,
)
from heliograph.protocol.codes import Code, CodeTable, VendorError, legible
from heliograph.protocol.operations import Call, Operation, Reply, Request
from heliograph.protocol.reading import read

DATA_EXCEPTION = Code(1000, "the data cannot be read now", StoreError)
NO_DATA = Code(1001, "there is no data", NotFoundError)
ACCOUNT = Code(2000, "X-CA-AppId is missing", UnauthenticatedError)
INVALID_ACCOUNT = Code(2001, "there is no such application account", UnknownCredentialError)
NOT_AUTHORIZED = Code(2002, "the application account is disabled", DisabledCredentialError)
EXPIRED = Code(2003, "the application account is past its end", ExpiredCredentialError)
NO_PERMISSION = Code(2004, "the application account does not open this", ForbiddenError)
MONTH_SPENT = Code(2005, "the calls of the month are used up", SpentError)
TOKEN = Code(3000, "Authorization holds no token that can be read", UnauthenticatedError)
NO_TOKEN = Code(3001, "the request is not signed", UnauthenticatedError)
UNVERIFIED_TOKEN = Code(3002, "tokens of the former method open nothing; requests must be signed", UnauthenticatedError)
TOKEN_OVER = Code(3003, "the access token is past its end; requests must be signed", UnauthenticatedError)
REFRESH_OVER = Code(3004, "the refresh token is past its end; requests must be signed", UnauthenticatedError)
REQUEST = Code(4000, "the request cannot be taken", SignatureError)
PARAMETER = Code(4001, "a parameter is missing or wrong", BadRequestError)
FAILED = Code(5000, "the hub failed")
COMMUNICATION = Code(6000, "the request or the device was not reached whole", DeviceError)
RESTRICTED = Code(7000, "too many wrong signatures", TooFrequentError)
SERVER_FULL = Code(7001, "the account calls more often than the server takes", TooFrequentError)
TOO_MANY_REQUESTS = Code(7002, "called too often", TooFrequentError)
BUSY = Code(7003, "the server is busy", StoreBusyError)

CODES = CodeTable(
    [
        DATA_EXCEPTION, NO_DATA, ACCOUNT, INVALID_ACCOUNT, NOT_AUTHORIZED, EXPIRED, NO_PERMISSION, MONTH_SPENT, TOKEN,
        NO_TOKEN, UNVERIFIED_TOKEN, TOKEN_OVER, REFRESH_OVER, REQUEST, PARAMETER, FAILED, COMMUNICATION, RESTRICTED,
        SERVER_FULL, TOO_MANY_REQUESTS, BUSY,
    ],
    {
        BadRequestError: PARAMETER,
        TooLargeError: COMMUNICATION,
        UnauthenticatedError: REQUEST,
        ReplayError: REQUEST,
        UnknownCredentialError: INVALID_ACCOUNT,
        DisabledCredentialError: NOT_AUTHORIZED,
        ExpiredCredentialError: EXPIRED,
        ForbiddenError: NO_PERMISSION,
        NotFoundError: REQUEST,
        TooFrequentError: TOO_MANY_REQUESTS,
        DeviceError: COMMUNICATION,
        StoreError: DATA_EXCEPTION,
        StoreBusyError: BUSY,
    },
    fallback=FAILED,
)  # fmt: skip

_encode = msgspec.json.Encoder().encode
_LONGEST_REASON = 200


def refuse(code: Code, detail: str = "") -> VendorError:
    """The error that travels as this very code."""
    return VendorError(code, detail)


def decode_request(operation: Operation[Any, Any], request: Request) -> Any:  # any: the request of any operation
    """The parameters of a call, of path and query. Empty ones count as missing; a body is not read.

    The document calls `date_range` also `data_range`: both are taken.
    """
    given = dict(parse_qsl(request.query))
    if "data_range" in given:
        given.setdefault("date_range", given["data_range"])
    return msgspec.convert({**given, **request.path_params}, operation.request)


class ApsystemsEnvelope:
    """`data` and `code` around every result, `code` alone for an error."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        return Reply(_encode(result))

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error."""
        code = CODES.code(error)
        reason = (str(error) or code.text)[:_LONGEST_REASON].encode("ascii", "replace").decode()
        headers = {"x-ca-error-message": "".join(each if each.isprintable() else " " for each in reason)}
        limit = error if isinstance(error, TooFrequentError) else error.__cause__
        if isinstance(limit, TooFrequentError):
            headers["retry-after"] = str(max(math.ceil(limit.retry_after_s), 1))
        return Reply(_encode(Answer(int(code.value))), headers=headers)

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """The result of an answer. Raises the error of its code, DeviceError for anything that is no answer."""
        with legible(operation.name, status):
            answer = read(body, Answer)
            if answer.code == 0:
                return read(body, operation.result)
        raise CODES.error(answer.code)
