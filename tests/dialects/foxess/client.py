"""A client of the facade without HTTP: what the serving layer does with a request, in a few lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from heliograph.dialects.foxess import DIALECT
from heliograph.dialects.foxess.auth import sign
from heliograph.errors import ForbiddenError, HubError
from heliograph.protocol.operations import Call, Reply, Request
from tests.dialects.foxess.fake_hub import SECRET

if TYPE_CHECKING:
    from tests.dialects.foxess.fake_hub import FakeHub


class Client:
    """Calls a facade by operation name, signed with a private token."""

    def __init__(self, hub: FakeHub, name: str = "home", lang: str = "en") -> None:
        self.hub = hub
        self.token = f"{name}-{SECRET}"
        self.lang = lang
        self.facade = DIALECT.serve(hub)
        self.handlers = {handler.operation.name: handler for handler in self.facade.handlers}

    def headers(self, path: str) -> dict[str, str]:
        """The headers of a request at this moment."""
        timestamp = str(self.hub.wall.now_ms())
        return {
            "token": self.token,
            "timestamp": timestamp,
            "signature": sign(path, self.token, timestamp),
            "lang": self.lang,
        }

    async def reply(
        self, name: str, body: object = None, *, raw: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """The reply to a call; `raw` is sent as it is."""
        handler = self.handlers[name]
        operation = handler.operation
        query = urlencode(body) if operation.method == "GET" and isinstance(body, dict) else ""
        sent = raw if raw is not None else b"" if body is None or query else json.dumps(body).encode()
        given = self.headers(operation.path) if headers is None else headers
        request = Request(operation.method, operation.path, query, given, sent, sent)
        try:
            identity = await self.facade.authenticate(self.hub, operation, request)
            if not operation.public and operation.scope not in identity.caller.scopes:
                raise ForbiddenError(f"this needs the scope {operation.scope}")
            assert DIALECT.decode is not None
            asked = DIALECT.decode(operation, request)
            call = Call(self.hub, operation, asked, request, identity.caller, identity.once, self.hub.wall)
            result = await handler.answer(call)
            return result if isinstance(result, Reply) else DIALECT.envelope.success(result, call)
        except HubError as error:
            return DIALECT.envelope.failure(error, operation, request, self.hub.wall.now_ms())

    async def call(
        self, name: str, body: object = None, *, raw: bytes | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer to a call, read as JSON, and never anything but HTTP 200."""
        reply = await self.reply(name, body, raw=raw, headers=headers)
        assert reply.status == 200
        assert reply.content_type == "application/json"
        assert isinstance(reply.body, bytes)
        answer: dict[str, Any] = json.loads(reply.body)
        assert list(answer) == ["errno", "msg", "result"]
        # What succeeds is read again by the client half, and comes out as it was.
        if answer["errno"] == 0:
            assert answer["msg"] == "success"
            opened = DIALECT.envelope.open(self.handlers[name].operation, 200, reply.body)
            assert json.loads(msgspec.json.encode(opened.result)) == answer["result"]
        return answer

    async def result(self, name: str, body: object = None) -> Any:  # any: what the test goes on to read
        """The result of a call that succeeds."""
        answer = await self.call(name, body)
        assert answer["errno"] == 0, answer
        return answer["result"]

    async def errno(self, name: str, body: object = None, *, raw: bytes | None = None) -> int:
        """The code of a call."""
        code: int = (await self.call(name, body, raw=raw))["errno"]
        return code
