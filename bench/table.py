"""What is measured, what came out, and how it is shown: on the terminal, as JSON, as a table of the documentation."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from rich.table import Table

HUB, INFLUX, VICTORIA = "Heliograph", "InfluxDB", "VictoriaMetrics"
PEERS = (INFLUX, VICTORIA)
START, END = "<!-- bench -->", "<!-- /bench -->"


class Row(msgspec.Struct, frozen=True):
    """A line of the table: what it measures, in which unit, and what is aimed at."""

    key: str
    title: str
    unit: str
    better: Literal["more", "less", ""] = ""
    aim: float | None = None
    digits: int = 0


ROWS = (
    Row("push.rate", "Batches: all meters x 22 values", "values/s", "more", 1_000_000),
    Row("push.p50", "- half answered within", "ms", "less", digits=1),
    Row("push.p99", "- 99 % answered within", "ms", "less", 50, 1),
    Row("push.generator", "- processor share of the generator", "% of a core", digits=0),
    Row("push.server", "- processor share of the server", "% of a core", digits=0),
    Row("push.cost", "- processor time of the server for a request", "us", "less"),
    Row("single.rate", "Single records from 64 connections", "requests/s", "more", 3000),
    Row("single.p50", "- half answered within", "ms", "less", digits=1),
    Row("single.p99", "- 99 % answered within", "ms", "less", 50, 1),
    Row("single.generator", "- processor share of the generator", "% of a core", digits=0),
    Row("single.server", "- processor share of the server", "% of a core", digits=0),
    Row("single.cost", "- processor time of the server for a request", "us", "less"),
    Row("busy-push.rate", "Batches while sealing and folding", "values/s", "more"),
    Row("busy-push.p50", "- half answered within", "ms", "less", digits=1),
    Row("busy-push.p99", "- 99 % answered within", "ms", "less", 50, 1),
    Row("busy-push.sealed", "- values sealed meanwhile", "values/s"),
    Row("busy-push.folded", "- device-days folded meanwhile", "1/s"),
    Row("busy-single.rate", "Single records while sealing and folding", "requests/s", "more"),
    Row("busy-single.p50", "- half answered within", "ms", "less", digits=1),
    Row("busy-single.p99", "- 99 % answered within", "ms", "less", 50, 1),
    Row("busy-single.sealed", "- values sealed meanwhile", "values/s"),
    Row("busy-single.folded", "- device-days folded meanwhile", "1/s"),
    Row("disk.value", "Disk, files as they are", "bytes/value", "less", 1.0, 2),
    Row("disk.used", "- without pages free for new records", "bytes/value", "less", digits=2),
    Row("start", "Start on this history until it answers", "s", "less", 1.0, 2),
    Row("day.sealed", "A day of all inverters, all points, sealed: half within", "ms", "less", 500),
    Row("day.sealed.p99", "- slowest", "ms", "less"),
    Row("day.hot", "A day of all inverters, all points, hot: half within", "ms", "less", 500),
    Row("day.hot.p99", "- slowest", "ms", "less"),
    Row("latest.p50", "Newest values of all inverters: half within", "ms", "less", digits=1),
    Row("latest.p99", "- 99 % within", "ms", "less", 15, 1),
    Row("days.p50", "Daily report of all plants: half within", "ms", "less", digits=1),
    Row("days.p99", "- 99 % within", "ms", "less", 50, 1),
    Row("fox.real", "Fox ESS: 50 inverters at this moment, all variables", "requests/s", "more", 400),
    Row("fox.real.p99", "- 99 % answered within", "ms", "less", digits=1),
    Row("fox.history", "Fox ESS: a day of one inverter, all variables: half within", "ms", "less", 40, 1),
    Row("fox.history.p99", "- 99 % within", "ms", "less", digits=1),
    Row("aps.summary", "APsystems: summary of a system of all inverters", "requests/s", "more", 1500),
    Row("aps.month", "APsystems: its days of a month", "requests/s", "more", 1500),
    Row("aps.minutely", "APsystems: a day of one inverter: half within", "ms", "less", 15, 1),
    Row("aps.minutely.p99", "- 99 % within", "ms", "less", digits=1),
    Row("aps.batch", "APsystems: powers of all inverters over a day: half within", "ms", "less", 120, 1),
    Row("aps.batch.p99", "- 99 % within", "ms", "less", digits=1),
    Row("memory", "Most memory at any time", "MB", "less", 300),
)
BY_KEY = {row.key: row for row in ROWS}


class Figure(msgspec.Struct, frozen=True):
    """One number of one program."""

    row: str
    subject: str
    value: float
    note: str = ""


class Machine(msgspec.Struct, frozen=True):
    """Where and when it was measured."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    at: str
    load_before: float
    """Processes that wanted to run in the minute before: what else the machine was doing."""

    @staticmethod
    def here() -> Machine:
        """This machine, now."""
        models = [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Machine(
            models[0] if models else platform.processor(), os.cpu_count() or 0, round(memory / 1e9, 1),
            f"Linux {platform.release()}", platform.python_version(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            round(os.getloadavg()[0], 2),
        )  # fmt: skip


class Book(msgspec.Struct):
    """All figures of a run."""

    machine: Machine
    figures: list[Figure] = []
    remarks: list[str] = []
    """What was skipped, and what a reader must know beside the figures."""

    def put(self, row: str, subject: str, value: float, note: str = "") -> None:
        """Keep a figure; of a figure measured again, the greater."""
        if row not in BY_KEY:
            raise ValueError(f"there is no row {row}")
        held = self.get(row, subject)
        if held is not None:
            self.figures.remove(held)
            if held.value > value:
                value = held.value
        self.figures.append(Figure(row, subject, value, note))

    def get(self, row: str, subject: str) -> Figure | None:
        """The figure of a program, None when it was not measured."""
        return next((each for each in self.figures if (each.row, each.subject) == (row, subject)), None)

    def remark(self, text: str) -> None:
        """Keep a remark, once."""
        if text not in self.remarks:
            self.remarks.append(text)


def shown(row: Row, value: float) -> str:
    """A value in the digits of its row."""
    return f"{value:,.{row.digits}f}"


def aim(row: Row) -> str:
    """What is aimed at, in words."""
    if row.aim is None:
        return ""
    return f"{'at least' if row.better == 'more' else 'at most'} {row.aim:,.{0 if row.aim == int(row.aim) else 1}f}"


def met(row: Row, value: float) -> bool | None:
    """Whether the aim is met; None when there is none."""
    if row.aim is None:
        return None
    return value >= row.aim if row.better == "more" else value <= row.aim


def ratio(row: Row, own: Figure | None, peer: Figure | None) -> str:
    """The hub's figure over the peer's."""
    if own is None or peer is None or not row.better or not peer.value:
        return ""
    return f"{own.value / peer.value:.2f}"


def _lines(book: Book) -> list[tuple[Row, list[str]]]:
    lines = []
    for row in ROWS:
        own = book.get(row.key, HUB)
        peers = [book.get(row.key, peer) for peer in PEERS]
        if own is None and not any(peers):
            continue
        cells = [row.title, row.unit, aim(row), "" if own is None else shown(row, own.value)]
        for peer in peers:
            cells += ["" if peer is None else shown(row, peer.value), ratio(row, own, peer)]
        lines.append((row, cells))
    return lines


HEADER = ("What", "Unit", "Aim", HUB, INFLUX, "ratio", VICTORIA, "ratio")


def rich_table(book: Book) -> Table:
    """The table for a terminal: green where an aim is met, red where it is missed."""
    table = Table(title=f"{book.machine.cpu}, {book.machine.cores} cores, {book.machine.at}", caption_justify="left")
    for number, title in enumerate(HEADER):
        table.add_column(title, justify="left" if number < 3 else "right", no_wrap=number > 2)
    for row, cells in _lines(book):
        own = book.get(row.key, HUB)
        verdict = None if own is None else met(row, own.value)
        if verdict is not None:
            cells[3] = f"[{'green' if verdict else 'red'}]{cells[3]}[/]"
        table.add_row(*cells, end_section=False)
    table.caption = "\n".join(notes(book)) or None
    return table


def notes(book: Book) -> list[str]:
    """What is to be said below the table."""
    own = [f"{BY_KEY[each.row].title.lstrip('- ')} ({each.subject}): {each.note}" for each in book.figures if each.note]
    return [*own, *book.remarks]


def markdown(book: Book) -> str:
    """The table for the documentation, with the machine above it."""
    machine = book.machine
    head = (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}, "
        f"Python {machine.python}, {machine.at}, load before {machine.load_before:.2f}. Measured by `make bench`: "
        "over HTTP on loopback, generator and server on the same cores, acknowledged after the disk has it."
    )
    rows = [HEADER, ("---", "---", "---", *["---:"] * (len(HEADER) - 3)), *(cells for _, cells in _lines(book))]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n\n".join([head, table, "\n".join(f"- {each}" for each in notes(book))]).rstrip() + "\n"


def write(book: Book, path: Path) -> None:
    """Put the table between the markers of a document. Raises ValueError when it has none."""
    text = path.read_text()
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{path} has no markers {START} and {END}")
    path.write_text(f"{before}{START}\n{markdown(book)}{END}{after}")
