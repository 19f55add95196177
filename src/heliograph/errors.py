"""The errors of the hub, one tree.

```
HubError
  RequestError               the caller can mend it
    BadRequestError          the request does not say what it must; `field` names the place
      MissingFieldError      something required is absent
      TooLargeError          the body, or what it unpacks to, is over the limit
      LateBodyError          the body was not whole in time
      RecordsError           some of its records are wrong; `problems` names each
    UnauthenticatedError     who calls is not known: no credential, a wrong signature, an ended session
      UnknownCredentialError the key or user does not exist
      SignatureError         the signature does not match
      ReplayError            the same signed request was seen before, or it is too old
      SessionError           there is no such session, or it has ended
      DisabledCredentialError
      ExpiredCredentialError
    ForbiddenError           known, but not allowed to do this
    NotFoundError            no such thing for this caller; unknown and forbidden look the same
      UnknownPlantError, UnknownDeviceError
      DeviceFileError        the file of a firmware package is missing or changed
    TooFrequentError         over the limit; `retry_after_s` says when to come back
      SpentError             the budget of a day or a month is used up
    ConflictError            it contradicts what is there
    UnsupportedError         the device cannot do this, or nothing connects the hub to it
  DeviceError                the device or its cloud
    RefusedError             it answered no
    UnreachableError         nothing was sent
    OutcomeUnknownError      it was sent, and no answer came
  StoreError                 the hub cannot keep or read data now; nothing was acknowledged
    StoreBusyError           another process holds the database
    StoreFullError           no room left on the disk
  ConfigError                a setting is unusable; the text says what to do
```
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class HubError(Exception):
    """Anything the hub refuses or fails at. `str(error)` is fit for a caller: no secret, no path."""


class RequestError(HubError):
    """The caller can mend the request."""


class BadRequestError(RequestError):
    """The request does not say what it must.

    `field` is the place in the request, for example `devices[3].data.P`; `device` the wire id it concerns.
    """

    def __init__(self, message: str, *, field: str = "", device: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.device = device


class MissingFieldError(BadRequestError):
    """Something required is absent."""


class TooLargeError(BadRequestError):
    """The body, or what it unpacks to, is over the limit."""


class LateBodyError(BadRequestError):
    """The body was not whole in time; sent faster, the same request may succeed."""


class Problem(NamedTuple):
    """What is wrong with one record: its place in its list from 0, the field, and why."""

    place: int
    field: str
    message: str
    group: int = 0
    """Which of several lists the record stands in, from 0."""


class RecordsError(BadRequestError):
    """Some of the request's records are wrong; nothing of it was kept."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first, more = problems[0], len(problems) - 1
        super().__init__(f"record {first.place}: {first.message}" + (f" (and {more} more)" if more else ""))
        self.problems = tuple(problems)


class UnauthenticatedError(RequestError):
    """Who calls is not known."""


class UnknownCredentialError(UnauthenticatedError):
    """No credential has this key or name."""


class SignatureError(UnauthenticatedError):
    """The signature or password does not match."""


class ReplayError(UnauthenticatedError):
    """The same signed request was seen before, or its time is outside the window."""


class SessionError(UnauthenticatedError):
    """There is no such session, or it has ended."""


class DisabledCredentialError(UnauthenticatedError):
    """The credential is disabled."""


class ExpiredCredentialError(UnauthenticatedError):
    """The credential is past its end."""


class ForbiddenError(RequestError):
    """The caller is known, but may not do this."""


class NotFoundError(RequestError):
    """There is no such thing for this caller."""


class UnknownPlantError(NotFoundError):
    """No plant of this id is visible to the caller."""


class UnknownDeviceError(NotFoundError):
    """No device of this id is visible to the caller. `device` is the wire id."""

    def __init__(self, message: str, *, device: str = "") -> None:
        super().__init__(message)
        self.device = device


class TooFrequentError(RequestError):
    """The limit is spent. `retry_after_s` is the time until the next call is answered. [s]"""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SpentError(TooFrequentError):
    """The budget of a day or a month is used up: coming back in a moment changes nothing."""


class ConflictError(RequestError):
    """It contradicts what is there, for example a name that is taken."""


class DeviceFileError(NotFoundError):
    """The file of a firmware package is missing, or is not what was added."""


class UnsupportedError(RequestError):
    """The device cannot do this, or nothing connects the hub to it."""


class DeviceError(HubError):
    """The device, or the cloud behind which it stands, failed."""


class RefusedError(DeviceError):
    """It answered no. `code` is its own word for why."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(DeviceError):
    """Nothing was sent, so trying again is safe."""


class OutcomeUnknownError(DeviceError):
    """It was sent and no answer came: only a read-back tells."""

    retry_after_s: float = 0.0
    """When to come back, as far as something between here and there said so; 0 where nothing did. [s]"""


class StoreError(HubError):
    """The hub cannot keep or read data now. Nothing of the request was acknowledged or kept."""


class StoreBusyError(StoreError):
    """Another process holds the database. Trying again is safe."""


class StoreFullError(StoreError):
    """No room is left on the disk. Trying again is safe once there is."""


class ConfigError(HubError):
    """A setting is unusable; the text says what to do."""
