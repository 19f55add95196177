"""Sessions of the client half: opened, kept, renewed, and told apart from a wrong secret."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from heliograph.dialects import apsystems, foxess, huawei, redex
from heliograph.dialects.apsystems import operations as ap
from heliograph.dialects.apsystems.session import ApsystemsSession
from heliograph.dialects.foxess import operations as fox
from heliograph.dialects.foxess import wire as fox_wire
from heliograph.dialects.foxess.session import FoxessSession
from heliograph.dialects.huawei import operations as hw
from heliograph.dialects.huawei import wire as hw_wire
from heliograph.dialects.huawei.auth import SESSION_MS
from heliograph.dialects.huawei.session import HuaweiSession
from heliograph.dialects.redex import operations as rx
from heliograph.dialects.redex import wire as rx_wire
from heliograph.errors import SessionError, SignatureError, UnknownCredentialError
from heliograph.model.access import Secret, Token
from heliograph.protocol.calling import Sent, connect
from heliograph.protocol.codes import VendorError
from tests.mirror.asks import redex_session
from tests.mirror.house import NAME, NOW, SECRET

if TYPE_CHECKING:
    from tests.mirror.house import House


async def test_a_session_that_the_other_side_ended_is_opened_again(house: House) -> None:
    session = HuaweiSession(NAME, Secret(SECRET))
    async with house.client(huawei.DIALECT, session) as calls:
        await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
        house.clock.at_ms += SESSION_MS
        assert (await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())).data


async def test_calls_that_find_the_session_ended_together_log_in_once_between_them(house: House) -> None:
    async with house.client(huawei.DIALECT, HuaweiSession(NAME, Secret(SECRET))) as calls:
        await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
        house.clock.at_ms += SESSION_MS
        found = await asyncio.gather(*(calls.call(hw.LIST_PLANTS, hw_wire.NoQuery()) for _ in range(5)))
    assert [len(each.data) for each in found] == [1] * 5
    assert [exchange.path for exchange in house.exchanges].count("/thirdData/login") == 2


async def test_tokens_that_are_forgotten_are_asked_for_once_by_calls_that_find_it_together(house: House) -> None:
    request = rx_wire.GenerationQuery([rx_wire.Record("2023-05-01", "0.1")], "Daily", "ME1")
    async with house.client(redex.DIALECT, redex_session()) as calls:
        await calls.call(rx.SEND, request)
        await house.hub.tokens.drop("redex", house.hub.registry.credentials["redex", NAME].id)
        await asyncio.gather(*(calls.call(rx.SEND, request) for _ in range(5)))
    asked = [exchange.path for exchange in house.exchanges if "/token" in exchange.path]
    assert asked == [rx.CONNECT.path, rx.REFRESH.path, rx.CONNECT.path]


def cloud(*answers: httpx.Response) -> httpx.AsyncClient:
    """A server of Huawei's kind that gives these answers, one after the other."""
    left = list(answers)
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: left.pop(0)))


EMPTY = {"success": True, "failCode": 0, "data": [], "params": {}, "message": None}
WELCOME = {**EMPTY, "data": None}


@pytest.mark.parametrize("before", ["", "locale=de; Path=/", "id=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly"])
async def test_the_token_of_a_login_may_come_in_a_cookie_alone(before: str) -> None:
    cookies = [*filter(None, [before]), "XSRF-TOKEN=x-1; Path=/; Secure", "last=2; Path=/"]
    given = [("set-cookie", cookie) for cookie in cookies]
    http = cloud(httpx.Response(200, json=WELCOME, headers=given), httpx.Response(200, json=EMPTY))
    session = HuaweiSession(NAME, Secret(SECRET))
    async with connect("http://hub.test", huawei.DIALECT.envelope, session, http=http) as calls:
        assert (await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())).data == []
        assert await session.sign(calls, hw.LIST_PLANTS, Sent("POST", "/", "", {}, b"")) == {"XSRF-TOKEN": "x-1"}


@pytest.mark.parametrize("cookie", ["", "locale=de", "XSRF-TOKEN=", "=;=;"])
async def test_a_login_without_a_token_is_an_error_of_the_session(cookie: str) -> None:
    http = cloud(httpx.Response(200, json=WELCOME, headers={"set-cookie": cookie}))
    session = HuaweiSession(NAME, Secret(SECRET))
    async with connect("http://hub.test", huawei.DIALECT.envelope, session, http=http) as calls:
        with pytest.raises(SessionError, match="without a token"):
            await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())


async def test_after_a_logout_the_next_call_logs_in_again(house: House) -> None:
    async with house.client(huawei.DIALECT, HuaweiSession(NAME, Secret(SECRET))) as calls:
        for _ in range(2):
            await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
            await calls.call(hw.LOGOUT, hw_wire.LogoutQuery())
    assert [exchange.path.rpartition("/")[2] for exchange in house.exchanges] == [
        "login", "getStationList", "logout",
    ] * 2  # fmt: skip


async def test_a_refusal_that_comes_late_does_not_throw_away_what_is_newer(house: House) -> None:
    request = rx_wire.GenerationQuery([rx_wire.Record("2023-05-01", "0.1")], "Daily", "ME1")
    session = redex_session()
    async with house.client(redex.DIALECT, session) as calls:
        await calls.call(rx.SEND, request)
        assert await session.renew({"Authorization": "Bearer an-older-one"})
        await calls.call(rx.SEND, request)
    older = HuaweiSession(NAME, Secret(SECRET))
    async with house.client(huawei.DIALECT, older) as calls:
        await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
        assert await older.renew({"XSRF-TOKEN": "an-older-one"})
        await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
    paths = [exchange.path for exchange in house.exchanges]
    assert (paths.count(rx.CONNECT.path), paths.count(rx.REFRESH.path), paths.count("/thirdData/login")) == (1, 0, 1)


async def test_a_wrong_password_is_told_once_and_not_tried_again(house: House) -> None:
    async with house.client(huawei.DIALECT, HuaweiSession(NAME, Secret("wrong"))) as calls:
        with pytest.raises(SignatureError) as caught:
            await calls.call(hw.LIST_PLANTS, hw_wire.NoQuery())
    assert isinstance(caught.value, VendorError)
    assert caught.value.code.value == 20400
    assert [exchange.path for exchange in house.exchanges] == ["/thirdData/login"]


async def test_tokens_are_renewed_before_they_end_and_after_they_were_forgotten(house: House) -> None:
    request = rx_wire.GenerationQuery([rx_wire.Record("2023-05-01", "0.1")], "Daily", "ME1")
    async with house.client(redex.DIALECT, redex_session()) as calls:
        await calls.call(rx.SEND, request)
        house.clock.at_ms += 3_590_000
        await calls.call(rx.SEND, request)
        credential = house.hub.registry.credentials["redex", NAME]
        await house.hub.tokens.drop("redex", credential.id)
        await calls.call(rx.SEND, request)


@pytest.mark.parametrize("private", [True, False])
async def test_fox_is_signed_with_a_private_token_or_with_an_access_token(house: House, *, private: bool) -> None:
    credential = house.hub.registry.credentials["foxess", NAME]
    text = foxess.DIALECT.present(NAME, credential.secret)["token"] if private else "an-access-token"
    if not private:
        token = Token(
            dialect="foxess", kind="access", digest=Token.digest_of(text), credential_id=credential.id,
            credential=NAME, expires_at_ms=NOW + 1000,
        )  # fmt: skip
        await house.hub.tokens.keep(token)
    session = FoxessSession(Secret(text)) if private else FoxessSession(access=Secret(text))
    async with house.client(foxess.DIALECT, session) as calls:
        page = (await calls.call(fox.LIST_DEVICES, fox_wire.PageQuery(1, 10))).result
        assert [row.serial for row in page.rows] == ["HY1", "SP1"]
    with pytest.raises(ValueError, match="either"):
        FoxessSession()


@pytest.mark.parametrize("algorithm", ["HmacSHA256", "HmacSHA1"])
async def test_apsystems_is_signed_in_either_way_and_each_call_anew(house: House, algorithm: str) -> None:
    request = ap.SYSTEM_SUMMARY.request(str(house.roof.id))
    async with house.client(apsystems.DIALECT, ApsystemsSession(NAME, Secret(SECRET), algorithm=algorithm)) as calls:
        first = await calls.call(ap.SYSTEM_SUMMARY, request)
        assert await calls.call(ap.SYSTEM_SUMMARY, request) == first
    with pytest.raises(ValueError, match="HmacSHA256, HmacSHA1, not 'HmacMD5'"):
        ApsystemsSession(NAME, Secret(SECRET), algorithm="HmacMD5")


async def test_apsystems_tells_a_wrong_account_from_a_wrong_secret(house: House) -> None:
    request = ap.SYSTEM_SUMMARY.request(str(house.roof.id))
    told = []
    for name, secret, kind in (("nobody", SECRET, UnknownCredentialError), (NAME, "wrong", SignatureError)):
        async with house.client(apsystems.DIALECT, ApsystemsSession(name, Secret(secret))) as calls:
            with pytest.raises(kind) as caught:
                await calls.call(ap.SYSTEM_SUMMARY, request)
            assert isinstance(caught.value, VendorError)
            told.append(caught.value.code.value)
    assert told == [2001, 4000]
