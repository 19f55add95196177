"""Operations: one call of a vendor's interface, declared once for both halves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec

from heliograph.clock import Clock
from heliograph.model.access import Caller
from heliograph.protocol.hub import Hub, Once

Q = TypeVar("Q")
R = TypeVar("R")


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` in any `per_s` seconds, for each operation of a credential, for the whole credential, or for
    all credentials that an account has of the dialect.

    A `fixed` window starts with a call after the one before is over; otherwise the window slides.
    """

    calls: int
    per_s: float
    scope: Literal["operation", "credential", "account"] = "operation"
    fixed: bool = False


class Chunk(msgspec.Struct, frozen=True):
    """At most `size` entries of the request's `field` in one call; the client half splits, the server half refuses."""

    field: str
    size: int


class Operation(msgspec.Struct, Generic[Q, R], frozen=True, kw_only=True):
    """A call: where it stands, what it takes and gives, how often it may come, and where the document says so.

    `request` and `result` are msgspec Structs; `cite` names document and section. `public` calls need no credential.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    request: type[Q]
    result: type[R]
    cite: str
    scope: str = "read"
    limit: Limit | None = None
    chunk: Chunk | None = None
    public: bool = False
    summary: str = ""


class Request(msgspec.Struct):
    """An HTTP request as the server half hands it on: header names in lower case, the body as sent but unpacked."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    raw_body: bytes
    path_params: dict[str, str] = {}
    request_id: str = ""
    peer: str = ""
    """The address that the connection comes from."""
    raw_path: str = ""
    """The path as sent, percent-encoded; signatures may cover it."""


class Reply(msgspec.Struct):
    """An HTTP answer; a body that is an iterator is sent piece by piece."""

    body: bytes | AsyncGenerator[bytes, None]
    status: int = 200
    headers: dict[str, str] = {}
    content_type: str = "application/json"


class Identity(msgspec.Struct, frozen=True):
    """Who calls, and the mark that keeps the same signed request from counting twice."""

    caller: Caller
    once: Once | None = None


class Call(msgspec.Struct, Generic[Q]):
    """One call at work: what a handler is given."""

    hub: Hub
    operation: Operation[Any, Any]  # any: a list of handlers holds operations of all kinds
    request: Q
    http: Request
    caller: Caller
    once: Once | None
    wall: Clock

    @property
    def now_ms(self) -> int:
        """The plant clock's present. [ms since 1970, UTC]"""
        return self.hub.clock.now_ms()


class Handler(msgspec.Struct, frozen=True):
    """An operation and the function that answers it: with its result, or with a whole Reply."""

    operation: Operation[Any, Any]  # any: see Call
    answer: Callable[[Call[Any]], Awaitable[Any]]


def handle(operation: Operation[Q, R], answer: Callable[[Call[Q]], Awaitable[R | Reply]]) -> Handler:
    """Bind a function to an operation; the types of both must agree."""
    return Handler(operation, answer)
