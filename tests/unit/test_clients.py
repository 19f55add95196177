"""The public way in: what may be left out, and what is a mistake of the calling program."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from heliograph import clients, errors
from heliograph.clients import APsystems, Cloud, EnergyExpert, FoxESS, FoxESSApplication, Huawei, Redex
from heliograph.dialects.apsystems import operations as ap
from heliograph.dialects.foxess import operations as fox
from heliograph.protocol.calling import connect

URL = "http://hub.test"
CLOUDS: dict[str, Callable[[str], Cloud]] = {
    "Huawei": lambda url: Huawei(url, "user", "s3cret"),
    "FoxESS": lambda url: FoxESS(url, "s3cret"),
    "FoxESSApplication": lambda url: FoxESSApplication(url, "app", "s3cret"),
    "APsystems": lambda url: APsystems(url, "app", "s3cret", algorithm="HmacSHA1"),
    "Redex": lambda url: Redex(url, "client", "s3cret", "key"),
    "EnergyExpert": lambda url: EnergyExpert(url, "key", "s3cret"),
}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What was sent to a server that has an empty page for everybody."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"errno": 0, "msg": "success", "result": []})

    def through(*given: object, **known: object) -> object:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        return connect(*given, **known, http=http)  # type: ignore[arg-type]  # as the caller gave them

    monkeypatch.setattr(clients, "connect", through)
    return requests


@pytest.mark.parametrize("name", CLOUDS)
async def test_a_cloud_is_open_within_its_block_alone(name: str) -> None:
    cloud = CLOUDS[name](URL)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="open it first"):
            await cloud.call(fox.LIST_VARIABLES)
        async with cloud as opened:
            assert opened is cloud
    held = [*vars(cloud).values(), *vars(vars(cloud)["_session"]).values()]
    assert "***" in repr(held)
    assert "s3cret" not in repr(held)


@pytest.mark.parametrize("name", CLOUDS)
async def test_an_address_without_a_scheme_is_told_when_it_is_opened(name: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        async with CLOUDS[name]("hub.test"):
            pass


async def test_a_call_without_parameters_needs_no_request(seen: list[httpx.Request]) -> None:
    async with FoxESS(URL, "token") as cloud:
        assert (await cloud.call(fox.LIST_VARIABLES)).result == []
        with pytest.raises(TypeError, match="system"):
            await cloud.call(ap.SYSTEM_SUMMARY)
    assert [request.url.path for request in seen] == [fox.LIST_VARIABLES.path]
    assert seen[0].headers["lang"] == "en"


async def test_a_long_list_goes_through_in_parts(seen: list[httpx.Request]) -> None:
    async with FoxESS(URL, access="token", lang="de", paced=False) as cloud:
        request = fox.QUERY_REAL_V1.request(serials=[f"S{number}" for number in range(101)])
        assert [len(part.result) async for part in cloud.call_chunked(fox.QUERY_REAL_V1, request)] == [0, 0, 0]
    assert [sent.headers["authorization"] for sent in seen] == ["Bearer token"] * 3
    assert {sent.headers["lang"] for sent in seen} == {"de"}


def test_credentials_that_cannot_be_meant_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="either a private token or an access token"):
        FoxESS(URL)
    with pytest.raises(ValueError, match="either a private token or an access token"):
        FoxESS(URL, "token", access="token")
    with pytest.raises(ValueError, match="HmacSHA256, HmacSHA1"):
        APsystems(URL, "app", "secret", algorithm="MD5")


def test_the_errors_worth_catching_are_those_of_the_tree() -> None:
    named = [name for name in clients.__all__ if name.endswith("Error")]
    assert len(named) == 11
    for name in named:
        kind = getattr(clients, name)
        assert issubclass(kind, errors.HubError)
        assert name == "VendorError" or kind is getattr(errors, name)
