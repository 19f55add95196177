"""`backup` and `restore`: a whole hub as one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import DEFAULT_DATA, Data
from heliograph.cli.output import count, say


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, for example hub.tar or hub.tar.gz.", dir_okay=False)],
    data: Data = DEFAULT_DATA,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Copy a hub into one file, while it may be serving: database, key file, settings and firmware packages."""
    from heliograph.cli.archive import pack
    from heliograph.errors import ConflictError

    if file.exists() and not force:
        raise ConflictError(f"{file} is there already: name another file, or give --force")
    held = pack(data, file)
    size_mb = file.stat().st_size / 1e6
    say(f"Wrote {file}, {size_mb:.1f} MB: {_listed(held)}.")
    say("It holds the key file: who has it can read every secret. Only you may read it now; keep it so.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.", exists=True, dir_okay=False)],
    data: Data = DEFAULT_DATA,
    force: Annotated[bool, typer.Option("--force", help="Replace the hub that is in the directory.")] = False,
) -> None:
    """Put a hub back from a backup. Stop a hub that serves the directory first."""
    from heliograph.cli.archive import unpack

    held = unpack(file, data, force=force)
    say(f"Restored {_listed(held)} into {data}. `heliograph doctor --data {data}` looks it over.")


def _listed(held: list[str]) -> str:
    """What a backup holds, the packages of the firmware catalogue by their number."""
    files = [name for name in held if "/" not in name]
    packages = len(held) - len(files)
    return ", ".join([*files, *([count(packages, "firmware file")] if packages else [])])
