"""Statuses, and how answers are wrapped. The texts are the printed ones; `Errors` tells what is wrong, and where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from heliograph import errors as e
from heliograph.dialects.redex.wire import Answer, Detail
from heliograph.protocol.codes import Code, CodeTable, VendorError
from heliograph.protocol.operations import Call, Operation, Reply, Request
from heliograph.protocol.reading import convert, read

BAD_REQUEST = Code(400, "Bad Request", e.BadRequestError, 400)
UNAUTHORIZED = Code(401, "Unauthorized", e.UnauthenticatedError, 401)
FORBIDDEN = Code(403, "Forbidden", e.ForbiddenError, 403)
NOT_FOUND = Code(404, "Not Found", e.NotFoundError, 404)
TOO_LARGE = Code(413, "Content Too Large", e.TooLargeError, 413)
UNPROCESSABLE = Code(422, "Unprocessable Entity", e.RecordsError, 422)
TOO_MANY = Code(429, "Too Many Requests", e.TooFrequentError, 429)
INTERNAL = Code(500, "Internal Server Error", e.HubError, 500)
UNAVAILABLE = Code(503, "Service Unavailable", e.StoreError, 503)

CODES = CodeTable(
    (BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_LARGE, UNPROCESSABLE, TOO_MANY, INTERNAL, UNAVAILABLE),
    {
        e.BadRequestError: BAD_REQUEST, e.TooLargeError: TOO_LARGE, e.RecordsError: UNPROCESSABLE,
        e.UnauthenticatedError: UNAUTHORIZED, e.ForbiddenError: FORBIDDEN, e.UnknownDeviceError: FORBIDDEN,
        e.NotFoundError: NOT_FOUND, e.TooFrequentError: TOO_MANY, e.StoreError: UNAVAILABLE,
    },
    INTERNAL,
)  # fmt: skip

BODY = "Body"
"""The `Key` of what is wrong with a body as a whole."""
AUTHORIZATION = "Authorization"
_KEYS = {BAD_REQUEST: BODY, TOO_LARGE: BODY, UNAUTHORIZED: AUTHORIZATION, FORBIDDEN: AUTHORIZATION}

_encode = msgspec.json.Encoder().encode


class DetailedError(VendorError):
    """An error of which the `Errors` are known one by one."""

    def __init__(self, code: Code, details: Sequence[Detail]) -> None:
        first, more = details[0], len(details) - 1
        super().__init__(code, f"{first.key}: {first.message}" + (f" (and {more} more)" if more else ""))
        self.details = tuple(details)


def refuse(code: Code, key: str, message: str) -> DetailedError:
    """The error of one place in the request."""
    return DetailedError(code, [Detail(key, message)])


class RedexEnvelope:
    """`Data`, `Errors`, `Meta`, `StatusCode` and `Message` around every result and error; the HTTP status agrees."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        del call
        return Reply(_encode(Answer(result, None, None, 200, "Success")))

    def failure(self, error: e.HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error, with each place in the request that is wrong."""
        del operation, request, now_ms
        code = CODES.code(error)
        answer = Answer(None, _details(error, code), None, code.status, code.text)
        headers = {}
        if isinstance(error, e.TooFrequentError):
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        return Reply(_encode(answer), code.status, headers)

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """The result, or the error that a status stands for; one example of the document is no JSON."""
        try:
            answer = read(body, Answer)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            if status < 400 or status not in CODES.by_value:
                raise e.DeviceError(f"{operation.name}: HTTP {status} and no answer that can be read") from error
            raise CODES.error(status) from error
        if status >= 400 or answer.status_code >= 400:
            told = [f"{one.key}: {one.message}" for one in answer.errors or ()]
            raise CODES.error(max(status, answer.status_code), "; ".join(told) or answer.message)
        try:
            return convert(answer.data, operation.result)
        except msgspec.ValidationError as error:
            raise e.DeviceError(f"{operation.name}: an answer without the result: {error}") from error


def _details(error: e.HubError, code: Code) -> list[Detail] | None:
    if isinstance(error, DetailedError):
        return list(error.details)
    key = getattr(error, "field", "") or _KEYS.get(code)
    return [Detail(key, str(error))] if key else None


ENVELOPE = RedexEnvelope()
