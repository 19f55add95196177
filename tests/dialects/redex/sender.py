"""Submissions to a hub in this process, and what the hub holds afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.model.access import Credential, Secret
from tests.live import BEARER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from heliograph.hub import LocalHub

CLIENT_ID, API_KEY, CLIENT_SECRET = "client-1", "key-1-for-tests", "secret-1-for-tests"
OTHER_ID, OTHER_KEY, OTHER_SECRET = "client-2", "key-2-for-tests", "secret-2-for-tests"
CONNECT, SEND = "/public/v2/connect/token", "/public/v2/generation-data"
PLURAL = "/public/v2/generation-datas"
INVERTER, METER, OTHERS = "STR10000000338444", "STR1000000033862740", "STR2000000000000001"
PRINTED = {
    "Data": [
        {"Timestamp": "2023-05-01", "PeriodProductionInKWh": "0.1234", "AccumulatedPowerInKWh": "5.1234"},
        {"Timestamp": "2023-05-02", "PeriodProductionInKWh": "0.2345", "AccumulatedPowerInKWh": "5.3579"},
        {"Timestamp": "2023-05-03", "PeriodProductionInKWh": "0.4567", "AccumulatedPowerInKWh": "5.8146"},
    ],
    "FrequencyType": "Daily",
    "RemoteInvId": INVERTER,
}
Json = dict[str, Any]  # any: JSON


def day(on: str, period: object, accumulated: object = None) -> Json:
    """A record; without an accumulated figure the member is left out."""
    told = {} if accumulated is None else {"AccumulatedPowerInKWh": accumulated}
    return {"Timestamp": on, "PeriodProductionInKWh": period, **told}


def days(*records: Mapping[str, object], device: object = INVERTER, **more: object) -> Json:
    """The body of a submission."""
    return {"Data": list(records), "FrequencyType": "Daily", "RemoteInvId": device, **more}


class Sender:
    """Gets a token and sends; answers are judged by the tests."""

    def __init__(self, http: httpx.AsyncClient, hub: LocalHub) -> None:
        self.http, self.hub = http, hub
        self.access, self.refresh = "", ""

    async def ask(self, **odd: object) -> httpx.Response:
        """A call for tokens by key, with the right names and keys but for what is odd; None leaves a member out."""
        return await self._ask(CONNECT, {"GrantType": "api_key", "ApiKey": API_KEY, **odd})

    async def _ask(self, path: str, asked: dict[str, object]) -> httpx.Response:
        asked = {"ClientId": CLIENT_ID, "ClientSecret": CLIENT_SECRET, **asked}
        return await self.http.post(path, json={name: value for name, value in asked.items() if value is not None})

    async def renew(self, **odd: object) -> httpx.Response:
        """A refresh call."""
        asked = {"GrantType": "refresh_token", "RefreshToken": self.refresh, **odd}
        return await self._ask(f"{CONNECT}/refresh", asked)

    def hold(self, answer: httpx.Response) -> None:
        """Go on with the tokens of an answer."""
        assert answer.status_code == 200, answer.text
        self.access, self.refresh = answer.json()["Data"]["AccessToken"], answer.json()["Data"]["RefreshToken"]

    async def login(self, **odd: object) -> Sender:
        """Get tokens by key, and go on with them."""
        self.hold(await self.ask(**odd))
        return self

    async def post(self, body: object, path: str = SEND, **headers: str) -> httpx.Response:
        """A body, JSON unless it is bytes, with the token."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(path, content=content, headers={"authorization": f"Bearer {self.access}"} | headers)

    async def get(self, path: str) -> httpx.Response:
        """A path, with the token."""
        return await self.http.get(path, headers={"authorization": f"Bearer {self.access}"})

    async def accepted(self, *records: Mapping[str, object], device: object = INVERTER) -> None:
        """Records that must be taken."""
        answer = await self.post(days(*records, device=device))
        assert (answer.status_code, answer.json()["Data"]) == (200, {}), answer.text

    async def refused(self, *records: Mapping[str, object], status: int = 422) -> dict[str, str]:
        """Records that must not be taken; what is wrong, by its place."""
        return told(await self.post(days(*records)), status)

    async def key(self, name: str, **known: object) -> Sender:
        """Go on with another credential of the first account, made for this, with the keys `a` and `b`."""
        wanted = Credential(id=0, account_id=1, dialect="redex", name=name, secret=Secret("a:b"))
        made = msgspec.structs.replace(wanted, **known)
        await self.hub.database.write(lambda rows: self.hub.registry.put_credential(rows, made))
        return await self.login(ClientId=name, ApiKey="a", ClientSecret="b")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:  # any: columns of all types
        """What the database holds."""
        return [tuple(row) for row in self.hub.database.query(sql, values)]

    def ledger(self, device: int = 1) -> list[tuple[Any, ...]]:  # any: see rows
        """Every entry of a device: period, revision, energy, accumulated."""
        return self.rows(
            "SELECT period, revision, energy, accumulated FROM declared WHERE device = ? ORDER BY sequence", device
        )

    def statements(self) -> list[tuple[Any, ...]]:  # any: see rows
        """Every call that was kept: operation, author, bytes."""
        return self.rows("SELECT operation, author, body FROM statement ORDER BY id")

    def audited(self) -> list[str]:
        """The actions of the audit trail."""
        return [action for (action,) in self.rows("SELECT action FROM audit ORDER BY id")]

    async def native(self, path: str) -> Json:
        """A call of the hub's own interface that must succeed."""
        answer = await self.http.get(f"/api/v1/{path}", headers=BEARER)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


MESSAGES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Content Too Large",
    422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


def told(answer: httpx.Response, status: int) -> dict[str, str]:
    """What is wrong by its place, of a refusal with this status in the dialect's form."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body) == ["Data", "Errors", "Meta", "StatusCode", "Message"]
    assert (body["Data"], body["Meta"], body["StatusCode"], body["Message"]) == (None, None, status, MESSAGES[status])
    found = {error["Key"]: error["Message"] for error in body["Errors"] or []}
    assert len(found) == len(body["Errors"] or [])
    return found
