"""The client half over HTTP: the same operations a facade serves, called at another server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec

from heliograph.clock import Clock, WallClock
from heliograph.errors import OutcomeUnknownError, UnreachableError
from heliograph.protocol.dialect import Envelope
from heliograph.protocol.limits import Limiter
from heliograph.protocol.operations import Operation

Q = TypeVar("Q", bound=msgspec.Struct)
R = TypeVar("R")
_ENCODER = msgspec.json.Encoder()


class Sign(Protocol):
    """Signs a request: gets what will be sent and returns the headers to add."""

    def __call__(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers that prove who calls."""
        ...


class Client:
    """Calls operations of one dialect at one server, paced by the limits that its operations declare."""

    def __init__(
        self, base_url: str, envelope: Envelope, sign: Sign, http: httpx.AsyncClient, wall: Clock | None = None
    ) -> None:
        self._base_url, self._envelope, self._sign, self._http = base_url.rstrip("/"), envelope, sign, http
        self._limiter = Limiter(wall or WallClock())
        self._turn = asyncio.Lock()

    async def call(self, operation: Operation[Q, R], request: Q) -> R:
        """Call an operation, waiting first until its limit allows.

        Raises the HubError that the other side's answer stands for, UnreachableError when nothing was sent,
        OutcomeUnknownError when it was and no answer came.
        """
        await self._pace(operation)
        path, query, body = locate(operation, request)
        headers = {"content-type": "application/json", "host": httpx.URL(self._base_url).netloc.decode()}
        headers.update(self._sign(operation.method, path, query, headers, body))
        url = f"{self._base_url}{path}" + (f"?{query}" if query else "")
        try:
            answer = await self._http.request(operation.method, url, content=body or None, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(f"{operation.name}: the server was not reached") from error
        except httpx.TransportError as error:
            raise OutcomeUnknownError(f"{operation.name}: no answer came") from error
        return cast("R", self._envelope.open(operation, answer.status_code, answer.content))

    async def call_chunked(self, operation: Operation[Q, R], request: Q) -> AsyncIterator[R]:
        """Call an operation as often as its chunk makes necessary, with a part of the long field each time."""
        chunk = operation.chunk
        entries: Sequence[Any] = getattr(request, chunk.field) if chunk else ()
        if chunk is None or len(entries) <= chunk.size:
            yield await self.call(operation, request)
            return
        for start in range(0, len(entries), chunk.size):
            part = {chunk.field: entries[start : start + chunk.size]}
            yield await self.call(operation, msgspec.structs.replace(request, **part))

    async def _pace(self, operation: Operation[Any, Any]) -> None:
        if operation.limit is None:
            return
        key = (0, operation.name if operation.limit.scope == "operation" else "")
        async with self._turn:
            wait_s = self._limiter.wait_s(operation.limit, key)
            if wait_s > 0:
                await asyncio.sleep(wait_s + 0.001)
            self._limiter.take(operation.limit, key)


def locate(operation: Operation[Q, Any], request: Q) -> tuple[str, str, bytes]:
    """Path, query and body of a request: path parameters by name, the rest in the query of a GET or in the body."""
    fields = cast("dict[str, Any]", msgspec.to_builtins(request))
    path = operation.path
    for name in list(fields):
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(str(fields.pop(name)), safe=""))
    if operation.method == "GET":
        pairs = [f"{quote(name)}={quote(_text(value), safe='')}" for name, value in fields.items() if value is not None]
        return path, "&".join(pairs), b""
    return path, "", _ENCODER.encode(fields)


def _text(value: object) -> str:
    """A value as a query carries it: lists with commas between, booleans in JSON's words."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


@asynccontextmanager
async def connect(
    base_url: str, envelope: Envelope, sign: Sign, *, timeout_s: float = 30.0, wall: Clock | None = None
) -> AsyncIterator[Client]:
    """A client with its own connections, closed at the end."""
    async with httpx.AsyncClient(timeout=timeout_s) as http:
        yield Client(base_url, envelope, sign, http, wall)
