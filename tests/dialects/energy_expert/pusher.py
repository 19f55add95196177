"""Pushes to a hub in this process, and what its own interface tells of them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.dialects.energy_expert.client import PATH, Headers, acs, acs3, push
from tests.live import BEARER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from heliograph.clock import FixedClock

HOST = "hub.test"
Json = dict[str, Any]  # any: JSON


class Pusher:
    """Signs and sends; answers are judged by the tests."""

    def __init__(self, http: httpx.AsyncClient, clock: FixedClock) -> None:
        self.http, self._clock = http, clock

    def headers(self, body: bytes, *, older: bool = False, **odd: Any) -> Headers:  # any: whatever a signature takes
        """The headers of a body, signed at the hub's present unless told otherwise."""
        odd.setdefault("at_s", self._clock.at_ms / 1000)
        return acs(body, HOST, **odd) if older else acs3(body, HOST, **odd)

    async def send(self, body: bytes, headers: Headers, query: str = "") -> httpx.Response:
        """A body with these headers and no others that count."""
        return await self.http.post(f"{PATH}{query}", content=body, headers=headers)

    async def push(self, *records: Mapping[str, object], device_type: object = "1") -> httpx.Response:
        """Records, signed anew."""
        body = push(*records, device_type=device_type)
        return await self.send(body, self.headers(body))

    async def accepted(self, *records: Mapping[str, object], device_type: object = "1") -> None:
        """Records that must be taken."""
        answer = await self.push(*records, device_type=device_type)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == "success"

    async def refused(self, *records: Mapping[str, object], device_type: object = "1") -> tuple[str, str]:
        """Records that must not be taken; code and message."""
        return told(await self.push(*records, device_type=device_type), 400)

    async def history(self, device: int = 1) -> Json:
        """Every sample of a device, in columns."""
        span = {"since": "2025-06-01T00:00:00Z", "until": "2026-06-30T00:00:00Z"}
        answer = await self.http.get(f"/api/v1/devices/{device}/history", params=span, headers=BEARER)
        found: Json = answer.json()
        return found


def told(answer: httpx.Response, status: int) -> tuple[str, str]:
    """Code and message of a refusal with this status."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert answer.headers["x-acs-request-id"] == body["RequestId"]
    return body["Code"], body["Message"]
