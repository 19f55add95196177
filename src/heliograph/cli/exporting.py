"""`export`: samples or totals into a file."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data, DeviceChoice, PlantChoice
from heliograph.cli.output import progress, say

if TYPE_CHECKING:
    from heliograph.cli.selecting import Selection
    from heliograph.cli.writing import Format
    from heliograph.hub import LocalHub


class FormatChoice(Enum):
    """The format of a file."""

    CSV = "csv"
    PARQUET = "parquet"


class Period(Enum):
    """The periods that totals are of."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def export(
    file: Annotated[Path, typer.Argument(help="Where to write: .csv, .parquet, or - for CSV on stdout.")],
    data: Data = DEFAULT_DATA,
    plant: PlantChoice = None,
    device: DeviceChoice = None,
    since: Annotated[str | None, typer.Option(help="From this date or time on; without an offset, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this date or time, itself left out.")] = None,
    keys: Annotated[str, typer.Option(help="Only these measurements, with commas between.")] = "",
    buckets: Annotated[
        Period | None, typer.Option(help="Totals of this period instead of samples; of plants, or of --device.")
    ] = None,
    wide: Annotated[bool, typer.Option("--wide", help="A column for each measurement instead of a row.")] = False,
    serials: Annotated[bool, typer.Option("--serials", help="Name devices by serial number, if unique.")] = False,
    form: Annotated[FormatChoice | None, typer.Option("--format", help="If the name does not tell.")] = None,
) -> None:
    """Export samples, or totals with --buckets. A file of samples can be imported again."""
    import asyncio

    from heliograph.cli.opening import opened
    from heliograph.cli.selecting import select

    chosen = _format(file, form)
    with opened(data) as hub:
        wanted = tuple(dict.fromkeys(key.strip() for key in keys.split(",") if key.strip()))
        selection = select(hub, plant, device, since, until, wanted)
        if buckets is not None:
            rows = asyncio.run(_totals(hub, selection, file, chosen, buckets))
        else:
            rows = asyncio.run(_samples(hub, selection, file, chosen, wide=wide, serials=serials))
    say(f"Wrote {rows:,} rows to {'stdout' if str(file) == '-' else file}.")


def _format(file: Path, form: FormatChoice | None) -> "Format":
    from heliograph.cli.reading import PARQUET
    from heliograph.cli.writing import STDOUT, Format
    from heliograph.errors import BadRequestError

    if form is not None:
        chosen = Format(form.value)
    elif file.suffix.lower() in PARQUET:
        chosen = Format.PARQUET
    elif file.suffix.lower() == ".csv" or file == STDOUT:
        chosen = Format.CSV
    else:
        raise BadRequestError(f"the name {file.name!r} tells no format: end it in .csv or .parquet, or give --format")
    if file == STDOUT and chosen is Format.PARQUET:
        raise BadRequestError("only CSV goes to stdout: name a file for Parquet")
    return chosen


async def _samples(
    hub: "LocalHub", selection: "Selection", file: Path, form: "Format", *, wide: bool, serials: bool
) -> int:
    import asyncio

    from heliograph.cli.pieces import LONG_COLUMNS, device_names, keys_of, long_piece, wide_columns, wide_piece
    from heliograph.cli.selecting import series
    from heliograph.cli.writing import table

    names = device_names(hub, selection.devices, serials=serials)
    written = 0
    with progress() as bars:
        keys = selection.keys
        if wide and not keys:
            keys = await keys_of(series(hub, selection, bars, "Measurements"))
        with table(file, form, wide_columns(keys) if wide else LONG_COLUMNS) as out:
            async for part in series(hub, selection, bars, "Samples"):
                name = names[part.device_id]
                piece = wide_piece(name, part, keys) if wide else long_piece(name, part)
                written += len(piece["at"])
                out.write(piece)
                await asyncio.sleep(0)  # where Ctrl-C is heard
    return written


async def _totals(hub: "LocalHub", selection: "Selection", file: Path, form: "Format", period: Period) -> int:
    from heliograph.cli.opening import writing
    from heliograph.cli.pieces import TOTAL_COLUMNS, total_piece
    from heliograph.cli.selecting import totals
    from heliograph.cli.writing import table
    from heliograph.clock import Level

    subject = selection.subject
    written = 0
    with progress() as bars, table(file, form, TOTAL_COLUMNS[subject]) as out:
        async with writing(hub):
            async for part in totals(hub, selection, Level[period.name], bars):
                piece = total_piece(subject, part)
                written += len(piece["since"])
                out.write(piece)
    return written
