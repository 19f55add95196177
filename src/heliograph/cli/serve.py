"""`init` and `serve`: make a data directory, and serve it."""

import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from heliograph.cli.options import DEFAULT_DATA, Data
from heliograph.cli.output import count, say

if TYPE_CHECKING:
    from heliograph.config import Config
    from heliograph.hub import LocalHub


T = TypeVar("T")


class Limits(Enum):
    """Whether the vendors' call limits hold."""

    DOCUMENTED = "documented"
    OFF = "off"


Host = Annotated[str | None, typer.Option("--host", help="Address to listen on, instead of the configured one.")]
Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on, instead of the configured one.")
]
LimitsChoice = Annotated[Limits | None, typer.Option("--limits", help="Refuse calls as often as documented, or never.")]


def init(data: Data = DEFAULT_DATA) -> None:
    """Make a data directory: settings, database and key file."""
    from heliograph import config
    from heliograph.cli.opening import create
    from heliograph.hub import DATABASE, KEY, LocalHub

    create(data)
    LocalHub(data, config.load(data)).database.close()
    say(f"Made {data} with {config.FILE}, {DATABASE} and {KEY}. Who has the key file can read every secret kept.")
    option = "" if data == DEFAULT_DATA else f" --data {data}"
    say("Next:")
    for line in (
        f"heliograph account add NAME{option}",
        f"heliograph plant add NAME --zone Europe/London{option}",
        f"heliograph device add NAME --plant NAME --kind inverter{option}",
        f"heliograph credential add native{option}",
        f"heliograph serve{option}",
    ):
        say(f"  {line}")


def serve(data: Data = DEFAULT_DATA, host: Host = None, port: Port = None, limits: LimitsChoice = None) -> None:
    """Serve a data directory until Ctrl-C."""
    import asyncio

    with stoppable():
        from heliograph import app, config
        from heliograph.cli.opening import alone, require
        from heliograph.hub import LocalHub

        require(data)
        with alone(data):
            settings = chosen(config.load(data), host, port, limits)
            require_free(settings)
            hub = LocalHub(data, settings)

            async def ready() -> None:
                announce(hub, data)

            stop_if_heard()
            asyncio.run(app.run(hub, ready=ready))


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the block quietly, before a server takes them over and while it has none yet.

    A shell starts what runs in its background deaf to SIGINT; a server must hear it there too.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _interrupt) for number in numbers]
    _heard.clear()
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


_heard: list[int] = []
"""Signals that `stoppable` was sent. What is being imported may swallow the exception, so this is looked at later."""


def _interrupt(number: int, _: object) -> None:
    _heard.append(number)
    raise KeyboardInterrupt


def stop_if_heard() -> None:
    """Raises KeyboardInterrupt when `stoppable` was sent a signal."""
    if _heard:
        raise KeyboardInterrupt


def run_stoppable(work: Coroutine[None, None, T]) -> T:
    """Run what is asynchronous; SIGINT and SIGTERM cancel it, and it ends in KeyboardInterrupt."""
    import asyncio

    async def watched() -> T:
        task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, lambda: task and task.cancel())
        return await work

    if _heard:
        work.close()
    stop_if_heard()
    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def chosen(settings: "Config", host: str | None, port: int | None, limits: Limits | None) -> "Config":
    """The settings with what the command line says instead."""
    from msgspec.structs import replace

    given = {"host": host, "port": port, "limits": limits.value if limits else None}
    named = {name: value for name, value in given.items() if value is not None}
    return replace(settings, serve=replace(settings.serve, **named))


def require_free(settings: "Config") -> None:
    """Raises ConfigError when something listens on the port already, or the address is not this machine's."""
    from heliograph.cli.ports import why_not_free
    from heliograph.errors import ConfigError

    reason = why_not_free(settings.serve.host, settings.serve.port)
    if reason:
        raise ConfigError(
            f"cannot listen on {settings.serve.host}:{settings.serve.port}, {reason}: choose another --port or --host"
        )


def base_url(host: str, port: int) -> str:
    """Where a hub that listens there is reached from this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def announce(hub: "LocalHub", data: Path) -> None:
    """Say what is served and where."""
    from heliograph import __version__
    from heliograph.app import dialects

    settings = hub.config.serve
    served = ", ".join(dialect.name for dialect in dialects(settings.dialects))
    held = f"{count(len(hub.registry.plants), 'plant')} and {count(len(hub.registry.devices), 'device')}"
    say(f"Heliograph {__version__} serves {held} of {data} on {base_url(settings.host, settings.port)}")
    say(f"Dialects: {served}. Call limits: {settings.limits}. Ctrl-C stops.")
