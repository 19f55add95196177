"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DEFAULT_DATA = Path("heliograph-data")
DEFAULT_DEMO = Path("heliograph-demo")

Data: TypeAlias = Annotated[
    Path, typer.Option("--data", envvar="HELIOGRAPH_DATA", help="The data directory.", file_okay=False)
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
Undo: TypeAlias = Annotated[bool, typer.Option("--undo", help="Enable it again.")]
PlantChoice: TypeAlias = Annotated[
    list[str] | None, typer.Option("--plant", help="A plant, by id or name; repeat for several.")
]
DeviceChoice: TypeAlias = Annotated[
    list[str] | None, typer.Option("--device", help="A device, by id, serial number or name; repeat for several.")
]
Latitude: TypeAlias = Annotated[
    float | None, typer.Option("--lat", min=-90, max=90, help="Latitude, north positive. [deg]")
]
Longitude: TypeAlias = Annotated[
    float | None, typer.Option("--lon", min=-180, max=180, help="Longitude, east positive. [deg]")
]
Aliases: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--alias",
        metavar="DIALECT[:SCOPE]=ID",
        help="What a dialect calls it; for energy_expert the scope is the deviceType. Repeat for several.",
    ),
]
