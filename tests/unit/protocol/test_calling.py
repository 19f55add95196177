"""The client half: what it sends, how it waits, and what its failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx
import msgspec
import pytest

from heliograph.clock import FixedClock
from heliograph.errors import HubError, OutcomeUnknownError, TooFrequentError, UnreachableError
from heliograph.protocol.calling import Client, locate
from heliograph.protocol.operations import Chunk, Limit, Operation
from tests.unit.protocol.tiny import ECHO, Answer, Ask, TinyEnvelope


class Named(msgspec.Struct):
    """Asks with a name in the path."""

    name: str
    span: int | None = None
    ids: list[int] = []


READ = Operation(name="read", method="GET", path="/tiny/v1/read/{name}", request=Named, result=Answer, cite="7")
MANY = Operation(
    name="many", method="POST", path="/tiny/v1/many", request=Named, result=Answer, cite="8",
    limit=Limit(2, 60.0), chunk=Chunk("ids", 3),
)  # fmt: skip
Answering = Callable[[httpx.Request], httpx.Response]


def signed(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """A signature that tells what it was made of."""
    return {"x-signed": f"{method} {path} {query} {headers['host']} {len(body)}"}


def client(answer: Answering, wall: FixedClock | None = None) -> Client:
    """A client whose server is a function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Client("http://hub.test:81/", TinyEnvelope(), signed, http, wall)


def said(text: str) -> Answering:
    """A server that always answers a text."""
    return lambda _: httpx.Response(200, json={"code": 0, "data": {"text": text}})


async def test_a_call_is_signed_over_what_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"code": 0, "data": {"text": "yes"}})

    assert await client(answer).call(ECHO, Ask("hello")) == Answer("yes")
    (request,) = seen
    assert str(request.url) == "http://hub.test:81/tiny/v1/echo"
    assert msgspec.json.decode(request.content) == {"text": "hello", "count": 1, "tags": []}
    assert request.headers["x-signed"] == f"POST /tiny/v1/echo  hub.test:81 {len(request.content)}"


def test_a_get_puts_its_fields_in_path_and_query() -> None:
    assert locate(READ, Named("a/b c", 3, [1, 2])) == ("/tiny/v1/read/a%2Fb%20c", "span=3&ids=1%2C2", b"")


async def test_a_refusal_is_the_error_its_code_stands_for() -> None:
    refusing = client(lambda _: httpx.Response(200, json={"code": 5, "text": "no", "data": None}))
    with pytest.raises(HubError, match="no"):
        await refusing.call(ECHO, Ask("x"))


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (httpx.ConnectError("no"), UnreachableError),
        (httpx.ConnectTimeout("no"), UnreachableError),
        (httpx.ReadTimeout("no"), OutcomeUnknownError),
        (httpx.RemoteProtocolError("no"), OutcomeUnknownError),
    ],
)
async def test_whether_anything_was_sent_decides_what_a_failure_means(
    failure: Exception, meaning: type[HubError]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(meaning):
        await client(fail).call(ECHO, Ask("x"))


async def test_a_long_list_goes_out_in_chunks() -> None:
    sent: list[list[int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(msgspec.json.decode(request.content)["ids"])
        return httpx.Response(200, json={"code": 0, "data": {"text": str(len(sent))}})

    found = [part.text async for part in client(answer).call_chunked(MANY, Named("n", ids=list(range(5))))]
    assert (sent, found) == ([[0, 1, 2], [3, 4]], ["1", "2"])


async def test_the_client_waits_just_where_the_server_would_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = FixedClock(1_000_000)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        wall.at_ms += round(seconds * 1000)

    monkeypatch.setattr("heliograph.protocol.calling.asyncio.sleep", sleep)
    calls = client(said("ok"), wall)
    for _ in range(3):
        await calls.call(MANY, Named("n"))
    assert waits == [pytest.approx(60.001)]


async def test_pacing_never_lets_a_call_be_refused_by_its_own_limit() -> None:
    wall = FixedClock(0)

    async def tick() -> None:
        for _ in range(200):
            wall.at_ms += 1000
            await asyncio.sleep(0)

    quick = Operation(
        name="quick", method="POST", path="/q", request=Named, result=Answer, cite="9", limit=Limit(100, 1.0)
    )
    calls = client(said("ok"), wall)
    try:
        await asyncio.gather(tick(), *(calls.call(quick, Named("n")) for _ in range(50)))
    except TooFrequentError:
        pytest.fail("the client's own limiter refused a call that it had waited for")
