"""A hub with people and an application, and a browser's ways without a browser: forms, cookies, redirects."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
from argon2 import PasswordHasher
from msgspec.structs import replace

from heliograph.app import make_app
from heliograph.clock import FixedClock
from heliograph.config import Config
from heliograph.dialects.foxess.auth import sign
from heliograph.hub import LocalHub
from heliograph.model.access import Application, Credential, Secret
from heliograph.model.people import Person
from heliograph.model.plants import Account, Plant
from heliograph.store.passwords import Passwords

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW_MS = 1_751_371_200_000
PAGE = "/public/auth/index.html"
CALLBACK = "https://app.example.com/back?from=hub"
CLIENT, SECRET = "tibber-1a2b3c", "c0ffee-client-secret"
CONTACT, PASSWORD = "ada@example.com", "correct horse"
ASK = {"response_type": "code", "client_id": CLIENT, "redirect_uri": CALLBACK, "scope": "read", "state": "x y&z"}
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def hidden(answer: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return {unescape(name): unescape(value) for name, value in _HIDDEN.findall(answer.text)}


def told(answer: httpx.Response) -> dict[str, str]:
    """What an application is told when somebody is sent back to it."""
    assert answer.headers["location"].startswith("https://app.example.com/back?from=hub&"), answer.headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


class House:
    """A hub, its application and a client of it that keeps cookies."""

    def __init__(self, hub: LocalHub, http: httpx.AsyncClient, wall: FixedClock, account: Account) -> None:
        self.hub, self.http, self.wall, self.account = hub, http, wall, account

    async def save_application(self, **more: Any) -> Application:  # any: fields of all types
        """Keep an application."""
        registry = self.hub.registry
        held = registry.applications.get(("foxess", str(more.get("client_id", CLIENT))))
        wanted = held or Application(
            id=0, account_id=self.account.id, dialect="foxess", client_id=CLIENT, secret=Secret(SECRET), name="Tibber",
            redirect_uris=(CALLBACK,), scopes=("read", "control"),
        )  # fmt: skip
        return await self.hub.database.write(lambda rows: registry.put_application(rows, replace(wanted, **more)))

    async def save_person(self, **more: Any) -> Person:  # any: see save_application
        """Keep a person; without an id, a new one."""
        held = self.hub.registry.people.get(int(more.pop("id", 0)))
        wanted = held or Person(
            id=0, account_id=self.account.id, name="Ada", email=CONTACT, password=CHEAP.hash(PASSWORD)
        )
        return await self.hub.database.write(lambda rows: self.hub.registry.put_person(rows, replace(wanted, **more)))

    async def save_account(self, account: Account) -> Account:
        """Keep an account."""
        return await self.hub.database.write(lambda rows: self.hub.registry.put_account(rows, account))

    async def save_plant(self, name: str) -> Plant:
        """A new plant."""
        plant = Plant(id=0, account_id=self.account.id, name=name, zone="UTC")
        return await self.hub.database.write(lambda rows: self.hub.registry.put_plant(rows, plant))

    async def page(self, **changes: str) -> httpx.Response:
        """The authorise page; a parameter that is set to nothing is left out."""
        asked = {name: value for name, value in {**ASK, **changes}.items() if value}
        return await self.http.get(PAGE, params=asked)

    async def choose(self, page: httpx.Response, step: str, **fields: str) -> httpx.Response:
        """Send the form of a page."""
        return await self.http.post(PAGE, data={**hidden(page), "step": step, **fields})

    async def sign_in(self, contact: str = CONTACT, password: str = PASSWORD, **changes: str) -> httpx.Response:
        """What comes after signing in: the page that asks, if it was right."""
        page = await self.page(**changes)
        answer = await self.choose(page, "sign-in", contact=contact, password=password)
        if answer.status_code != 303:
            return answer
        return await self.http.get(f"/public/auth/{answer.headers['location']}")

    async def code(self, **changes: str) -> str:
        """A code, after somebody signed in and allowed."""
        return told(await self.choose(await self.sign_in(**changes), "allow"))["code"]

    async def token(self, path: str = "/oauth2/token", **given: str) -> httpx.Response:
        """A call for tokens, with the parameters in the body."""
        client = {"client_id": CLIENT, "client_secret": SECRET}
        return await self.http.post(path, data={**client, **given})

    async def exchange(self, code: str, **given: str) -> httpx.Response:
        """Tokens for a code."""
        return await self.token(grant_type="authorization_code", code=code, **given)

    async def tokens(self, **changes: str) -> dict[str, Any]:
        """Tokens, after somebody signed in and allowed."""
        found: dict[str, Any] = (await self.exchange(await self.code(**changes))).json()
        return found

    async def call(self, method: str, path: str, access: str) -> Any:  # any: JSON
        """What a call with an access token is answered."""
        self.wall.at_ms += 1000
        timestamp = str(self.wall.now_ms())
        signature = sign(path, access, timestamp)
        headers = {"authorization": f"Bearer {access}", "timestamp": timestamp, "signature": signature}
        return (await self.http.request(method, path, headers=headers)).json()

    async def errno(self, access: str) -> int:
        """The code of a call with an access token."""
        found: int = (await self.call("POST", "/op/v0/plant/list", access))["errno"]
        return found

    def credential(self, person_id: int = 1) -> Credential:
        """What was granted."""
        return self.hub.registry.credentials["foxess", f"oauth-{CLIENT}-{person_id}"]

    def trail(self) -> list[str]:
        """The actions of the audit trail, oldest first."""
        return [action for (action,) in self.hub.database.query("SELECT action FROM audit ORDER BY id")]


@asynccontextmanager
async def open_house(path: Path) -> AsyncIterator[House]:
    """A hub with two plants, an application and Ada, who owns the first plant."""
    wall = FixedClock(NOW_MS)
    hub = LocalHub(path, Config(), clock=FixedClock(NOW_MS), wall=wall)
    hub.grants.passwords = CHEAP
    account = hub.database.write_now(lambda rows: hub.registry.put_account(rows, Account(id=0, name="ours")))
    await hub.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(hub)), base_url="http://hub") as http:
        house = House(hub, http, wall, account)
        for name in ("Roof & <Shed>", "Barn"):
            await house.save_plant(name)
        await house.save_application()
        await house.save_person(plants=(1,))
        yield house
        await house.hub.stop()
