"""A client of the facade without HTTP: what the serving layer does with a request, in a few lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from heliograph.dialects.huawei import DIALECT
from heliograph.dialects.huawei.lookup import mint_device, mint_plant
from heliograph.errors import HubError
from heliograph.protocol.operations import Call, Reply, Request

if TYPE_CHECKING:
    from heliograph.model.devices import Device
    from heliograph.model.plants import Plant
    from tests.dialects.huawei.fake_hub import FakeHub


def code(*plants: Plant) -> str:
    """The `stationCodes` of plants."""
    return ",".join(mint_plant(plant.id, 0) for plant in plants)


def number(device: Device) -> int:
    """The `devId` of a device."""
    return int(mint_device(device.id, 0))


def numbers(*devices: Device) -> str:
    """The `devIds` of devices."""
    return ",".join(str(number(device)) for device in devices)


class Client:
    """Calls a facade by operation name and keeps the session's token."""

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        self.facade = DIALECT.serve(hub)
        self.handlers = {handler.operation.name: handler for handler in self.facade.handlers}
        self.headers: dict[str, str] = {}
        self.peer = "192.0.2.1"

    async def reply(self, name: str, body: object = None, *, raw: bytes | None = None) -> Reply:
        """The reply to a call; `raw` is sent as it is."""
        handler = self.handlers[name]
        operation = handler.operation
        sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        request = Request("POST", operation.path, "", self.headers, sent, sent, peer=self.peer)
        try:
            identity = await self.facade.authenticate(self.hub, operation, request)
            assert DIALECT.decode is not None
            query = DIALECT.decode(operation, request)
            call = Call(self.hub, operation, query, request, identity.caller, identity.once, self.hub.wall)
            result = await handler.answer(call)
            return result if isinstance(result, Reply) else DIALECT.envelope.success(result, call)
        except HubError as error:
            return DIALECT.envelope.failure(error, operation, request, self.hub.wall.now_ms())

    async def call(self, name: str, body: object = None, *, raw: bytes | None = None) -> dict[str, Any]:
        """The answer to a call, read as JSON, and never anything but HTTP 200."""
        reply = await self.reply(name, body, raw=raw)
        assert reply.status == 200
        assert reply.content_type == "application/json"
        answer: dict[str, Any] = json.loads(await whole(reply))
        return answer

    async def login(self, name: str = "admin4", password: str = "Admin@1234") -> str:
        """Open a session and carry its token from now on."""
        reply = await self.reply("login", {"userName": name, "systemCode": password})
        token = reply.headers["xsrf-token"]
        self.headers = {"xsrf-token": token}
        return token


async def whole(reply: Reply) -> bytes:
    """The body of a reply, pieces joined."""
    return reply.body if isinstance(reply.body, bytes) else b"".join([piece async for piece in reply.body])
