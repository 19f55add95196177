"""`import`: samples from files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data, Json
from heliograph.cli.output import count, print_json, progress, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress, TaskID

    from heliograph.cli.gathering import Gathered, Gatherer
    from heliograph.hub import LocalHub

BATCH = 5000


def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files.", exists=True, dir_okay=False)],
    data: Data = DEFAULT_DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the files and keep nothing.")] = False,
    new_keys: Annotated[bool, typer.Option("--new-keys", help="Take measurements that no table knows.")] = False,
    as_json: Json = False,
) -> None:
    """Import samples from CSV or Parquet files.

    A file has the columns device, at, key, value (and text, for what is no number), or device, at and a column for
    each measurement. A device is named by id or serial number; a time is ISO 8601, without an offset in the plant's
    zone, or milliseconds since 1970. Values are in the hub's own units. What is there already counts once.
    """
    import asyncio

    from heliograph.cli.opening import opened

    with opened(data) as hub:
        total = asyncio.run(_import(hub, files, dry_run=dry_run, new_keys=new_keys))
    if as_json:
        print_json(total)
        return
    read = f"{count(total['records'], 'record')} with {count(total['values'], 'value')}"
    devices = count(total["devices"], "device")
    parts = f"{total['new']:,} new, {total['known']:,} known already, {total['corrected']:,} corrected"
    say(f"Read {read} of {devices}: {parts}.{' Nothing was kept.' if dry_run else ''}")


async def _import(hub: "LocalHub", files: list[Path], *, dry_run: bool, new_keys: bool) -> dict[str, int]:
    from heliograph.cli.gathering import Gatherer
    from heliograph.cli.opening import writing

    gatherer = Gatherer(hub, new_keys=new_keys)
    total = dict.fromkeys(("records", "values", "devices", "new", "known", "corrected"), 0)
    with progress() as bars:
        async with writing(hub):
            for path in files:
                await _import_file(hub, gatherer, path, total, bars, dry_run=dry_run)
    total["devices"] = len(gatherer.devices)
    return total


async def _import_file(
    hub: "LocalHub", gatherer: "Gatherer", path: Path, total: dict[str, int], bars: "Progress", *, dry_run: bool
) -> None:
    import asyncio

    from heliograph.cli.reading import batches, read, size
    from heliograph.errors import BadRequestError, RequestError

    kept = 0
    try:
        bar = bars.add_task(path.name, total=size(path))
        for batch in batches(read(path, gatherer.check_key, _mover(bars, bar)), BATCH):
            gathered = gatherer.gather(batch)
            if not dry_run:
                await _keep(hub, gathered)
                kept += gathered.records
            for name in ("records", "values", "new", "known", "corrected"):
                total[name] += getattr(gathered, name)
            await asyncio.sleep(0)  # where Ctrl-C is heard
        bars.update(bar, completed=size(path))
    except RequestError as error:
        before = "nothing of it was kept"
        if kept:
            before = f"{count(kept, 'record')} before it are kept; once it is mended, import the whole file again"
        raise BadRequestError(f"{path}: {error} ({before})") from error


def _mover(bars: "Progress", bar: "TaskID") -> "Callable[[int], None]":
    def moved(place: int) -> None:
        bars.update(bar, completed=place)

    return moved


async def _keep(hub: "LocalHub", gathered: "Gathered") -> None:
    from heliograph.cli.opening import operator

    if not gathered.blocks:
        return
    # A server beside this process folds days as they are marked, so each batch marks its days anew.
    hub.hot.forget()
    for account_id, blocks in gathered.blocks.items():
        await hub.ingest(operator(account_id), blocks, source="import")
    await hub.hot.flush()
