"""The client half of OAuth at Fox ESS: from a code to tokens, to newer tokens, to none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from heliograph import clients
from heliograph.app import make_app
from heliograph.dialects import foxess
from heliograph.dialects.foxess import operations as fox
from heliograph.dialects.foxess.session import EXCHANGE, ApplicationQuery, FoxessSession
from heliograph.errors import BadRequestError, UnauthenticatedError
from heliograph.model.access import Secret
from heliograph.protocol.calling import connect, locate
from tests.dialects.foxess.oauth_house import CALLBACK, CLIENT, SECRET, House, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BASE = "http://hub.test"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A hub with an application and Ada, who owns a plant."""
    async with open_house(tmp_path) as made:
        yield made


@asynccontextmanager
async def application(
    house: House, monkeypatch: pytest.MonkeyPatch, secret: str = SECRET
) -> AsyncIterator[clients.FoxESSApplication]:
    """The application, without a network between it and the hub."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(house.hub)))
    monkeypatch.setattr(clients, "connect", lambda *given, **known: connect(*given, **known, http=http))
    async with clients.FoxESSApplication(BASE, CLIENT, secret) as opened:
        yield opened


async def plants(house: House, access: str) -> int:
    """How many plants an access token opens."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(house.hub)))
    session = FoxessSession(access=Secret(access))
    async with connect(BASE, foxess.DIALECT.envelope, session, wall=house.wall, http=http) as calls:
        return (await calls.call(fox.LIST_PLANTS, fox.LIST_PLANTS.request(page=1, size=10))).result.total


async def test_a_code_becomes_tokens_that_are_renewed_and_revoked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await house.code(code_challenge=CHALLENGE, code_challenge_method="S256")
    async with application(house, monkeypatch) as app:
        first = await app.exchange(code, redirect_uri=CALLBACK, verifier=VERIFIER)
        assert (first.token_type, first.scope) == ("Bearer", "read")
        known = await plants(house, first.access_token)
        second = await app.refresh(first.refresh_token)
        assert await plants(house, second.access_token) == known
        await app.revoke(second.access_token)
    with pytest.raises(UnauthenticatedError, match=r".") as caught:
        await plants(house, second.access_token)
    assert isinstance(caught.value, clients.VendorError)
    assert caught.value.code.value == 41808


async def test_what_the_page_refuses_is_an_error_of_the_tree(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with application(house, monkeypatch) as app:
        with pytest.raises(BadRequestError, match="there is no such code"):
            await app.exchange("a-guess")
    async with application(house, monkeypatch, "a-wrong-secret") as app:
        with pytest.raises(UnauthenticatedError, match="client_secret is not right"):
            await app.refresh("a-guess")


def test_everything_stands_in_the_query_and_only_what_was_given() -> None:
    request = ApplicationQuery(client_id="a b", client_secret="c", code="d/e")
    assert locate(EXCHANGE, request) == ("/oauth2/token", "client_id=a%20b&client_secret=c&code=d%2Fe", b"")
    assert "c'" not in repr(request).replace("'***'", "")
