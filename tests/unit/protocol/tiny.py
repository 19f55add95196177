"""A dialect of a few calls, to see the server half at work without a vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import msgspec

from heliograph.clock import FixedClock
from heliograph.errors import HubError, StoreFullError, TooFrequentError, UnauthenticatedError
from heliograph.model.access import Caller
from heliograph.protocol.codes import Code, CodeTable, VendorError
from heliograph.protocol.dialect import Dialect, Facade
from heliograph.protocol.hub import Hub
from heliograph.protocol.operations import Call, Handler, Identity, Limit, Operation, Reply, Request, handle


class Ask(msgspec.Struct):
    """What is asked."""

    text: str
    count: int = 1
    tags: list[str] = []


class Answer(msgspec.Struct):
    """What is answered."""

    text: str


class Nothing(msgspec.Struct):
    """Asks for nothing in particular."""


BROKEN = Code(9, "broken", HubError, status=500)
REFUSED = Code(5, "refused by hand", status=418)
WHO = Code(4, "who are you", UnauthenticatedError, status=401)
OFTEN = Code(6, "not so fast", TooFrequentError, status=429)
CODES = CodeTable([BROKEN, REFUSED, WHO, OFTEN], {UnauthenticatedError: WHO}, BROKEN)


class TinyEnvelope:
    """Wraps everything as `{"code": ..., "data": ...}`; errors tell their class too."""

    def success(self, result: Any, call: Call[Any]) -> Reply:  # any: results of all operations pass here
        """Wrap a result."""
        return Reply(msgspec.json.encode({"code": 0, "data": result, "at": call.now_ms}))

    def failure(self, error: HubError, operation: Operation[Any, Any] | None, request: Request, now_ms: int) -> Reply:
        """Wrap an error."""
        code = CODES.code(error)
        body = {
            "code": code.value, "error": type(error).__name__, "text": str(error), "request": request.request_id,
            "field": getattr(error, "field", ""), "operation": operation.name if operation else None, "at": now_ms,
        }  # fmt: skip
        return Reply(msgspec.json.encode(body), status=code.status)

    def open(self, operation: Operation[Any, Any], status: int, body: bytes) -> Any:  # any: see success
        """What the other side answered."""
        found = msgspec.json.decode(body)
        if found["code"]:
            raise CODES.error(found["code"], found["text"])
        return msgspec.convert(found["data"], operation.result)


ECHO = Operation(name="echo", method="POST", path="/tiny/v1/echo", request=Ask, result=Answer, cite="1")
SLOW = Operation(
    name="slow", method="POST", path="/tiny/v1/slow", request=Nothing, result=Answer, cite="2", limit=Limit(1, 10.0)
)
WRITE = Operation(
    name="write", method="PUT", path="/tiny/v1/write/{name}", request=Nothing, result=Answer, cite="3", scope="write"
)
OPEN = Operation(name="open", method="GET", path="/tiny/v1/open", request=Nothing, result=Answer, cite="4", public=True)
FAULT = Operation(name="fault", method="GET", path="/tiny/v1/fault", request=Nothing, result=Answer, cite="5")
STREAM = Operation(name="stream", method="GET", path="/tiny/v1/stream", request=Nothing, result=Answer, cite="6")
SHARED = Operation(
    name="shared", method="GET", path="/tiny/v1/shared", request=Nothing, result=Answer, cite="7",
    limit=Limit(2, 10.0, "account"),
)  # fmt: skip
FAULTS: dict[str, Callable[[], Exception]] = {
    "bug": lambda: ValueError("secret-inside /etc/passwd"),
    "full": lambda: StoreFullError("no room"),
    "vendor": lambda: VendorError(REFUSED),
    "deep": lambda: RecursionError("too deep"),
    "cancel": lambda: OSError("gone"),
}
closed: list[str] = []


async def _echo(call: Call[Ask]) -> Answer:
    return Answer(call.request.text * call.request.count)


async def _name(call: Call[Nothing]) -> Answer:
    return Answer(call.http.path_params.get("name", "") or call.operation.name)


async def _fault(call: Call[Nothing]) -> Answer:
    raise FAULTS[call.http.query]()


async def _stream(call: Call[Nothing]) -> Reply:
    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            for number in range(3):
                yield f"{number}\n".encode()
                await asyncio.sleep(0)
        finally:
            closed.append(call.http.request_id)

    return Reply(pieces(), content_type="text/plain", headers={"x-kind": "stream"})


async def authenticate(hub: Hub, operation: Operation[Any, Any], request: Request) -> Identity:
    """The header `key` says who calls: `none` is refused, `reader` may only read, `echoer` may only echo.

    `second` is another credential of the same account, `stranger` is of another account.
    """
    key = request.headers.get("key", "all")
    if key == "none" and not operation.public:
        raise UnauthenticatedError("no such key")
    scopes = frozenset({"read"} if key == "reader" else {"read", "write"})
    operations = frozenset({"echo"}) if key == "echoer" else None
    if key == "stranger":
        return Identity(Caller(2, 3))
    return Identity(Caller(1, 2 if key == "second" else 1, scopes=scopes, operations=operations))


HANDLERS: tuple[Handler, ...] = (
    handle(ECHO, _echo),
    handle(SLOW, _name),
    handle(WRITE, _name),
    handle(OPEN, _name),
    handle(FAULT, _fault),
    handle(STREAM, _stream),
    handle(SHARED, _name),
)
TINY = Dialect(
    name="tiny",
    title="Tiny",
    document="none",
    envelope=TinyEnvelope(),
    serve=lambda _: Facade(authenticate, HANDLERS),
)


class NoHub:
    """A hub that only knows the time: the plant's and the wall's differ, to tell them apart."""

    def __init__(self) -> None:
        self.clock, self.wall = FixedClock(1_000_000), FixedClock(5_000_000)

    @property
    def hub(self) -> Hub:
        """As far as the server half looks, a hub."""
        return cast("Hub", self)
