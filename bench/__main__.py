"""`python -m bench`: measure, show a table, and on demand write it down."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from bench import pushing
from bench.apsystems import apsystems
from bench.history import history
from bench.peers import influx, victoria
from bench.peers.peer import measure
from bench.processes import BenchError
from bench.run import Run
from bench.sizes import FULL, QUICK
from bench.table import Book, Machine, rich_table, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
PARTS: dict[str, Callable[[Run], None]] = {
    "push": pushing.batches,
    "single": pushing.singles,
    "busy": pushing.busy,
    "history": history,
    "apsystems": apsystems,
    "influx": partial(measure, peer=influx.PEER),
    "victoria": partial(measure, peer=victoria.PEER),
}


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the hub, and two databases beside it."
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--folder", type=Path, help="where the data goes while measuring; else a temporary folder")
    return parser.parse_args(given)


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Measure what was asked for; 1 when something did not work, 130 when interrupted."""
    options = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, _stop)
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    book = Book(Machine.here())
    status = 0
    with tempfile.TemporaryDirectory(prefix="heliograph-bench-", dir=options.folder) as folder:
        run = Run(QUICK if options.quick else FULL, Path(folder), book, console)
        try:
            for name in options.only or PARTS:
                PARTS[name](run)
        except BenchError as error:
            console.print(f"[red]{error}", markup=True)
            status = 1
        except KeyboardInterrupt:
            status = 130
    console.print(rich_table(book))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(book)))
    if options.write and not status:
        write(book, DOCUMENT)
    return status


if __name__ == "__main__":
    sys.exit(main())
