"""What commands write: JSON or tables on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.progress import Progress

PIPE_WIDTH = 240
Listing = dict[str, Any]
"""One thing as it is shown: what JSON holds."""


def say(text: str) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(value: object) -> None:
    """A value as indented JSON on stdout."""
    body = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(body.decode() + "\n")


def cell(value: object) -> str:
    """A value as a cell of a table."""
    match value:
        case None | "" | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(cell(part) for part in value)
        case dict():
            return " ".join(str(part) for part in value.values() if part != "") or "-"
    return str(value)


def print_table(rows: Sequence[Listing], columns: Mapping[str, str], *, empty: str) -> None:
    """Rows as a table on stdout; `columns` maps a key to its heading, `empty` is said when there is no row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        say(empty)
        return
    table = Table(*columns.values())
    for row in rows:
        table.add_row(*(Text(cell(row[key])) for key in columns))
    # A pipe has no width that anything would have to be cut to.
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def print_fields(row: Mapping[str, object]) -> None:
    """One thing on stdout, a line a field; nothing is wrapped, so that a secret can be copied."""
    width = max(map(len, row))
    sys.stdout.writelines(f"{name:{width}}  {cell(value)}\n" for name, value in row.items())


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 plant`, `2,000 plants`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show(row: Listing, *, as_json: bool) -> None:
    """One thing, as JSON or as lines."""
    if as_json:
        print_json(row)
    else:
        print_fields(row)


def show_once(row: Listing, *, as_json: bool) -> None:
    """One thing with a secret that is never shown again."""
    show(row, as_json=as_json)
    if not as_json:
        say("Note the secret now: it is not shown again.")


def show_all(rows: Sequence[Listing], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Several things, as JSON or as a table of the chosen columns."""
    if as_json:
        print_json(rows)
    else:
        print_table(rows, columns, empty=empty)


def progress() -> Progress:
    """Progress bars on stderr, on a terminal only and gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
