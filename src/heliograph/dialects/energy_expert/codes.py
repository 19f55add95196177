"""Error codes, and how answers are wrapped."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from heliograph import errors as e
from heliograph.dialects.energy_expert.wire import Failure
from heliograph.protocol.codes import Code, CodeTable, VendorError, legible
from heliograph.protocol.operations import Call, Operation, Reply, Request
from heliograph.protocol.reading import read

# The codes every interface of this cloud shares; the document only refers to their list.
MISSING = Code("MissingParameter", "a parameter is missing", e.MissingFieldError, 400)
INVALID = Code("InvalidParameter", "a parameter is not valid", e.BadRequestError, 400)
UNKNOWN_KEY = Code("InvalidAccessKeyId.NotFound", "the access key is not found", e.UnknownCredentialError, 404)
INACTIVE_KEY = Code("InvalidAccessKeyId.Inactive", "the access key is disabled", e.DisabledCredentialError, 403)
MISMATCH = Code("SignatureDoesNotMatch", "the signature does not match", e.SignatureError, 403)
INCOMPLETE = Code("IncompleteSignature", "the request is not signed completely", e.UnauthenticatedError, 400)
EXPIRED = Code("InvalidTimeStamp.Expired", "the time of the signature is more than 15 minutes off", e.ReplayError, 400)
REPLAYED = Code("SignatureNonceUsed", "the nonce was used before", e.ReplayError, 400)
THROTTLED = Code("Throttling.User", "called too often", e.TooFrequentError, 429)
FORBIDDEN = Code("Forbidden.RAM", "the access key may not do this", e.ForbiddenError, 403)
NO_API = Code("InvalidAction.NotFound", "there is no such operation", e.NotFoundError, 404)
UNAVAILABLE = Code("ServiceUnavailable", "the hub cannot keep data now; try again", e.StoreError, 503)
INTERNAL = Code("InternalError", "the hub failed", e.HubError, 500)
TOO_LARGE = Code("InvalidParameter", "the body is too large", e.TooLargeError, 413)

CODES = CodeTable(
    (MISSING, INVALID, UNKNOWN_KEY, INACTIVE_KEY, MISMATCH, INCOMPLETE, EXPIRED, REPLAYED, THROTTLED, FORBIDDEN,
     NO_API, UNAVAILABLE, INTERNAL),
    {
        e.MissingFieldError: MISSING, e.TooLargeError: TOO_LARGE, e.BadRequestError: INVALID,
        e.UnknownDeviceError: INVALID, e.UnknownCredentialError: UNKNOWN_KEY, e.DisabledCredentialError: INACTIVE_KEY,
        e.ExpiredCredentialError: INACTIVE_KEY, e.SignatureError: MISMATCH, e.ReplayError: REPLAYED,
        e.UnauthenticatedError: INCOMPLETE, e.TooFrequentError: THROTTLED, e.ForbiddenError: FORBIDDEN,
        e.NotFoundError: NO_API, e.StoreError: UNAVAILABLE,
    },
    INTERNAL,
)  # fmt: skip

SUCCESS = "success"
"""The `data` of a push that was taken."""
_FAMILIES: dict[str, type[e.HubError]] = {
    "Throttling": e.TooFrequentError, "Forbidden": e.ForbiddenError, "NoPermission": e.ForbiddenError,
    "InvalidAccessKeyId": e.UnauthenticatedError, "InvalidSecurityToken": e.UnauthenticatedError,
    "InvalidTimeStamp": e.ReplayError, "InvalidParameter": e.BadRequestError,
}  # fmt: skip
"""The errors of codes that go on after a point, as this cloud's do."""
_STATUSES: dict[int, type[e.HubError]] = {
    400: e.BadRequestError, 401: e.UnauthenticatedError, 403: e.ForbiddenError, 404: e.NotFoundError,
    429: e.TooFrequentError,
}  # fmt: skip
_ENCODER = msgspec.json.Encoder()


def request_id(request: Request) -> str:
    """The number of a request in the form the document prints."""
    h = request.request_id.upper()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


class EnergyExpertEnvelope:
    """Results bare, errors as `Code`, `Message`, `RequestId` with a status of 400 and above."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: the contract of protocol.dialect
        """The result as it is, with the request's number in a header too."""
        return Reply(_ENCODER.encode(result), headers={"x-acs-request-id": request_id(call.http)})

    def failure(self, error: e.HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """The code for an error and what is wrong, naming device and point."""
        del operation, now_ms
        code = CODES.code(error)
        number = request_id(request)
        message = str(error) or code.text
        headers = {"x-acs-request-id": number}
        if isinstance(error, e.TooFrequentError):
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        return Reply(_ENCODER.encode(Failure(str(code.value), message, number)), code.status, headers)

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: the contract
        """The result, or the error a code stands for; DeviceError for what is no answer or no success."""
        with legible(operation.name, status):
            if status < 400:
                result = read(body, operation.result)
            else:
                failure = read(body, Failure)
                raise _error(failure, status)
        if result.data.lower() != SUCCESS:
            raise e.RefusedError(f"{operation.name} was answered with {result.data[:80]!r}", code=result.data[:80])
        return result


def _error(failure: Failure, status: int) -> e.HubError:
    """The error of a code; of one that is not listed by its first word, as in `Throttling.Api`, else by the status."""
    words = failure.code.partition(".")[0]
    listed = CODES.by_value.get(failure.code)
    kind = listed.error if listed else _FAMILIES.get(words) or _STATUSES.get(status, e.HubError)
    if listed is None and kind is e.HubError and status >= 500:
        kind = e.DeviceError
    return VendorError(listed or Code(failure.code, failure.message, kind, status), failure.message)


ENVELOPE = EnergyExpertEnvelope()
