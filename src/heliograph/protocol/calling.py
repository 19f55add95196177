"""The client half over HTTP: the same operations a facade serves, called at another server.

A call waits until its limit allows, is signed by the dialect's session, and is made again where that is safe: when
nothing was sent, when it only reads, when the other side says how long to wait, and once after a session was renewed.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec

from heliograph.clock import Clock, WallClock, instant_ms
from heliograph.errors import (
    BadRequestError,
    DeviceError,
    HubError,
    OutcomeUnknownError,
    RecordsError,
    SpentError,
    StoreBusyError,
    TooFrequentError,
    UnauthenticatedError,
    UnreachableError,
)
from heliograph.protocol.codes import VendorError, legible
from heliograph.protocol.dialect import Envelope
from heliograph.protocol.limits import Key, Limiter
from heliograph.protocol.operations import Operation
from heliograph.protocol.silence import silent

Q = TypeVar("Q", bound=msgspec.Struct)
R = TypeVar("R")
_ENCODER = msgspec.json.Encoder()
PAUSE_S = 1.0
"""Before the second try; it doubles with each further one. [s]"""
TOO_MANY_REQUESTS = 429
GATEWAY = (502, 503, 504)
"""Statuses of something on the way that had no answer from behind it."""
_HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?|")


class Sent(msgspec.Struct, frozen=True):
    """A request that is about to leave: the path percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Session:
    """What proves to a server who calls; one for each client. This one proves nothing."""

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """The headers to add. May call the server first, for a token or a session."""
        del client, operation, sent
        return {}

    def heard(self, operation: Operation[Any, Any], headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer that was a success."""

    async def renew(self, proof: Mapping[str, str]) -> bool:
        """After a call with these headers was refused since who calls is not known: whether another try may succeed."""
        del proof
        return False


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a client is."""

    tries: int = 3
    """How often a call is made at most, where making it again is safe."""
    longest_wait_s: float = 120.0
    """The longest pause that the other side may ask for. [s]"""
    timeout_s: float = 30.0
    """How long connecting may take, and each piece of an answer; a call as a whole twice as long. [s]"""


class Client:
    """Calls operations of one dialect at one server, paced by the limits that its operations declare."""

    def __init__(
        self, base_url: str, envelope: Envelope, session: Session, http: httpx.AsyncClient,
        *, wall: Clock | None = None, policy: Policy | None = None, paced: bool = True,
    ) -> None:  # fmt: skip
        self._base_url, self._envelope, self._session, self._http = _address(base_url), envelope, session, http
        self.wall: Clock = wall or WallClock()
        self._policy = policy or Policy()
        self._limiter = Limiter(self.wall, enabled=paced)
        self._turns: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def call(self, operation: Operation[Q, R], request: Q) -> R:
        """Call an operation, waiting first until its limit allows.

        Raises the HubError that the other side's answer stands for, which is a VendorError too where it came as a
        code; UnreachableError when nothing was sent, OutcomeUnknownError when it was and no answer came, DeviceError
        when what came is no answer.
        """
        renewed = False
        tries = 1
        await self._pace(operation)
        while True:
            sent = self._prepare(operation, request)
            proof = await self._session.sign(self, operation, sent)
            try:
                return await self._ask(operation, sent, proof)
            except HubError as error:
                if not renewed and isinstance(error, UnauthenticatedError) and not operation.public:
                    renewed = await self._session.renew(proof)
                    if renewed:
                        continue  # what was refused at the door did not count: the turn is still this call's
                pause_s = self._pause_s(operation, error, tries)
                if pause_s is None:
                    raise
            tries += 1
            await asyncio.sleep(pause_s)
            await self._pace(operation)

    def _pause_s(self, operation: Operation[Any, Any], error: HubError, tries: int) -> float | None:
        """How long to wait before the call is made again; None when it must not be, or was often enough."""
        if tries >= self._policy.tries:
            return None
        if isinstance(error, TooFrequentError):
            limit_s = operation.limit.per_s if operation.limit else PAUSE_S
            asked_s = error.retry_after_s or (float("inf") if isinstance(error, SpentError) else limit_s)
            return asked_s if asked_s <= self._policy.longest_wait_s else None
        pause_s: float = PAUSE_S * 2 ** (tries - 1)
        if isinstance(error, UnreachableError):
            return pause_s
        if operation.scope != "read" or not isinstance(error, OutcomeUnknownError | StoreBusyError):
            return None
        asked_s = error.retry_after_s if isinstance(error, OutcomeUnknownError) else 0.0
        return max(asked_s, pause_s) if asked_s <= self._policy.longest_wait_s else None

    def _prepare(self, operation: Operation[Q, Any], request: Q) -> Sent:
        path, query, body = locate(operation, request)
        headers = {"content-type": "application/json", "host": httpx.URL(self._base_url).netloc.decode()}
        return Sent(operation.method, path, query, headers, body)

    async def _ask(self, operation: Operation[Any, R], sent: Sent, proof: Mapping[str, str]) -> R:
        url = f"{self._base_url}{sent.path}" + (f"?{sent.query}" if sent.query else "")
        headers = {**sent.headers, **proof}
        _refuse_unsendable(operation, headers)
        try:
            # Longer than connecting may take, so that what was never sent is told from what was.
            async with asyncio.timeout(2 * self._policy.timeout_s):
                with silent():
                    answer = await self._http.request(sent.method, url, content=sent.body or None, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(f"{operation.name}: the server was not reached") from error
        except (httpx.RequestError, TimeoutError) as error:
            raise OutcomeUnknownError(f"{operation.name}: no answer came") from error
        try:
            with legible(operation.name, answer.status_code):
                found = cast("R", self._envelope.open(operation, answer.status_code, answer.content))
        except VendorError as error:
            told = placed(error)
            if isinstance(told, TooFrequentError):
                told.retry_after_s = _seconds(answer.headers, self.wall)
            raise told from None
        except DeviceError as error:
            raise _on_the_way(operation, error, answer, self.wall) from error
        self._session.heard(operation, answer.headers)
        return found

    async def call_chunked(self, operation: Operation[Q, R], request: Q) -> AsyncIterator[R]:
        """Call an operation as often as its chunk makes necessary, with a part of the long field each time.

        The field may be a list, or text with commas between. Raises as `call`; results that came before still count.
        """
        chunk = operation.chunk
        given = getattr(request, chunk.field) if chunk else None
        entries: Any = given.split(",") if isinstance(given, str) else given  # any: what the request's field is
        if chunk is None or not isinstance(entries, list | tuple) or len(entries) <= chunk.size:
            yield await self.call(operation, request)
            return
        for start in range(0, len(entries), chunk.size):
            part = entries[start : start + chunk.size]
            own = {chunk.field: ",".join(part) if isinstance(given, str) else part}
            yield await self.call(operation, msgspec.structs.replace(request, **own))

    async def _pace(self, operation: Operation[Any, Any]) -> None:
        if operation.limit is None:
            return
        key = (0, operation.name if operation.limit.scope == "operation" else "")
        async with self._turns[key]:
            wait_s = self._limiter.wait_s(operation.limit, key)
            if wait_s > 0:
                await asyncio.sleep(wait_s + 0.001)
            self._limiter.take(operation.limit, key)


def placed(error: VendorError) -> HubError:
    """A vendor's code as an error of its place in the tree: caught by that kind as well as by VendorError."""
    kind = error.code.error
    if isinstance(error, kind):
        return error
    return _both(BadRequestError if issubclass(kind, RecordsError) else kind)(error.code, str(error))


_BOTH: dict[type[HubError], type[VendorError]] = {}


def _both(kind: type[HubError]) -> type[VendorError]:
    if kind not in _BOTH:
        # VendorError stands first: what a kind means by `code` gives way to the vendor's.
        made = type(kind.__name__, (VendorError, kind), {"__module__": kind.__module__})
        _BOTH[kind] = cast("type[VendorError]", made)
    return _BOTH[kind]


def _on_the_way(
    operation: Operation[Any, Any], error: DeviceError, answer: httpx.Response, wall: Clock
) -> HubError:  # fmt: skip
    """What an answer without a body that can be read means: its status may be that of something on the way."""
    told: TooFrequentError | OutcomeUnknownError
    if answer.status_code == TOO_MANY_REQUESTS:
        told = TooFrequentError(f"{operation.name}: HTTP 429, called too often")
    elif answer.status_code in GATEWAY:
        told = OutcomeUnknownError(f"{operation.name}: HTTP {answer.status_code}, the server did not answer")
    else:
        return error
    told.retry_after_s = _seconds(answer.headers, wall)
    return told


def _seconds(headers: httpx.Headers, wall: Clock) -> float:
    """What an answer says of when to come back: so many seconds, or a date. 0 where it says nothing. [s]"""
    text = headers.get("retry-after", "").strip()
    try:
        if text[:1].isdecimal():
            return float(text)
        return max(instant_ms(parsedate_to_datetime(text)) - wall.now_ms(), 0) / 1000
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _address(base_url: str) -> str:
    """The address of a server, without its last slash. Raises ValueError for what is none."""
    try:
        url = httpx.URL(base_url)
        good = url.scheme in ("http", "https") and url.host and (url.port or 0) < 1 << 16
    except httpx.InvalidURL:
        good = False
    if not good or url.query or url.fragment or url.userinfo or " " in base_url:
        # It is not repeated: a password may stand in it.
        raise ValueError("base_url is the address of a server, such as https://DOMAIN, without query and user")
    return base_url.rstrip("/")


def _refuse_unsendable(operation: Operation[Any, Any], headers: Mapping[str, str]) -> None:
    """Refuse what no header carries before the client of HTTP does, whose errors repeat it. Raises ValueError."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(value):
            raise ValueError(
                f"{operation.name}: what goes into the header {name} has a line break, an accent or a space at an end; "
                "look at the credentials"
            )


def locate(operation: Operation[Q, Any], request: Q) -> tuple[str, str, bytes]:
    """Path, query and body of a request: path parameters by name, the rest in the query of a GET or in the body.

    A request type with `IN_QUERY` travels in the query whatever the method; one with `on_wire()` says itself how it
    is written down.
    """
    on_wire = getattr(request, "on_wire", None)
    fields = cast("dict[str, Any]", msgspec.to_builtins(request) if on_wire is None else on_wire())
    path = operation.path
    for name in list(fields):
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(str(fields.pop(name)), safe=""))
    if operation.method == "GET" or getattr(operation.request, "IN_QUERY", False):
        pairs = [f"{quote(name)}={quote(_text(value), safe='')}" for name, value in fields.items() if value is not None]
        return path, "&".join(pairs), b""
    return path, "", _ENCODER.encode(fields)


def _text(value: object) -> str:
    """A value as a query carries it: lists with commas between, booleans in JSON's words."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


@asynccontextmanager
async def connect(
    base_url: str, envelope: Envelope, session: Session, *, wall: Clock | None = None, policy: Policy | None = None,
    paced: bool = True, http: httpx.AsyncClient | None = None,
) -> AsyncIterator[Client]:  # fmt: skip
    """A client with its own connections, closed at the end; `http` is for one whose connections are yours."""
    policy = policy or Policy()
    async with http or httpx.AsyncClient(timeout=policy.timeout_s) as opened:
        yield Client(base_url, envelope, session, opened, wall=wall, policy=policy, paced=paced)
