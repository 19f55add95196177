"""`firmware`: the packages that devices can be upgraded with."""

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.group import group
from heliograph.cli.options import DEFAULT_DATA, Data, Json
from heliograph.cli.output import say, show, show_all

app = group("The firmware catalogue of a hub: the packages for each model. A running hub sees changes at once.")
Model = Annotated[str, typer.Option("--model", help="The model it is for, as devices name it.")]
Version = Annotated[str, typer.Option("--version", help="The version it brings.")]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="The package; it is copied.", exists=True, dir_okay=False)],
    model: Model,
    version: Version,
    upgrades: Annotated[
        list[str] | None,
        typer.Option(
            help="A version that it can be put on; repeat, or put commas between several. Every older one if left out."
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Add a package and print its checksum; one of the same model and version is replaced."""
    from heliograph.cli.cataloguing import add_package, show_package
    from heliograph.cli.opening import opened

    listed = [part.strip() for word in upgrades or () for part in word.split(",")]
    words = dict.fromkeys(part for part in listed if part)
    with opened(data) as hub:
        added = add_package(hub, file, model.strip(), version.strip(), tuple(words))
        show(show_package(hub, added), as_json=as_json)


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List packages, older versions of a model first."""
    from heliograph.cli.cataloguing import FIRMWARE, show_package
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        rows = [show_package(hub, package) for package in hub.firmware.all()]
    empty = "No package yet: heliograph firmware add FILE --model NAME --version VERSION"
    show_all(rows, FIRMWARE, as_json=as_json, empty=empty)


@app.command()
def remove(model: Model, version: Version, data: Data = DEFAULT_DATA) -> None:
    """Take a package out of the catalogue, and its file, unless another package needs it."""
    from heliograph.cli.cataloguing import remove_package
    from heliograph.cli.opening import opened

    with opened(data) as hub:
        remove_package(hub, model, version)
    say(f"Removed {model} {version}.")
