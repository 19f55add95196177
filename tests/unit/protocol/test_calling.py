"""The client half: what it sends, how it waits, and what its failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
import pytest

from heliograph import errors
from heliograph.clock import FixedClock
from heliograph.errors import (
    BadRequestError,
    DeviceError,
    HubError,
    OutcomeUnknownError,
    SignatureError,
    TooFrequentError,
    UnauthenticatedError,
    UnreachableError,
)
from heliograph.protocol.calling import Client, Policy, Sent, Session, connect, locate, placed
from heliograph.protocol.codes import Code, VendorError
from heliograph.protocol.operations import Chunk, Limit, Operation
from tests.unit.protocol.tiny import ECHO, Answer, Ask, TinyEnvelope


class Named(msgspec.Struct):
    """Asks with a name in the path."""

    name: str
    span: int | None = None
    ids: list[int] = []


class Coded(msgspec.Struct):
    """Asks for plants, however they are written down."""

    plants: str | list[str] | int | None


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

    async def renew(self, proof: Mapping[str, str]) -> bool:
        """See Session."""
        assert proof["x-left"] == str(self.renewals)
        self.renewals -= 1
        return self.renewals >= 0


def client(
    answer: Answering, wall: FixedClock | None = None, session: Session | None = None, **patience: Any
) -> Client:
    """A client whose server is a function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    policy = Policy(**{"tries": 1, **patience})
    return Client("http://hub.test:81/", TinyEnvelope(), session or Signing(), http, wall=wall, policy=policy)


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


@pytest.mark.parametrize(("code", "kind"), [(4, UnauthenticatedError), (6, TooFrequentError), (5, HubError)])
async def test_a_refusal_is_caught_by_its_kind_and_tells_the_vendors_code(code: int, kind: type[HubError]) -> None:
    refusing = client(lambda _: httpx.Response(200, json={"code": code, "text": "so it is", "data": None}))
    with pytest.raises(kind, match="so it is") as caught:
        await refusing.call(ECHO, Ask("x"))
    assert isinstance(caught.value, VendorError)
    assert caught.value.code.value == code
    assert type(caught.value).__name__ in (kind.__name__, "VendorError")


def test_every_kind_of_the_tree_can_come_as_a_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HubError)]
    assert len(kinds) > 20
    for kind in kinds:
        told = placed(VendorError(Code(7, "seven", kind), "in detail"))
        assert isinstance(told, VendorError)
        assert isinstance(told, BadRequestError if kind is errors.RecordsError else kind)
        assert (str(told), told.code.value) == ("in detail", 7)
        assert type(placed(VendorError(Code(8, "eight", kind)))) is type(told)


async def test_what_is_no_answer_is_an_error_of_the_tree() -> None:
    class Strict(TinyEnvelope):
        def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:
            return msgspec.json.decode(body, type=operation.result)

    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")))
    with pytest.raises(DeviceError, match="echo: HTTP 200 and no answer that can be read"):
        await Client("http://hub.test", Strict(), Session(), http).call(ECHO, Ask("x"))


@pytest.mark.parametrize(
    "address",
    [
        "hub.test", "ftp://hub.test", "http://", "http:// hub.test", "http://hub.test:99999", "http://hub.test/?a=1",
        "http://hub.test/#a", "http://user:pw-of-mine@hub.test", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused_at_once_and_not_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="such as https://DOMAIN") as caught:
        Client(address, TinyEnvelope(), Session(), httpx.AsyncClient())
    assert "pw-of-mine" not in repr(caught.value)


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


async def test_text_with_commas_goes_out_in_chunks_too_and_what_is_no_list_goes_out_whole() -> None:
    sent: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(msgspec.json.decode(request.content)["plants"])
        return httpx.Response(200, json={"code": 0, "data": {"text": str(len(sent))}})

    coded = Operation(
        name="coded", method="POST", path="/c", request=Coded, result=Answer, cite="10", chunk=Chunk("plants", 2)
    )
    given: list[str | list[str] | int | None] = ["a,b,c", "a,b", ["a", "b", "c"], 7, None]
    for plants in given:
        assert [part.text async for part in client(answer).call_chunked(coded, Coded(plants))]
    assert sent == ["a,b", "c", "a,b", ["a", "b"], ["c"], 7, None]


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


async def test_a_call_that_waits_does_not_hold_another_back(monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()

    async def sleep(_: float) -> None:
        await released.wait()

    calls = client(said("ok"), FixedClock(0))
    other = msgspec.structs.replace(MANY, name="other")
    for _ in range(2):
        await calls.call(MANY, Named("n"))
    monkeypatch.setattr("heliograph.protocol.calling.asyncio.sleep", sleep)
    waiting = asyncio.create_task(calls.call(MANY, Named("n")))
    assert await asyncio.wait_for(calls.call(other, Named("n")), 5) == Answer("ok")
    assert not waiting.done()
    waiting.cancel()


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


async def test_a_session_that_cannot_be_opened_is_neither_renewed_nor_tried_again(waits: list[float]) -> None:
    class Locked(Signing):
        async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
            raise SignatureError("the password is wrong")

    server, session = Scripted(), Locked(renewals=5)
    with pytest.raises(SignatureError):
        await client(server, session=session, tries=3).call(ECHO, Ask("x"))
    assert (server.seen, session.renewals, waits) == ([], 5, [])


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
