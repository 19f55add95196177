"""The client half: what it sends, how it waits, and what its failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
import pytest

from heliograph.clock import FixedClock
from heliograph.errors import HubError, OutcomeUnknownError, TooFrequentError, UnreachableError
from heliograph.protocol.calling import Client, Policy, Sent, Session, connect, locate
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


class Signing(Session):
    """A session whose signature tells what it was made of, and that can be renewed so often."""

    def __init__(self, renewals: int = 0) -> None:
        self.renewals, self.told = renewals, list[str]()

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        made_of = f"{sent.method} {sent.path} {sent.query} {sent.headers['host']} {len(sent.body)}"
        return {"x-signed": made_of, "x-left": str(self.renewals)}

    def heard(self, operation: Operation[Any, Any], headers: Mapping[str, str]) -> None:
        """See Session."""
        self.told.append(headers.get("x-news", ""))

    async def renew(self, refused: HubError) -> bool:
        """See Session."""
        self.renewals -= 1
        return self.renewals >= 0


def client(
    answer: Answering, wall: FixedClock | None = None, session: Session | None = None, **patience: Any
) -> Client:
    """A client whose server is a function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    policy = Policy(**{"tries": 1, **patience})
    return Client("http://hub.test:81/", TinyEnvelope(), session or Signing(), http, wall=wall, policy=policy)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("heliograph.protocol.calling.asyncio.sleep", sleep)
    return slept


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


class Scripted:
    """A server that answers by a script: statuses, or failures to raise."""

    def __init__(self, *script: int | Exception, **headers: str) -> None:
        self.script, self.headers, self.seen = list(script), headers, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        names = {name.replace("_", "-"): value for name, value in self.headers.items()}
        body = {"code": step, "text": "no", "data": {"text": "yes"} if step == 0 else None}
        return httpx.Response(200, json=body, headers=names)


async def test_what_was_never_sent_is_sent_again_and_the_pauses_double(waits: list[float]) -> None:
    server = Scripted(httpx.ConnectError("no"), httpx.ConnectError("no"), 0)
    assert await client(server, tries=3).call(ECHO, Ask("x")) == Answer("yes")
    assert waits == [1.0, 2.0]
    with pytest.raises(UnreachableError):
        await client(Scripted(*[httpx.ConnectError("no")] * 3), tries=3).call(ECHO, Ask("x"))
    assert waits == [1.0, 2.0, 1.0, 2.0]


async def test_only_a_call_that_reads_is_made_again_when_no_answer_came(waits: list[float]) -> None:
    server = Scripted(httpx.ReadTimeout("no"), 0)
    assert await client(server, tries=2).call(ECHO, Ask("x")) == Answer("yes")
    writing = msgspec.structs.replace(ECHO, scope="write")
    server = Scripted(httpx.ReadTimeout("no"), 0)
    with pytest.raises(OutcomeUnknownError):
        await client(server, tries=2).call(writing, Ask("x"))
    assert (len(server.seen), waits) == (1, [1.0])


async def test_who_is_told_how_long_to_wait_waits_so_long_if_that_is_bearable(waits: list[float]) -> None:
    busy = 6
    assert await client(Scripted(busy, 0, retry_after="7"), tries=2).call(ECHO, Ask("x")) == Answer("yes")
    assert await client(Scripted(busy, 0), tries=2).call(ECHO, Ask("x")) == Answer("yes")
    assert waits == [7.0, 1.0]
    with pytest.raises(TooFrequentError) as caught:
        await client(Scripted(busy, 0, retry_after="700"), tries=2).call(ECHO, Ask("x"))
    assert caught.value.retry_after_s == 700.0


async def test_a_session_is_renewed_once_and_only_where_there_is_one() -> None:
    ended, session = 4, Signing(renewals=5)
    server = Scripted(ended, 0)
    assert await client(server, session=session).call(ECHO, Ask("x")) == Answer("yes")
    assert [request.headers["x-left"] for request in server.seen] == ["5", "4"]
    with pytest.raises(HubError):
        await client(Scripted(ended, ended), session=session).call(ECHO, Ask("x"))
    public = msgspec.structs.replace(ECHO, public=True)
    for operation, holder in ((public, session), (ECHO, Session())):
        server = Scripted(ended)
        with pytest.raises(HubError):
            await client(server, session=holder).call(operation, Ask("x"))
        assert len(server.seen) == 1


async def test_a_session_hears_the_headers_of_successes_alone() -> None:
    session = Signing()
    calls = client(Scripted(0, 5, x_news="listen"), session=session)
    await calls.call(ECHO, Ask("x"))
    with pytest.raises(HubError):
        await calls.call(ECHO, Ask("x"))
    assert session.told == ["listen"]


async def test_connect_closes_what_it_opened() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(said("yes")))
    async with connect("http://hub.test", TinyEnvelope(), Session(), http=http) as opened:
        assert await opened.call(ECHO, Ask("x")) == Answer("yes")
    assert http.is_closed
    async with connect("http://hub.test", TinyEnvelope(), Session(), policy=Policy(timeout_s=1.0)):
        pass
