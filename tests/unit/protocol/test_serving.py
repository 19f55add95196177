"""The server half: whatever arrives is answered in the dialect's form, and nothing of the hub's inside shows."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from heliograph.errors import BadRequestError, LateBodyError, MissingFieldError, TooLargeError
from heliograph.protocol import serving
from heliograph.protocol.dialect import Dialect, Facade
from heliograph.protocol.limits import Limiter
from heliograph.protocol.operations import Handler, Reply
from heliograph.protocol.serving import (
    Application,
    DisconnectedError,
    decode_json,
    folders_of,
    peer_of,
    raw_path_of,
    read_body,
    refuse_repeated_names,
    routes,
    unpack,
)
from tests.unit.protocol import tiny
from tests.unit.protocol.tiny import TINY, Ask, NoHub

LIMIT = 200_000


@pytest.fixture
def hub() -> NoHub:
    """The time, and nothing else."""
    return NoHub()


@pytest.fixture(params=["router", "application"])
def app(hub: NoHub, request: pytest.FixtureRequest) -> Any:
    """The tiny dialect behind the router alone, and behind the short cut for fixed paths."""
    made = routes([TINY], hub.hub, Limiter(hub.wall), LIMIT)
    router = Starlette(routes=made)
    return router if request.param == "router" else Application(made, router)


@pytest.fixture
async def http(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it; a fault of the server would come through as an exception."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tiny/tiny/v1/") as made:
        yield made


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, error and field of a refusal."""
    found = answer.json()
    return answer.status_code, found["error"], found["field"]


def ask(**fields: Any) -> bytes:
    """A body."""
    return msgspec.json.encode(fields)


# Requests that are right


async def test_a_request_is_decoded_answered_and_wrapped(http: httpx.AsyncClient, hub: NoHub) -> None:
    answer = await http.post("echo", content=ask(text="ab", count=2, more="ignored"))
    assert answer.status_code == 200
    assert answer.json() == {"code": 0, "data": {"text": "abab"}, "at": hub.clock.at_ms}
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_numbers_may_travel_as_text_and_nothing_may_be_no_body(http: httpx.AsyncClient) -> None:
    assert (await http.post("echo", content=b'{"text": "a", "count": "3"}')).json()["data"] == {"text": "aaa"}
    assert (await http.post("slow")).json()["data"] == {"text": "slow"}


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("encoding", ["gzip", "GZIP ", "x-gzip", "deflate"])
async def test_a_compressed_body_is_unpacked(http: httpx.AsyncClient, squeeze: Any, encoding: str) -> None:
    answer = await http.post("echo", content=squeeze(ask(text="a")), headers={"content-encoding": encoding})
    assert answer.json()["data"] == {"text": "a"}


async def test_a_path_carries_parameters(http: httpx.AsyncClient) -> None:
    assert (await http.put("write/plant%20one")).json()["data"] == {"text": "plant one"}


async def test_a_long_answer_comes_in_pieces(http: httpx.AsyncClient) -> None:
    answer = await http.get("stream")
    assert (answer.text, answer.headers["x-kind"]) == ("0\n1\n2\n", "stream")
    assert "content-length" not in answer.headers
    assert answer.headers["content-type"] == "text/plain"


async def test_every_request_has_a_number_of_its_own(http: httpx.AsyncClient) -> None:
    numbers = {(await http.get("fault?vendor")).json()["request"] for _ in range(20)}
    assert len(numbers) == 20
    assert all(len(number) == 32 and int(number, 16) >= 0 for number in numbers)


# Requests that are wrong


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        (b"", "MissingFieldError", "text"),
        (b"{}", "MissingFieldError", "text"),
        (b'{"text": 5}', "BadRequestError", "text"),
        (b'{"text": null}', "BadRequestError", "text"),
        (b'{"text": "a", "count": "many"}', "BadRequestError", "count"),
        (b'{"text": "a", "tags": ["x", 3]}', "BadRequestError", "tags[1]"),
        (b'{"text": "a", "tags": {}}', "BadRequestError", "tags"),
        (b"[1, 2]", "BadRequestError", ""),
        (b'"text"', "BadRequestError", ""),
        (b'{"text": "a"', "BadRequestError", ""),
        (b'{"text": "a"}}', "BadRequestError", ""),
        (b"not json", "BadRequestError", ""),
        (b'{"text": "\xff"}', "BadRequestError", ""),
        (b'{"text": "\\ud800"}', "BadRequestError", ""),
        (b'{"text": "a", "text": "b"}', "BadRequestError", "text"),
        (b'{"text": "a", "x": {"y": 1, "y": 1}}', "BadRequestError", "y"),
    ],
)
async def test_a_body_that_is_wrong_is_told_where(http: httpx.AsyncClient, body: bytes, error: str, field: str) -> None:
    assert told(await http.post("echo", content=body)) == (500, error, field)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"text":"a","x":' + b"["])
async def test_json_nested_without_end_is_refused(http: httpx.AsyncClient, opening: bytes) -> None:
    body = opening * (LIMIT // len(opening) - 10)
    assert told(await http.post("echo", content=body))[1] == "BadRequestError"
    assert told(await http.post("echo", content=opening * 3000))[1] == "BadRequestError"


async def test_nesting_in_what_is_not_asked_for_is_refused_too(http: httpx.AsyncClient) -> None:
    body = b'{"text": "a", "more": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"
    assert told(await http.post("echo", content=body))[1] == "BadRequestError"


async def test_a_body_that_says_it_is_too_large_is_not_read(http: httpx.AsyncClient) -> None:
    answer = await http.post("echo", content=b"x" * (LIMIT + 1))
    assert told(answer)[1] == "TooLargeError"
    assert answer.headers["connection"] == "close"


async def test_a_body_in_chunks_is_cut_off_at_the_limit(http: httpx.AsyncClient) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 50_000
            yield b"x" * 50_000

    assert told(await http.post("echo", content=chunks()))[1] == "TooLargeError"
    assert sent <= LIMIT + 100_000


async def test_a_body_of_just_the_limit_is_read(http: httpx.AsyncClient) -> None:
    body = ask(text="a" * (LIMIT - len(ask(text=""))))
    assert len(body) == LIMIT
    assert (await http.post("echo", content=body)).status_code == 200
    packed = gzip.compress(body)
    assert (await http.post("echo", content=packed, headers={"content-encoding": "gzip"})).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"plain text", gzip.compress(b'{"text": "a"}')[:-3], gzip.compress(b'{"text": "a"}') + b"more"]
)
async def test_broken_gzip_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    assert told(await http.post("echo", content=body, headers={"content-encoding": "gzip"}))[1] == "BadRequestError"


async def test_a_gzip_bomb_is_refused_before_it_is_unpacked(http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    assert len(bomb) < LIMIT
    assert told(await http.post("echo", content=bomb, headers={"content-encoding": "gzip"}))[1] == "TooLargeError"


async def test_an_unknown_encoding_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("echo", content=b"x", headers={"content-encoding": "br"})
    assert told(answer)[1] == "BadRequestError"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "echo"), ("DELETE", "echo"), ("POST", "open"), ("PATCH", "write/x"), ("GET", "nowhere"), ("POST", "a/b")],
)
async def test_what_is_not_there_is_answered_in_the_dialect_s_form(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path, content=b"{}")
    assert told(answer)[1] == "NotFoundError"
    assert answer.json()["operation"] is None


# Who calls, and how often


async def test_who_is_not_known_is_told_so_and_open_calls_ask_no_one(http: httpx.AsyncClient) -> None:
    nobody = {"key": "none"}
    assert told(await http.post("echo", content=ask(text="a"), headers=nobody))[:2] == (401, "UnauthenticatedError")
    assert (await http.get("open", headers=nobody)).json()["data"] == {"text": "open"}


async def test_scopes_and_operations_of_a_credential_are_kept(http: httpx.AsyncClient) -> None:
    assert told(await http.put("write/x", headers={"key": "reader"}))[1] == "ForbiddenError"
    assert (await http.post("slow", headers={"key": "reader"})).status_code == 200
    assert told(await http.post("slow", headers={"key": "echoer"}))[1] == "ForbiddenError"
    assert (await http.post("echo", content=ask(text="a"), headers={"key": "echoer"})).status_code == 200


async def test_a_call_that_comes_too_often_is_refused_for_this_credential_alone(
    http: httpx.AsyncClient, hub: NoHub
) -> None:
    assert (await http.post("slow")).status_code == 200
    assert told(await http.post("slow"))[1] == "TooFrequentError"
    assert (await http.post("slow", headers={"key": "second"})).status_code == 200
    hub.wall.at_ms += 10_000
    assert (await http.post("slow")).status_code == 200


async def test_credentials_of_an_account_share_what_is_limited_by_account(http: httpx.AsyncClient) -> None:
    assert (await http.get("shared")).status_code == 200
    assert (await http.get("shared", headers={"key": "second"})).status_code == 200
    assert told(await http.get("shared"))[1] == "TooFrequentError"
    assert told(await http.get("shared", headers={"key": "second"}))[1] == "TooFrequentError"
    assert (await http.get("shared", headers={"key": "stranger"})).status_code == 200


async def test_who_is_refused_spends_nothing(http: httpx.AsyncClient) -> None:
    await http.post("slow", headers={"key": "none"})
    await http.post("slow", headers={"key": "echoer"})
    assert (await http.post("slow")).status_code == 200


# What goes wrong inside


@pytest.mark.parametrize("fault", ["bug", "deep", "cancel"])
async def test_a_fault_is_answered_without_its_inside_and_logged_with_its_number(
    http: httpx.AsyncClient, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.get(f"fault?{fault}", headers={"authorization": "very-secret"})
    assert told(answer)[:2] == (500, "HubError")
    assert "secret-inside" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request"] in caplog.text
    assert "very-secret" not in caplog.text


async def test_the_hub_s_own_errors_are_told_and_not_logged_as_faults(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert told(await http.get("fault?full"))[:2] == (500, "StoreFullError")
        assert told(await http.get("fault?vendor"))[:2] == (418, "VendorError")
    assert caplog.records == []


async def test_errors_are_dated_by_the_plant_clock(http: httpx.AsyncClient, hub: NoHub) -> None:
    assert (await http.get("fault?full")).json()["at"] == hub.clock.at_ms


def test_the_path_as_sent_is_percent_encoded_and_without_the_query() -> None:
    assert raw_path_of({"path": "/a b/c", "raw_path": b"/a%20b/c?d=e"}) == "/a%20b/c"
    # A server need not tell.
    assert raw_path_of({"path": "/a b/ü", "raw_path": None}) == raw_path_of({"path": "/a b/ü"}) == "/a%20b/%C3%BC"


# Callers that go away


def scope(method: str, path: str) -> dict[str, Any]:
    """What a server hands on."""
    return {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "root_path": "", "scheme": "http", "server": ("tiny", 80),
    }  # fmt: skip


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_a_caller_who_goes_away_midway_gets_no_answer_and_no_fault(
    app: Any, before: int, caplog: pytest.LogCaptureFixture
) -> None:
    coming = [{"type": "http.request", "body": b'{"te', "more_body": True}] * before + [{"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope("POST", "/tiny/v1/echo"), receive, send)
    assert sent == []
    assert caplog.records == []


async def test_a_stream_is_closed_when_its_reader_is_gone(app: Any) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        if message.get("body"):
            raise OSError("gone")

    before = len(tiny.closed)
    with pytest.raises(OSError, match="gone"):
        await app(scope("GET", "/tiny/v1/stream"), receive, send)
    assert len(tiny.closed) == before + 1


async def test_reading_stops_at_a_disconnect() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(DisconnectedError):
        await read_body(gone, 10, None)


async def test_an_untrue_length_is_no_way_around_the_limit() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 11}

    for declared in (None, "5", "-5", "five"):
        with pytest.raises(TooLargeError):
            await read_body(receive, 10, declared)


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def receive() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(LateBodyError):
        await read_body(receive, 1000, None, within_s=0.05)

    async def late(*_: object) -> bytes:
        raise LateBodyError("the body was not whole within 1 s")

    monkeypatch.setattr(serving, "read_body", late)
    answer = await http.post("echo", content=b"x")
    assert told(answer)[1] == "LateBodyError"
    assert answer.headers["connection"] == "close"


# Pieces


def test_unpacking_knows_its_limit_to_the_byte() -> None:
    assert unpack(gzip.compress(b"x" * 10), "gzip", 10) == b"x" * 10
    with pytest.raises(TooLargeError):
        unpack(gzip.compress(b"x" * 11), "gzip", 10)
    assert unpack(b"as it is", "identity", 1) == b"as it is"


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b'[{"x":{"a":1,"b":2,"a":3}}]', b'{"a":1, "\\u0061":2}', b'{"a" :1,"a":2}']
)
def test_a_name_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        refuse_repeated_names(body)
    assert caught.value.field == "a"


def test_the_same_name_in_different_objects_is_no_repetition() -> None:
    refuse_repeated_names(b'[{"a":1},{"a":2,"b":{"a":3}}]')
    refuse_repeated_names(b"no json at all")
    refuse_repeated_names(b"[" * 100_000)


def test_a_name_repeated_at_the_end_of_very_many_is_found_quickly() -> None:
    names = ",".join(f'"n{n}":1' for n in range(100_000))
    with pytest.raises(BadRequestError) as caught:
        refuse_repeated_names(f'{{{names},"n0":2}}'.encode())
    assert caught.value.field == "n0"


def test_a_missing_field_is_named_with_its_place() -> None:
    class Outer(msgspec.Struct):
        """Holds others."""

        asks: list[Ask]

    with pytest.raises(MissingFieldError) as caught:
        decode_json(b'{"asks": [{"text": "a"}, {}]}', Outer)
    assert caught.value.field == "asks[1].text"
    assert str(caught.value) == "asks[1].text is missing"


async def test_a_connection_whose_body_no_one_read_is_closed(hub: NoHub) -> None:
    made = routes([TINY], hub.hub, Limiter(hub.wall), LIMIT)
    app = Application(made, Starlette(routes=made))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://tiny/tiny/v1/") as http:
        unread = await http.post("nowhere", content=b"x" * 100)
        read = await http.put("write/x", content=b"{}")
        none = await http.get("nowhere")
    assert told(unread)[1] == "NotFoundError"
    assert unread.headers["connection"] == "close"
    assert "connection" not in read.headers
    assert "connection" not in none.headers


def test_as_many_names_as_were_expected_need_no_second_look() -> None:
    refuse_repeated_names(b'{"a":1,"b":{"c":2}}', 3)
    with pytest.raises(BadRequestError):
        refuse_repeated_names(b'{"a":1,"a":2}', 1)


@pytest.mark.parametrize(
    ("proxies", "noted", "peer"),
    [
        (0, None, "10.0.0.9"),
        (0, "1.1.1.1", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (3, "1.1.1.1,", "1.1.1.1"),
    ],
)
def test_a_caller_is_told_by_what_the_proxies_in_front_noted_and_nobody_else(
    proxies: int, noted: str | None, peer: str
) -> None:
    headers = {} if noted is None else {"x-forwarded-for": noted}
    assert peer_of({"client": ("10.0.0.9", 4711)}, headers, proxies) == peer


def test_a_connection_without_an_address_is_nobody_s() -> None:
    assert peer_of({"client": None}, {}, 0) == ""


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["/tiny/v1/echo", "/tiny/v1/write/{name}"], ["/tiny/v1"]),
        (["/op/v0/a", "/op/v1/b/c", "/public/auth/page", "/oauth2/token"], ["/op", "/public/auth", "/oauth2"]),
        (["/login", "/op/v0/a"], ["/op/v0"]),
        (["/login"], []),
    ],
)
def test_a_dialect_owns_the_folders_that_its_paths_lie_in_and_no_others(paths: list[str], folders: list[str]) -> None:
    assert folders_of(paths) == folders


class Named(tiny.TinyEnvelope):
    """Tells whose it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def failure(self, error: Any, operation: Any, request: Any, now_ms: int) -> Reply:  # any: as in the contract
        """Refuse, by name."""
        return Reply(self._name.encode(), status=404)


async def test_dialects_whose_paths_lie_side_by_side_answer_for_their_own(hub: NoHub) -> None:
    def named(name: str, *paths: str) -> Dialect:
        handlers = tuple(
            Handler(msgspec.structs.replace(tiny.OPEN, name=path, path=path), tiny.HANDLERS[3].answer) for path in paths
        )
        facade = Facade(tiny.authenticate, handlers)
        return msgspec.structs.replace(TINY, name=name, envelope=Named(name), serve=lambda _: facade)

    wide = named("wide", "/op/v0/a", "/op/v1/b", "/public/auth/page", "/oauth2/token")
    other = named("other", "/public/v2/data")
    for order in ([wide, other], [other, wide]):
        app = Starlette(routes=routes(order, hub.hub, Limiter(hub.wall), LIMIT))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://tiny") as http:
            asked = [
                "/op/v9", "/op/v0/x/y", "/op/v0/a%0Ab", "/public/auth/x", "/oauth2/x", "/public/v2/x", "/public/x",
                "/thirdData/x",
            ]  # fmt: skip
            told = [(await http.get(path)).text for path in asked]
            assert told == ["wide"] * 5 + ["other"] + ["Not Found"] * 2
