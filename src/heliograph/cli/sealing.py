"""`seal`: compress samples of ended days now."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data
from heliograph.cli.output import count, progress, say

if TYPE_CHECKING:
    from heliograph.hub import LocalHub


def seal(
    data: Data = DEFAULT_DATA,
    until: Annotated[
        str | None, typer.Option(help="Days that ended by then; without an offset, UTC. Every ended day if left out.")
    ] = None,
) -> None:
    """Compress the samples of days that are over. A running hub does so by itself."""
    import asyncio

    from heliograph.cli.lookup import moment
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        limit_ms = moment(until, field="--until")
        moved = asyncio.run(_seal(hub, hub.clock.now_ms() if limit_ms is None else limit_ms))
    say(f"Sealed {count(moved, 'record')}.")


async def _seal(hub: "LocalHub", limit_ms: int) -> int:
    from heliograph.cli.opening import writing

    waiting = hub.database.query("SELECT count(*) FROM sample WHERE at < ?", (limit_ms,))[0][0]
    with progress() as bars:
        bar = bars.add_task("Sealing", total=waiting)
        async with writing(hub):
            moved = await hub.sealing.seal_until(limit_ms, lambda step: bars.advance(bar, step))
        # Records of days that are not over stay.
        bars.update(bar, completed=moved, total=moved)
    return moved
