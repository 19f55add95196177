"""The canonical plant in a hub, and every way into and out of it, as requests that are written down here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import httpx

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config, ServeConfig
from heliograph.dialects import redex
from heliograph.hub import LocalHub
from heliograph.model.access import Secret
from tests import live
from tests.crossing.calendar import Calendar
from tests.crossing.story import CAPACITY_W, PRICE, SILENT, Fleet, Stated, Story
from tests.crossing.told import Json
from tests.dialects.energy_expert.client import PATH, acs3, push, record

HOST = "hub.test"
SECRET = "51d9b07e5f1c4d7fa1c0"
LINE = r"\r\n"
POINTS = {
    "meter.power": ("P", 1000), "meter.energy_forward": ("Ep_imp", 1000), "meter.energy_reverse": ("Ep_exp", 1000),
    "meter.a.voltage": ("Ua", 1), "meter.frequency": ("F", 1),
}  # fmt: skip
"""What Energy Expert calls what meters measure, and how many of the hub's units one of its units is."""


def parsed(answer: httpx.Response) -> Json:
    """The body of an answer with every number as its digits stand there."""
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


class House:
    """A hub with one plant, open to all dialects."""

    def __init__(self, path: Path, zone: str, now_ms: int, fleet: Fleet | None = None) -> None:
        self.fleet = fleet or Fleet()
        self.cal, self.clock = Calendar(zone), FixedClock(now_ms)
        config = Config(serve=ServeConfig(limits="off"))
        self.hub = LocalHub(path, config, clock=self.clock, wall=self.clock)
        setup = live.Setup(self.hub)
        account = setup.account()
        setup.credentials(account)
        for dialect in ("foxess", "apsystems", "redex"):
            setup.credential(account, dialect, "crossing", SECRET)
        self.ids: dict[str, int] = {}
        self.plant = setup.plant(account, "Crossing", zone, capacity_w=CAPACITY_W, tariff=(float(PRICE),))
        for place in self.fleet.places:
            device = setup.device(
                self.plant, place.kind, place.serial, serial=place.serial, capacity_w=place.capacity_w,
                role=place.role, gateway_id=self.ids.get(place.gateway), interval_s=place.interval_s,
                attributes=dict(place.attributes), pushed=("1", place.serial), model=f"Model {place.serial}",
            )  # fmt: skip
            self.ids[place.serial] = device.id
        self._session: dict[str, str] = {}
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=make_app(self.hub)), base_url=f"http://{HOST}"
        )  # fmt: skip

    async def __aenter__(self) -> House:
        await self.hub.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.hub.stop()

    @property
    def now_ms(self) -> int:
        """The present instant. [ms]"""
        return self.clock.at_ms

    # In.

    async def send(self, story: Story) -> dict[str, int]:
        """All readings as samples of the native interface."""
        records = [
            {"device": self.ids[serial], "at": at_ms, "values": values}
            for serial, own in story.items()
            for at_ms, values in own.items()
        ]
        answer = await self.http.post("/api/v1/samples", content=json.dumps(records), headers={
            **live.BEARER, "content-type": "application/json",
        })  # fmt: skip
        found: dict[str, int] = parsed(answer)
        return found

    async def push(self, story: Story) -> None:
        """The readings of meters as their wall clock shows them; those whose time comes twice, as they are made."""
        after_ms = self.now_ms
        doubled: list[tuple[int, str, Mapping[str, float]]] = []
        plain: list[dict[str, object]] = []
        for serial, own in story.items():
            for at_ms, values in own.items():
                wall = self.cal.wall(at_ms)
                if len(self.cal.instants(wall.date(), f"{wall:%H:%M}")) == 2:
                    doubled.append((at_ms, serial, values))
                else:
                    plain.append(self._record(at_ms, serial, values))
        await self._push(plain)
        for at_ms, serial, bag in sorted(doubled, key=lambda each: each[:2]):
            self.clock.at_ms = at_ms
            await self._push([self._record(at_ms, serial, bag)])
        self.clock.at_ms = after_ms

    def _record(self, at_ms: int, serial: str, values: Mapping[str, float]) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, value in values.items():
            name, factor = POINTS[key]
            data[name] = str(Decimal(repr(value)) / factor)
        return record(f"{self.cal.wall(at_ms):%Y-%m-%d %H:%M:%S}", data, serial)

    async def _push(self, records: list[dict[str, object]]) -> None:
        for start in range(0, len(records), 100):
            body = push(*records[start : start + 100])
            answer = await self.http.post(PATH, content=body, headers=acs3(body, HOST, at_s=self.now_ms / 1000))
            assert answer.status_code == 200, answer.text

    async def state(self, days: Stated, serial: str = SILENT) -> None:
        """Energies of days in a call of REDEX."""
        asked = {"GrantType": "api_key", **_redex_keys("crossing")}
        answer = await self.http.post("/public/v2/connect/token", json=asked)
        token = parsed(answer)["Data"]["AccessToken"]
        rows = [{"Timestamp": on.isoformat(), "PeriodProductionInKWh": str(kwh)} for on, kwh in sorted(days.items())]
        body = {"RemoteInvId": serial, "FrequencyType": "Daily", "Data": rows}
        path = "/public/v2/generation-data"
        parsed(await self.http.post(path, json=body, headers={"authorization": f"Bearer {token}"}))

    # Out.

    async def native(self, path: str, **query: str | int) -> Json:
        """A call of the hub's own interface."""
        return parsed(await self.http.get(f"/api/v1/{path}", params=query, headers=live.BEARER))

    async def huawei(self, call: str, **body: object) -> Json:
        """The data of a call of SmartPVMS."""
        if not self._session:
            known = {"userName": live.USER, "systemCode": live.PASSWORD}
            answer = await self.http.post("/thirdData/login", json=known)
            self._session = {"xsrf-token": answer.headers["xsrf-token"]}
        found = parsed(await self.http.post(f"/thirdData/{call}", json=body, headers=self._session))
        assert found["success"] is True, found
        return found["data"]

    async def fox(self, method: str, path: str, **asked: object) -> Json:
        """The result of a call of Fox ESS."""
        token, now = f"crossing-{SECRET}", str(self.now_ms)
        signature = hashlib.md5(LINE.join((path, token, now)).encode(), usedforsecurity=False).hexdigest()
        headers = {"token": token, "timestamp": now, "signature": signature, "lang": "en"}
        sent = {"params": asked} if method == "GET" else {"json": asked}
        found = parsed(await self.http.request(method, path, headers=headers, **sent))  # type: ignore[arg-type]
        assert found["errno"] == 0, found
        return found["result"]

    async def aps(self, path: str, **query: str) -> Json:
        """The data of a call of APsystems; None when there is nothing to tell."""
        stamp, nonce, last = str(self.now_ms // 1000), secrets.token_hex(16), path.split("/")[-1]
        text = "/".join((stamp, nonce, "crossing", last, "GET", "HmacSHA256"))
        digest = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
        headers = {
            "X-CA-AppId": "crossing", "X-CA-Timestamp": stamp, "X-CA-Nonce": nonce,
            "X-CA-Signature-Method": "HmacSHA256", "X-CA-Signature": base64.b64encode(digest).decode(),
        }  # fmt: skip
        found = parsed(await self.http.get(f"/user/api/v2/systems/{path}", params=query, headers=headers))
        assert found["code"] in (0, 1001), (path, query, found)
        return found.get("data")


def _redex_keys(name: str) -> dict[str, str]:
    shown = redex.DIALECT.present(name, Secret(SECRET))
    return {key: shown[key] for key in ("ApiKey", "ClientId", "ClientSecret")}
