"""Refusals as HTTP statuses and problem documents, and what they stand for on the way back."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from heliograph import errors as e
from heliograph.dialects.native.wire import Problem, WrongRecord
from heliograph.protocol.codes import Code, CodeTable, VendorError
from heliograph.protocol.operations import Call, Operation, Reply, Request

TYPE_PREFIX = "urn:heliograph:problem:"
CODES = (
    Code("bad-request", "The request does not say what it must", e.BadRequestError, 400),
    Code("missing-field", "Something required is absent", e.MissingFieldError, 400),
    Code("wrong-records", "Some of the records cannot be", e.RecordsError, 400),
    Code("unauthenticated", "No valid token", e.UnauthenticatedError, 401),
    Code("disabled", "The token is disabled", e.DisabledCredentialError, 401),
    Code("expired", "The token is past its end", e.ExpiredCredentialError, 401),
    Code("forbidden", "The token does not allow this", e.ForbiddenError, 403),
    Code("not-found", "There is no such thing", e.NotFoundError, 404),
    Code("unknown-plant", "There is no such plant", e.UnknownPlantError, 404),
    Code("unknown-device", "There is no such device", e.UnknownDeviceError, 404),
    Code("conflict", "It contradicts what is there", e.ConflictError, 409),
    Code("firmware-file", "The file of the firmware package cannot be used", e.DeviceFileError, 409),
    Code("unsupported", "The device cannot do this, or cannot be told", e.UnsupportedError, 422),
    Code("too-large", "The body is too large", e.TooLargeError, 413),
    Code("too-frequent", "Called too often", e.TooFrequentError, 429),
    Code("failed", "The hub failed", e.HubError, 500),
    Code("refused", "The device answered no", e.RefusedError, 502),
    Code("unreachable", "The device cannot be reached", e.UnreachableError, 502),
    Code("outcome-unknown", "The device gave no answer", e.OutcomeUnknownError, 504),
    Code("store", "Nothing can be kept or read now", e.StoreError, 503),
    Code("store-busy", "Another process holds the database", e.StoreBusyError, 503),
    Code("store-full", "No room is left on the disk", e.StoreFullError, 507),
)
TABLE = CodeTable(CODES, {code.error: code for code in CODES}, next(code for code in CODES if code.error is e.HubError))
CHALLENGE = 'Bearer realm="heliograph"'


class ProblemEnvelope:
    """Results travel bare; errors as `application/problem+json`."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """The result as JSON."""
        return Reply(msgspec.json.encode(result))

    def failure(self, error: e.HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """The problem document of an error, with the headers that go with its status."""
        code = TABLE.code(error)
        retry_after_s = getattr(error, "retry_after_s", None)
        problem = Problem(
            type=f"{TYPE_PREFIX}{code.value}",
            title=code.text,
            status=code.status,
            detail=str(error) or code.text,
            field=getattr(error, "field", ""),
            device=getattr(error, "device", ""),
            retry_after_s=retry_after_s,
            request_id=request.request_id,
            records=[WrongRecord(*wrong) for wrong in getattr(error, "problems", ())],
        )
        headers: dict[str, str] = {}
        if code.status == 401:
            headers["WWW-Authenticate"] = CHALLENGE
        if retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
        return Reply(msgspec.json.encode(problem), code.status, headers, "application/problem+json")

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """The result of a call made to another hub. Raises the error that its problem document stands for."""
        if status < 400:
            return msgspec.json.decode(body, type=operation.result)
        try:
            problem = msgspec.json.decode(body, type=Problem)
        except msgspec.DecodeError:
            raise e.HubError(f"status {status} without a problem document") from None
        raise _error(problem)


def _error(problem: Problem) -> e.HubError:
    """The error a problem document stands for."""
    found = TABLE.error(problem.type.removeprefix(TYPE_PREFIX), problem.detail)
    if not isinstance(found, VendorError):
        return found
    kind = found.code.error
    if issubclass(kind, e.RecordsError):
        if problem.records:
            return kind([e.Problem(wrong.place, wrong.field, wrong.message, wrong.group) for wrong in problem.records])
        kind = e.BadRequestError
    if issubclass(kind, e.BadRequestError):
        return kind(problem.detail, field=problem.field, device=problem.device)
    if issubclass(kind, e.TooFrequentError):
        return kind(problem.detail, retry_after_s=problem.retry_after_s or 0.0)
    if issubclass(kind, e.UnknownDeviceError):
        return kind(problem.detail, device=problem.device)
    return kind(problem.detail)
