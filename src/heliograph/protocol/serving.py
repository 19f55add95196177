"""The server half over HTTP: a dialect's operations as ASGI routes.

Whatever goes wrong is answered in the dialect's own form; what is not the caller's fault is logged with the request's
number, never with its headers or body.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import posixpath
import secrets
import zlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliograph.errors import (
    BadRequestError,
    ForbiddenError,
    HubError,
    LateBodyError,
    MissingFieldError,
    NotFoundError,
    TooLargeError,
)  # fmt: skip
from heliograph.model.access import Caller
from heliograph.protocol.dialect import Dialect, Facade
from heliograph.protocol.hub import Hub
from heliograph.protocol.limits import Key, Limiter
from heliograph.protocol.operations import Call, Handler, Limit, Operation, Reply, Request

log = logging.getLogger("heliograph.serving")

SMALL_BODY = 16 << 10
"""Up to this size a body is searched for repeated names without asking further. [bytes]"""
BODY_S = 120.0
"""How long a body may take to come. Whoever sends slower holds a connection for nothing. [s]"""

_PROCESS = secrets.token_hex(8)
_REQUESTS = itertools.count(1)


def next_request_id() -> str:
    """32 hexadecimal digits that no other request of this or another process has."""
    return f"{_PROCESS}{next(_REQUESTS):016x}"


_SPACED = (b'" ', b'"\t', b'"\n', b'"\r')
"""A space between a name and its colon: then colons must not be counted."""
_BODIES = frozenset({b"content-length", b"transfer-encoding"})


class DisconnectedError(Exception):
    """The caller went away before the request was whole."""


async def read_body(receive: Receive, limit: int, declared: str | None, within_s: float = BODY_S) -> bytes:
    """The body as sent. Raises TooLargeError past the limit, LateBodyError past the time, without reading on."""
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise TooLargeError(f"the body is larger than {limit} bytes")
    try:
        async with asyncio.timeout(within_s):
            return await _body(receive, limit)
    except TimeoutError:
        raise LateBodyError(f"the body was not whole within {within_s:g} s") from None


async def _body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
    return b"".join(parts)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding. Raises BadRequestError when it is broken, TooLargeError past the limit."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadRequestError(f"content encoding {encoding[:20]!r} is not understood; send gzip or none")
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        out = machine.decompress(body, limit + 1)
        whole = machine.eof and not machine.unused_data
    except zlib.error as error:
        raise BadRequestError("the body is not valid gzip") from error
    if len(out) > limit:
        raise TooLargeError(f"the unpacked body is larger than {limit} bytes")
    if not whole:
        raise BadRequestError("the gzip body is cut short")
    return out


def refuse_repeated_names(body: bytes, expected: int | None = None) -> None:
    """Refuse JSON in which an object names something twice: which of the values is meant, nobody can tell.

    `expected` is how many names the decoded body holds; when the body seems to hold just so many, that is taken as
    proof. Raises BadRequestError naming the name. What is no JSON is left to the decoder.
    """
    if expected is not None and body.count(b'":') == expected and not any(odd in body for odd in _SPACED):
        return
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names: set[str] = set()
        name = next(name for name, _ in pairs if name in names or names.add(name))  # type: ignore[func-returns-value]
        raise BadRequestError(f"{name[:100]!r} stands twice in one object", field=name[:100])
    return found


def decode_body(operation: Operation[Any, Any], request: Request) -> Any:  # any: the operation tells the type
    """The request Struct of a JSON body; an absent body counts as `{}`. Raises BadRequestError naming the place."""
    body = request.body or b"{}"
    return decode_json(body, operation.request)


_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode_json(body: bytes, kind: Any) -> Any:  # any: a type, and a value of it
    """JSON as a value of `kind`, numbers from text too. Raises BadRequestError naming the place."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind, strict=False)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise validation_error(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError("the body is not valid JSON") from error
    except RecursionError as error:
        raise BadRequestError("the body is nested too deeply") from error


def validation_error(error: msgspec.ValidationError) -> BadRequestError:
    """The hub's error for msgspec's: what is wrong, and where."""
    text, _, place = str(error).partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    if text.startswith("Object missing required field"):
        missing = f"{field}.{text.split('`')[1]}".lstrip(".")
        return MissingFieldError(f"{missing} is missing", field=missing)
    return BadRequestError(f"{text}, in {field}" if field else text, field=field)


def peer_of(scope: Scope, headers: Mapping[str, str], proxies: int) -> str:
    """The address of the caller: of the connection, or what the outermost of so many proxies in front has noted.

    Whatever stands further left in the header anybody could have written.
    """
    noted = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if proxies and noted:
        return noted[max(len(noted) - proxies, 0)][:100]
    return str((scope.get("client") or ("",))[0])


def raw_path_of(scope: Scope) -> str:
    """The path as sent, percent-encoded and without the query; encoded anew where the server does not tell."""
    raw = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else raw.partition(b"?")[0].decode("latin-1")


class Endpoint:
    """One operation as an ASGI application."""

    def __init__(
        self, dialect: Dialect, facade: Facade, handler: Handler, hub: Hub, limiter: Limiter, max_body: int,
        proxies: int = 0,
    ) -> None:  # fmt: skip
        self._dialect, self._envelope, self._facade = dialect.name, dialect.envelope, facade
        self._operation, self._answer = handler.operation, handler.answer
        self._hub, self._limiter, self._max_body, self._proxies = hub, limiter, max_body, proxies
        self._decode = dialect.decode or decode_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=b"",
            raw_body=b"",
            path_params=scope.get("path_params", {}),
            request_id=next_request_id(),
        )
        request.peer = peer_of(scope, request.headers, self._proxies)
        request.raw_path = raw_path_of(scope)
        try:
            reply = await self._reply(request, receive)
        except DisconnectedError:
            return
        except (TooLargeError, LateBodyError) as error:
            reply = self._failure(error, request)
            reply.headers["connection"] = "close"  # the rest of the body is not read, so no request can follow it
        except HubError as error:
            reply = self._failure(error, request)
        except Exception:
            log.exception("request %s to %s failed", request.request_id, self._operation.name)
            reply = self._failure(HubError("the hub failed; see its log for this request"), request)
        await respond(reply, send)

    def _counted(self, limit: Limit, caller: Caller) -> Key:
        """Under which key a call counts; no operation has a name with a blank in it."""
        if limit.scope == "account":
            return caller.account_id, f"account of {self._dialect}"
        return caller.credential_id, self._operation.name if limit.scope == "operation" else ""

    def _failure(self, error: HubError, request: Request) -> Reply:
        return self._envelope.failure(error, self._operation, request, self._hub.clock.now_ms())

    async def _reply(self, request: Request, receive: Receive) -> Reply:
        request.raw_body = await read_body(receive, self._max_body, request.headers.get("content-length"))
        identity = await self._facade.authenticate(self._hub, self._operation, request)
        operation, caller = self._operation, identity.caller
        if not operation.public:
            if operation.scope not in caller.scopes:
                raise ForbiddenError(f"this needs the scope {operation.scope}")
            if caller.operations is not None and operation.name not in caller.operations:
                raise ForbiddenError(f"the credential does not open {operation.name}")
            if operation.limit is not None:
                self._limiter.take(operation.limit, self._counted(operation.limit, caller))
        encoding = request.headers.get("content-encoding", "").strip().lower()
        request.body = unpack(request.raw_body, encoding, self._max_body)
        if len(request.body) <= SMALL_BODY:
            refuse_repeated_names(request.body)
        call: Call[Any] = Call(
            self._hub, operation, self._decode(operation, request), request, caller, identity.once, self._hub.wall
        )
        result = await self._answer(call)
        return result if isinstance(result, Reply) else self._envelope.success(result, call)


async def respond(reply: Reply, send: Send) -> None:
    """Send a reply, piece by piece when its body is an iterator."""
    headers = [(b"content-type", reply.content_type.encode())]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    if isinstance(reply.body, bytes):
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    start: Message = {"type": "http.response.start", "status": reply.status, "headers": headers}
    await send(start)
    async with aclosing(reply.body) as pieces:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Unknown:
    """Answers what a dialect has no operation for, another method or another path, in the dialect's own form."""

    def __init__(self, dialect: Dialect, hub: Hub) -> None:
        self._dialect, self._hub = dialect, hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request."""
        request = Request(scope["method"], scope["path"], "", {}, b"", b"", request_id=next_request_id())
        error = NotFoundError(f"there is no operation {scope['method']} {scope['path'][:200]}")
        await respond(self._dialect.envelope.failure(error, None, request, self._hub.clock.now_ms()), send)


class Application:
    """Operations whose path holds no parameter are found at once; everything else goes through the router."""

    def __init__(self, made: Sequence[Route], router: ASGIApp) -> None:
        self._router = router
        self._static: dict[tuple[str, str], Endpoint] = {
            (method, route.path): route.endpoint
            for route in made
            for method in route.methods or ()
            if isinstance(route.endpoint, Endpoint) and "{" not in route.path
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            endpoint = self._static.get((scope["method"], scope["path"]))
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
            if any(name in _BODIES and value != b"0" for name, value in scope["headers"]):
                await self._route_body(scope, receive, send)
                return
        await self._router(scope, receive, send)

    async def _route_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request with a body; if no one reads it, no other request can follow on its connection."""
        untouched = True

        async def reading() -> Message:
            nonlocal untouched
            untouched = False
            return await receive()

        async def closing(message: Message) -> None:
            if untouched and message["type"] == "http.response.start":
                held = [header for header in message["headers"] if header[0] != b"connection"]
                message = {**message, "headers": [*held, (b"connection", b"close")]}
            await send(message)

        await self._router(scope, reading, closing)


def folders_of(paths: Sequence[str]) -> list[str]:
    """The folders that belong to whoever serves these paths: what those with the same first part have in common.

    A path without a folder claims none, or everything else would be below it.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder:
            found.setdefault(folder.split("/")[1], []).append(folder)
    return [posixpath.commonpath(group) for group in found.values()]


class _Rest(Convertor[str]):
    """Whatever is left of a path, line breaks too; the library's own `path` stops at those."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("rest", _Rest())


def routes(dialects: Sequence[Dialect], hub: Hub, limiter: Limiter, max_body: int, *, proxies: int = 0) -> list[Route]:
    """The routes of all dialects: every operation, and a refusal for whatever else is asked below their paths.

    `proxies` is how many stand in front and note their callers' addresses.
    """
    made: list[Route] = []
    unknown: dict[str, Unknown] = {}
    for dialect in dialects:
        facade = dialect.serve(hub)
        for handler in facade.handlers:
            endpoint = Endpoint(dialect, facade, handler, hub, limiter, max_body, proxies)
            made.append(Route(handler.operation.path, endpoint, methods=[handler.operation.method]))
        refusal = Unknown(dialect, hub)
        unknown |= dict.fromkeys(folders_of([handler.operation.path for handler in facade.handlers]), refusal)
    # The longest path first: one dialect's may lie below another's.
    for folder in sorted(unknown, key=len, reverse=True):
        made += [Route(path, unknown[folder], methods=None) for path in (folder, f"{folder}/{{rest:rest}}")]
    return made
