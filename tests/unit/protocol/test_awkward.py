"""The client half and servers that do not behave: what is on the way answers, drips, refuses, or is told secrets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import traceback
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from heliograph.clock import FixedClock
from heliograph.errors import (
    DeviceError,
    OutcomeUnknownError,
    SpentError,
    StoreBusyError,
    TooFrequentError,
    UnreachableError,
)
from heliograph.protocol.calling import Client, Policy, Sent, Session
from heliograph.protocol.codes import Code, CodeTable
from heliograph.protocol.operations import Limit, Operation
from tests.unit.protocol.tiny import ECHO, Answer, Ask, TinyEnvelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

NOW_MS = 1_781_949_600_000
YES = {"code": 0, "data": {"text": "yes"}}
WRITING = msgspec.structs.replace(ECHO, scope="write")
SPENT, BUSY = 21, 22


class Strict(TinyEnvelope):
    """The envelope of the dialect, which does not take what is no JSON for an answer of its own."""

    TABLE = CodeTable([Code(SPENT, "spent", SpentError), Code(BUSY, "busy", StoreBusyError)], {}, Code(1, ""))

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:
        """See Envelope."""
        code = msgspec.json.decode(body).get("code", 0)
        if code in self.TABLE.by_value:
            raise self.TABLE.error(code)
        return super().open(operation, status, body)


class Server:
    """Answers by a script; the last step goes on for ever."""

    def __init__(self, *script: tuple[int, object, dict[str, str]]) -> None:
        self.script, self.seen = list(script), 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        status, body, headers = self.script[min(self.seen, len(self.script) - 1)]
        self.seen += 1
        return httpx.Response(status, headers=headers, **({"text": body} if isinstance(body, str) else {"json": body}))


def client(server: Callable[[httpx.Request], httpx.Response], session: Session | None = None) -> Client:
    """A client whose server is a function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(server))
    return Client("http://hub.test", Strict(), session or Session(), http, wall=FixedClock(NOW_MS))


@pytest.mark.parametrize(
    ("said", "waited"),
    [
        ("7", 7.0), ("0.5", 0.5), (formatdate(NOW_MS / 1000 + 9, usegmt=True), 9.0),
        (formatdate(NOW_MS / 1000 - 9, usegmt=True), 1.0), ("soon", 1.0), ("", 1.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", [ECHO, WRITING])
async def test_who_is_refused_on_the_way_for_coming_too_often_comes_when_told(
    waits: list[float], said: str, waited: float, operation: Operation[Ask, Answer]
) -> None:
    server = Server((429, "<html>", {"retry-after": said}), (200, YES, {}))
    assert await client(server).call(operation, Ask("x")) == Answer("yes")
    assert waits == [waited]
    with pytest.raises(TooFrequentError, match="HTTP 429"):
        await client(Server((429, "", {"retry-after": said}))).call(operation, Ask("x"))


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_without_an_answer_leaves_open_what_became_of_a_write(waits: list[float], status: int) -> None:
    server = Server((status, "<html>", {}), (status, "<html>", {"retry-after": "30"}), (200, YES, {}))
    assert await client(server).call(ECHO, Ask("x")) == Answer("yes")
    assert waits == [1.0, 30.0]
    server = Server((status, "<html>", {"retry-after": "1"}), (200, YES, {}))
    with pytest.raises(OutcomeUnknownError, match=f"HTTP {status}"):
        await client(server).call(WRITING, Ask("x"))
    assert server.seen == 1
    with pytest.raises(OutcomeUnknownError):
        await client(Server((status, "", {"retry-after": "900"}))).call(ECHO, Ask("x"))
    assert waits == [1.0, 30.0]


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
async def test_other_answers_that_cannot_be_read_are_told_once(waits: list[float], status: int) -> None:
    server = Server((status, "<html>", {"location": "/login"}))
    with pytest.raises(DeviceError, match=f"HTTP {status} and no answer that can be read") as caught:
        await client(server).call(ECHO, Ask("x"))
    assert (server.seen, waits, isinstance(caught.value, OutcomeUnknownError)) == (1, [], False)


async def test_a_spent_budget_is_told_at_once_unless_it_comes_back_soon(waits: list[float]) -> None:
    server = Server((200, {"code": SPENT}, {}))
    with pytest.raises(SpentError):
        await client(server).call(ECHO, Ask("x"))
    assert (server.seen, waits) == (1, [])
    server = Server((200, {"code": SPENT}, {"retry-after": "60"}), (200, YES, {}))
    assert await client(server).call(ECHO, Ask("x")) == Answer("yes")
    assert waits == [60.0]


async def test_a_busy_server_is_asked_again_by_what_only_reads(waits: list[float]) -> None:
    server = Server((200, {"code": BUSY}, {}), (200, YES, {}))
    assert await client(server).call(ECHO, Ask("x")) == Answer("yes")
    assert waits == [1.0]
    server = Server((200, {"code": BUSY}, {}))
    with pytest.raises(StoreBusyError):
        await client(server).call(WRITING, Ask("x"))
    assert server.seen == 1


class Carrying(Session):
    """Puts a secret where it is told."""

    def __init__(self, secret: str) -> None:
        self.secret, self.renewals = secret, 1

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session."""
        return {"token": self.secret}

    async def renew(self, proof: Any) -> bool:
        """See Session."""
        self.renewals -= 1
        return self.renewals >= 0


@pytest.mark.parametrize("secret", ["s3cret-value\n", " s3cret-value", "s3cret-välue", "s3cret\r\nx: y"])
async def test_a_secret_that_no_header_carries_is_a_mistake_that_is_told_without_it(secret: str) -> None:
    server = Server((200, YES, {}))
    with pytest.raises(ValueError, match="the header token") as caught:
        await client(server, Carrying(secret)).call(ECHO, Ask("x"))
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert server.seen == 0


async def test_a_call_whose_session_was_renewed_keeps_its_turn(waits: list[float]) -> None:
    limited = msgspec.structs.replace(ECHO, limit=Limit(1, 60.0))
    server = Server((200, {"code": 4, "text": "who"}, {}), (200, YES, {}))
    assert await client(server, Carrying("x")).call(limited, Ask("x")) == Answer("yes")
    assert (server.seen, waits) == (2, [])


@asynccontextmanager
async def dripping(body: bytes, pause_s: float) -> AsyncIterator[str]:
    """A server on loopback whose answer comes byte by byte."""

    at_work: set[asyncio.Task[Any]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: t=s3cret-cookie\r\ncontent-length: %d\r\n\r\n" % len(body))
            for each in body:
                writer.write(bytes([each]))
                await writer.drain()
                await asyncio.sleep(pause_s)
        except ConnectionError:
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*at_work)


async def test_a_server_that_takes_no_connection_in_time_was_not_reached() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        with contextlib.ExitStack() as held:
            for _ in range(4):  # what the system takes for it without being asked
                waiting = held.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
            url, policy = f"http://127.0.0.1:{address[1]}", Policy(tries=1, timeout_s=0.3)
            async with httpx.AsyncClient(trust_env=False, timeout=0.3) as http:
                with pytest.raises(UnreachableError):
                    await Client(url, Strict(), Session(), http, policy=policy).call(WRITING, Ask("x"))


async def test_an_answer_that_never_ends_is_waited_for_no_longer_than_said() -> None:
    body = msgspec.json.encode(YES)
    async with dripping(body, 0.05) as url, httpx.AsyncClient(trust_env=False) as http:
        hasty = Client(url, Strict(), Session(), http, policy=Policy(tries=1, timeout_s=0.3))
        with pytest.raises(OutcomeUnknownError, match="no answer came"):
            await hasty.call(ECHO, Ask("x"))


class Asked(msgspec.Struct):
    """Asks with a secret in the address."""

    client_secret: str


async def test_the_http_client_logs_nothing_of_a_call_and_everything_of_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    open_ = Operation(name="a", method="GET", path="/a", request=Asked, result=Answer, cite="1", public=True)
    async with dripping(msgspec.json.encode(YES), 0) as url, httpx.AsyncClient(trust_env=False) as http:
        quiet = Client(url, Strict(), Session(), http)
        assert await quiet.call(open_, Asked("s3cret-value")) == Answer("yes")
        assert "s3cret" not in caplog.text
        assert (await http.get(f"{url}/b?mine=1")).status_code == 200
    assert "/b?mine=1" in caplog.text
