"""Calls made to the facade over a fake hub, in the order in which a server would make them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.dialects.native import DIALECT
from heliograph.errors import HubError, NotFoundError
from heliograph.model.access import Caller
from heliograph.protocol.operations import Call, Handler, Identity, Reply, Request

if TYPE_CHECKING:
    from tests.dialects.native.fake_hub import FakeHub

Json = Any  # any: JSON of any shape


class Answer(msgspec.Struct):
    """A reply whose body has been read to its end."""

    status: int
    headers: dict[str, str]
    content_type: str
    body: bytes
    pieces: int = 1

    @property
    def json(self) -> Json:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class Api:
    """The facade over `hub`; every call bears the token of `name` unless told otherwise."""

    def __init__(self, hub: FakeHub, name: str = "all") -> None:
        self.hub = hub
        self.name = name
        self.facade = DIALECT.serve(hub)

    async def get(self, path: str, query: str = "", **headers: str) -> Answer:
        """GET a path under the prefix."""
        return await self.send("GET", path, query, b"", headers)

    async def post(self, path: str, body: Json, **headers: str) -> Answer:
        """POST JSON, or bytes as they are, to a path under the prefix."""
        return await self.send("POST", path, "", _bytes(body), headers)

    async def put(self, path: str, body: Json) -> Answer:
        """PUT JSON to a path under the prefix."""
        return await self.send("PUT", path, "", _bytes(body), {})

    async def send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Make a call, and turn an error into its reply. Header names are given with underscores."""
        token = f"Bearer hg_{self.name}_secret-of-{self.name.replace('_', '-')}"
        named = {"authorization": token, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = Request(method, f"/api/v1{path}", query, named, body, body, request_id="r-1")
        handler = self._handler(request)
        try:
            reply = await self._answer(handler, request)
        except HubError as error:
            operation = None if handler is None else handler.operation
            reply = DIALECT.envelope.failure(error, operation, request, self.hub.wall.now_ms())
        return await read(reply)

    def _handler(self, request: Request) -> Handler | None:
        for handler in self.facade.handlers:
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", handler.operation.path), request.path)
            if match is not None and handler.operation.method == request.method:
                request.path_params = match.groupdict()
                return handler
        return None

    async def _answer(self, handler: Handler | None, request: Request) -> Reply:
        if handler is None or DIALECT.decode is None:
            raise NotFoundError("there is no such path")
        operation = handler.operation
        identity = Identity(Caller(0, 0))
        if not operation.public:
            identity = await self.facade.authenticate(self.hub, operation, request)
        decoded = DIALECT.decode(operation, request)
        call = Call(self.hub, operation, decoded, request, identity.caller, identity.once, self.hub.wall)
        result = await handler.answer(call)
        if isinstance(result, Reply):
            return result
        assert isinstance(result, operation.result)
        return DIALECT.envelope.success(result, call)


async def read(reply: Reply) -> Answer:
    """The whole of a reply."""
    body = reply.body
    pieces = [body] if isinstance(body, bytes) else [piece async for piece in body]
    return Answer(reply.status, reply.headers, reply.content_type, b"".join(pieces), len(pieces))


def _bytes(body: Json) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)
