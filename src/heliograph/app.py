"""The application: a hub and its dialects as one ASGI application, and the server that runs it."""

from __future__ import annotations

import asyncio
import gc
import html
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from granian.constants import Interfaces
from granian.server.embed import Server
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from heliograph import __version__
from heliograph.errors import ConfigError, StoreError
from heliograph.hub import LocalHub
from heliograph.protocol.dialect import Dialect, discover, settings_of
from heliograph.protocol.limits import Limiter
from heliograph.protocol.serving import Application, routes

log = logging.getLogger("heliograph")

SWITCH_INTERVAL_S = 0.0005
"""How long the loop keeps the interpreter's lock from the thread that returns from a commit. [s]"""

FRONT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Heliograph</title></head><body>
<h1>Heliograph {version}</h1>
<p>A hub for solar and storage fleets. Point clients of these interfaces at this address:</p>
<ul>{served}</ul>
<p><a href="/healthz">Health</a>, <a href="/metrics">metrics</a>{more}</p>
</body></html>
"""
"""What a browser sees that asks for nothing in particular."""


def dialects(names: tuple[str, ...] = ()) -> list[Dialect]:
    """The dialects to serve, all when none is named. Raises ConfigError for a name no folder has."""
    found = discover("heliograph.dialects")
    unknown = [name for name in names if name not in found]
    if unknown:
        raise ConfigError(f"there is no dialect {unknown[0]!r}; there are {', '.join(found)}")
    return [found[name] for name in names or found]


def make_app(hub: LocalHub) -> ASGIApp:
    """The ASGI application of a hub: every dialect's routes, `/healthz`, `/metrics` and a page at `/` that says so."""
    serve = hub.config.serve
    limiter = Limiter(hub.wall, enabled=hub.limited)
    metrics = _metrics(hub)

    async def healthz(_: Request) -> Response:
        try:
            hub.database.query("SELECT 1")
        except StoreError as error:
            return JSONResponse({"status": "failing", "detail": str(error), "version": __version__}, 503)
        return JSONResponse({"status": "ok", "version": __version__})

    async def show_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    async def front(_: Request) -> Response:
        return page

    served = dialects(serve.dialects)
    page = _front(served)
    known = discover("heliograph.dialects")
    for name in hub.config.dialects:
        if name not in known:
            raise ConfigError(f"dialects.{name}: there is no dialect {name!r}; there are {', '.join(known)}")
        settings_of(known[name], hub.config.dialects)
    made = routes(served, hub, limiter, serve.max_body_bytes, proxies=serve.proxies)
    own = [Route("/", front), Route("/healthz", healthz), Route("/metrics", show_metrics)]
    inner = Starlette(routes=[*made, *own])
    # A redirection to the address with a slash would lead to whatever host the caller named.
    inner.router.redirect_slashes = False
    return Application(made, inner)


def _front(served: Sequence[Dialect]) -> Response:
    titles = "".join(f"<li>{html.escape(dialect.title)}</li>" for dialect in served)
    native = any(dialect.name == "native" for dialect in served)
    more = ', <a href="/api/v1/openapi.json">its own API as OpenAPI 3.1</a>' if native else ""
    headers = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
    return HTMLResponse(FRONT.format(version=__version__, served=titles, more=more), headers=headers)


def _metrics(hub: LocalHub) -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, help_: str, read: Callable[[], float]) -> None:
        Gauge(f"heliograph_{name}", help_, registry=registry).set_function(read)

    gauge("commits_total", "Transactions committed since the start.", lambda: hub.database.commits)
    gauge("wal_bytes", "Size of the write-ahead log.", lambda: hub.database.wal_bytes())
    gauge("worker_failures_total", "Workers that failed and started again.", lambda: hub.worker_failures)
    gauge("plants", "Plants known.", lambda: len(hub.registry.plants))
    gauge("devices", "Devices known.", lambda: len(hub.registry.devices))
    gauge(
        "dirty_days",
        "Device-days that wait to be folded.",
        lambda: hub.database.query("SELECT count(*) FROM dirty")[0][0],
    )
    return registry


async def run(
    hub: LocalHub,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
    beside: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve a hub until SIGINT or SIGTERM.

    `ready` is awaited once requests are answered; `beside` runs as long as the server does.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What is loaded by now stays; a request makes thousands of short-lived objects and hardly a cycle.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await hub.start()
    serve = hub.config.serve
    server = Server(
        make_app(hub),
        address=serve.host,
        port=serve.port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve(), name="server")
    jobs = [serving]
    try:
        await _listening(serve.host, serve.port, serving)
        if ready is not None:
            await ready()
        if beside is not None:
            jobs.append(asyncio.ensure_future(beside()))
        waiter = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait([*jobs, waiter], return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        for task in done - {waiter}:
            task.result()
    finally:
        for task in jobs[1:]:
            task.cancel()
        await asyncio.gather(*jobs[1:], return_exceptions=True)
        server.stop()  # type: ignore[no-untyped-call]  # published without types
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(serving, return_exceptions=True), 2.0)
        await hub.stop()


async def _listening(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Wait until the port answers. Raises ConfigError when it does not within five seconds."""
    for _ in range(500):
        if serving.done():
            serving.result()
            break
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        return
    raise ConfigError(f"nothing could listen on {host}:{port}: is the port taken?")
