"""`demo`: a simulated fleet and the hub that serves it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import DEFAULT_DEMO
from heliograph.cli.output import count, progress, say
from heliograph.cli.serve import Limits, run_stoppable, stop_if_heard, stoppable

if TYPE_CHECKING:
    from heliograph.cli.demo_story import Story
    from heliograph.cli.output import Listing
    from heliograph.config import Config
    from heliograph.hub import LocalHub

CREDENTIALS = "credentials.json"
"""Where the demonstration's secrets are written down."""
SEED = 1
DAYS = 40
WIDTH = 100


def demo(
    data: Annotated[
        Path, typer.Option("--data", help="The directory of the demonstration; made if missing.", file_okay=False)
    ] = DEFAULT_DEMO,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days of history, when it is made.")] = DAYS,
    limits: Annotated[Limits, typer.Option(help="Refuse calls as often as documented, or never.")] = Limits.DOCUMENTED,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of weather, loads, gaps and alarms, when it is made; 1 if left out.")
    ] = None,
    clock: Annotated[
        str | None, typer.Option(metavar="TIME", help="Where the plants' clock starts, ISO 8601; now if left out.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.001, max=100_000, help="How fast the plants' clock runs; 1 if left out.")
    ] = None,
) -> None:
    """Run a simulated fleet and its hub: history first, then live, until Ctrl-C.

    Run again, it goes on where it was. The credentials of its account are printed and kept in credentials.json in the
    directory. With --clock or --speed the plants live by a clock of their own, which stands still while the
    demonstration does not run; signatures, tokens, sessions and limits go by this machine's clock always.
    """
    import asyncio

    with stoppable():
        from heliograph import app, config
        from heliograph.cli.demo_story import Heard, live
        from heliograph.cli.demo_target import add_packages, connect
        from heliograph.cli.lookup import moment
        from heliograph.cli.opening import alone, opened
        from heliograph.cli.serve import announce, chosen, require_free
        from heliograph.clock import VirtualClock
        from heliograph.hub import LocalHub

        _make(data)
        with alone(data):
            settings = chosen(config.load(data), host, port, limits)
            require_free(settings)
            with opened(data, settings=settings) as hub:
                asked_ms = moment(clock, field="--clock")
                story = _begin(hub, data, days=days, seed=seed, clock_ms=asked_ms, speed=speed)
                add_packages(hub, story.seed)
            access = _catch_up(data, settings, story)
            hub = LocalHub(data, settings, clock=VirtualClock(story.clock_ms, story.speed) if story.virtual else None)
            hub.watch.clock = Heard(hub.clock, story)
            connect(hub, story)

            async def ready() -> None:
                announce(hub, data)
                _present(access, data)

            stop_if_heard()
            asyncio.run(app.run(hub, ready=ready, beside=lambda: live(hub, story)))


def _make(data: Path) -> None:
    from heliograph import config
    from heliograph.cli.opening import create
    from heliograph.hub import DATABASE, LocalHub

    if not (data / DATABASE).exists():
        create(data)
        LocalHub(data, config.load(data)).database.close()


def _begin(
    hub: "LocalHub", data: Path, *, days: int, seed: int | None, clock_ms: int | None, speed: float | None
) -> "Story":
    """The story to go on with, new or resumed, by the clock that was asked for."""
    from heliograph.cli import demo_story
    from heliograph.clock import DAY_MS
    from heliograph.errors import ConfigError

    now_ms = hub.wall.now_ms()
    virtual = clock_ms is not None or speed not in (None, 1.0)
    story = demo_story.load(hub)
    if story is None:
        if hub.registry.accounts:
            raise ConfigError(f"{data} holds a hub that is no demonstration: name another directory with --data")
        until_ms = now_ms if clock_ms is None else clock_ms
        story = demo_story.begin(hub, seed=SEED if seed is None else seed, since_ms=until_ms - days * DAY_MS)
        story.clock_ms = until_ms
    else:
        if seed not in (None, story.seed):
            raise ConfigError(f"{data} was made with --seed {story.seed}: leave --seed out, or name another directory")
        held_ms = story.clock_ms if story.virtual else min(story.clock_ms, now_ms)
        if clock_ms is not None and clock_ms < held_ms:
            raise ConfigError("the plants' clock does not go back: choose a later --clock, or another directory")
        if clock_ms is not None or not story.virtual:
            story.clock_ms = now_ms if clock_ms is None else clock_ms
    story.virtual |= virtual
    story.speed = speed or story.speed
    demo_story.resume(hub, story)
    return story


def _catch_up(data: Path, settings: "Config", story: "Story") -> "Listing":
    """Simulate, fold and seal up to the clock; returns the credentials, which are written down then."""
    import time

    from heliograph.cli.demo_fleet import credentials
    from heliograph.cli.opening import opened
    from heliograph.cli.serve import base_url
    from heliograph.clock import FixedClock

    begun_s = time.monotonic()
    with opened(data, settings=settings, clock=FixedClock(story.clock_ms)) as hub:
        made = run_stoppable(_fill(hub, story))
        access = credentials(hub, base_url(settings.serve.host, settings.serve.port))
    if made:
        say(f"Made {count(made, 'record')} of history in {time.monotonic() - begun_s:.1f} s.")
    _write_private(data / CREDENTIALS, access)
    return access


async def _fill(hub: "LocalHub", story: "Story") -> int:
    from heliograph.cli.demo_story import advance_to
    from heliograph.cli.opening import writing

    hub.recover()
    since_ms = story.at_ms
    async with writing(hub):
        with progress() as bars:
            bar = bars.add_task("History", total=max(story.clock_ms - story.at_ms, 1))
            made = await advance_to(hub, story, story.clock_ms, moved=lambda step_ms: bars.advance(bar, step_ms))
            waiting = hub.database.query("SELECT count(*) FROM dirty")[0][0]
            bar = bars.add_task("Totals", total=waiting)
            while folded := await hub.folding.fold_some():
                bars.advance(bar, folded)
            bar = bars.add_task("Sealing", total=hub.database.query("SELECT count(*) FROM sample")[0][0])
            await hub.sealing.seal_due(lambda step: bars.advance(bar, step))
            bar = bars.add_task("Alarms", total=1)
            await hub.watch.review(since_ms, story.at_ms)
            bars.advance(bar, 1)
    return made


def _write_private(path: Path, access: "Listing") -> None:
    """Write what holds secrets so that nobody else can read it at any moment."""
    import os

    import msgspec

    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(access), indent=2) + b"\n")
    part.replace(path)


def _present(access: "Listing", data: Path) -> None:
    """Print what clients need as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("dialect", "field", "value", title="Account demo")
    for dialect, fields in access.items():
        if isinstance(fields, str):
            table.add_row("", dialect, Text(fields))
            continue
        for name, value in fields.items():
            shown = value if isinstance(value, str) else ", ".join("/".join(one.values()) for one in value)
            table.add_row(dialect, name, Text(shown))
            dialect = ""
    console = Console()
    # A secret cut in two could not be copied: let the terminal wrap lines rather than the table its cells.
    console.width = max(console.width, WIDTH)
    console.print(table, crop=False)
    say(f"The same is in {data / CREDENTIALS}, which only you may read.")
