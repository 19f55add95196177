"""A client of the served dialect: signs as the document says and reads answers through the ASGI application."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import msgspec
from starlette.applications import Starlette

from heliograph.dialects.apsystems import DIALECT
from heliograph.dialects.apsystems.auth import sign
from heliograph.dialects.apsystems.codes import CODES
from heliograph.dialects.apsystems.operations import OPERATIONS, PREFIX
from heliograph.protocol.limits import Limiter
from heliograph.protocol.serving import Application, routes
from tests.dialects.apsystems.fake_hub import SECRET, FakeHub

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 1000
BY_NAME = {operation.name: operation for operation in OPERATIONS}


class Client:
    """Calls operations by name, or any path; nonces are never the same."""

    def __init__(self, hub: FakeHub) -> None:
        self.hub = hub
        made = routes([DIALECT], hub, Limiter(hub.wall, enabled=hub.limited), MAX_BODY)
        app = Application(made, Starlette(routes=made))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub")
        self._nonces = itertools.count(1)

    def signed(
        self, path: str, app_id: str = "app", method: str = "GET", **changed: Any
    ) -> dict[str, str]:  # fmt: skip  # any: texts, or None
        """The headers of a request for a percent-encoded path; `changed` are put in before signing, None leaves out.

        Names are those of the headers without `X-CA-`, underscores for hyphens.
        """
        given: dict[str, str | None] = {
            "timestamp": str(self.hub.wall.now_ms() // 1000), "nonce": f"{next(self._nonces):032x}",
            "signature_method": "HmacSHA256", "appid": app_id,
        }  # fmt: skip
        given |= changed
        if "signature" not in given:
            given["signature"] = sign(
                SECRET, method, path.rpartition("/")[2], given["appid"] or "", given["timestamp"] or "",
                given["nonce"] or "", "HmacSHA1" if given["signature_method"] == "HmacSHA1" else "HmacSHA256",
            )  # fmt: skip
        return {f"X-CA-{name.replace('_', '-')}": value for name, value in given.items() if value is not None}

    async def send(
        self, path: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
        method: str = "GET", content: bytes = b"", **changed: Any,
    ) -> httpx.Response:  # fmt: skip  # any: see signed
        """What is answered, which is always HTTP 200 and JSON of the form that the document has."""
        given = self.signed(path, method=method, **changed) if headers is None else headers
        answer = await self.http.request(method, path, params=query, headers=given, content=content)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found = answer.json()
        assert set(found) == ({"data", "code"} if found["code"] == 0 else {"code"})
        assert found["code"] == 0 or (found["code"] in CODES.by_value and answer.headers["x-ca-error-message"])
        return answer

    async def reply(self, name: str, sid: str = "", own: str = "", /, **query: str) -> httpx.Response:
        """What is answered to a call; `own` is the id of the ECU or inverter."""
        operation = BY_NAME[name]
        path = operation.path
        for place, value in (("sid", sid), ("eid", own), ("uid", own)):
            path = path.replace(f"{{{place}}}", quote(value, safe=""))
        answer = await self.send(path, query)
        if answer.json()["code"] == 0:  # what succeeds is read by the client half, and comes out as it was
            opened = DIALECT.envelope.open(operation, 200, answer.content)
            assert json.loads(msgspec.json.encode(opened)) == answer.json()
        return answer

    async def code(self, name: str, sid: str = "", own: str = "", /, **query: str) -> int:
        """The code of a call."""
        found: int = (await self.reply(name, sid, own, **query)).json()["code"]
        return found

    async def data(self, name: str, sid: str = "", own: str = "", /, **query: str) -> Any:  # any: what the test reads
        """The data of a call that succeeds."""
        answer = await self.reply(name, sid, own, **query)
        assert answer.json()["code"] == 0, answer.headers["x-ca-error-message"]
        return answer.json()["data"]

    async def sid(self, number: int = 1) -> str:
        """The sid of a plant."""
        found: str = (await self.data("systems/details", str(number)))["sid"]
        return found

    async def ids(self, number: int = 1) -> tuple[str, list[str], list[str]]:
        """The sid of a plant, and the ids of its ECUs and inverters."""
        sid = await self.sid(number)
        listed = await self.data("systems/inverters", sid)
        return sid, [ecu["eid"] for ecu in listed], [unit["uid"] for ecu in listed for unit in ecu["inverter"]]


def summary_path(sid: str) -> str:
    """The path of a system's summary."""
    return f"{PREFIX}/summary/{sid}"
