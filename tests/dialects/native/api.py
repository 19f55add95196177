"""Calls made over HTTP, in process, to the facade over a fake hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from heliograph.dialects.native import DIALECT
from heliograph.protocol.hub import Hub
from heliograph.protocol.limits import Limiter
from heliograph.protocol.operations import Reply
from heliograph.protocol.serving import routes

Json = Any  # any: JSON of any shape
MAX_BODY = 1_000_000


class Answer(msgspec.Struct):
    """A reply whose body has been read to its end."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    body: bytes
    pieces: int = 1

    @property
    def json(self) -> Json:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    @property
    def problem(self) -> Json:
        """The body of a refusal, without the number that each request has of its own."""
        assert self.content_type == "application/problem+json"
        told = self.json
        assert len(told.pop("request_id")) == 32
        return told


class Api:
    """The facade over `hub`; every call bears the token of `name` unless told otherwise."""

    def __init__(self, hub: Hub, name: str = "all") -> None:
        made = routes([DIALECT], hub, Limiter(hub.wall), MAX_BODY)
        self._app = Starlette(routes=made)
        self._pieces = 0
        transport = httpx.ASGITransport(app=self._counted)
        token = f"Bearer hg_{name}_secret-of-{name.replace('_', '-')}"
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://hub/api/v1/", headers={"authorization": token}
        )

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, with the pieces of its answers counted: the client joins them."""
        self._pieces = 0

        async def count(message: Message) -> None:
            self._pieces += message["type"] == "http.response.body"
            await send(message)

        await self._app(scope, receive, count)

    async def get(self, path: str, query: str = "", **headers: str) -> Answer:
        """GET a path under the prefix."""
        return await self.send("GET", f"{path}?{query}" if query else path, b"", headers)

    async def post(self, path: str, body: Json, **headers: str) -> Answer:
        """POST JSON, or bytes as they are, to a path under the prefix."""
        return await self.send("POST", path, _bytes(body), headers)

    async def put(self, path: str, body: Json) -> Answer:
        """PUT JSON to a path under the prefix."""
        return await self.send("PUT", path, _bytes(body), {})

    async def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Make a call. Header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers_sent = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        async with self._client.stream(method, path.lstrip("/"), content=body, headers=headers_sent) as reply:
            pieces = [piece async for piece in reply.aiter_raw()]
        content_type = reply.headers.get("content-type", "")
        return Answer(reply.status_code, reply.headers, content_type, b"".join(pieces), self._pieces)


async def read(reply: Reply) -> Answer:
    """The whole of a reply that was not sent."""
    body = reply.body
    pieces = [body] if isinstance(body, bytes) else [piece async for piece in body]
    return Answer(reply.status, reply.headers, reply.content_type, b"".join(pieces), len(pieces))


def _bytes(body: Json) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)
