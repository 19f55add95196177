"""A run: its sizes, its folder, its figures, and the progress it shows."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from bench.sizes import Sizes
    from bench.table import Book

MUCH = 0.15
"""How much of a core others may use before a figure is in doubt."""


class Run:
    """What every measurement is given."""

    def __init__(self, sizes: Sizes, folder: Path, book: Book, console: Console) -> None:
        self.sizes, self.folder, self.book, self._console = sizes, folder, book, console

    def memory(self, subject: str, peak_bytes: int) -> None:
        """Note the most memory a program held; the greatest of all its processes counts."""
        self.book.put("memory", subject, peak_bytes / 1e6)

    def disturbed(self, title: str, others: float) -> None:
        """Remark that other programs used the processor, in cores, when it was enough to matter."""
        if others > MUCH:
            self.book.remark(f"Disturbed: other programs used {others * 100.0:.0f} % of a core during {title}.")

    def drop(self, folder: Path) -> None:
        """Forget the data of a measurement that is over."""
        shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def share(self, title: str) -> Iterator[Callable[[float], None]]:
        """Show a step whose share done is told, 0 to 1. Drawn only when told, so that a load is not disturbed."""
        columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, auto_refresh=False) as progress:
            task = progress.add_task(title, total=1.0)

            def tick(share: float) -> None:
                progress.update(task, completed=share)
                progress.refresh()

            tick(0.0)
            yield tick
            tick(1.0)

    @contextmanager
    def step(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a step of so many parts; each part done is told."""
        done = 0
        with self.share(title) as share:

            def tick() -> None:
                nonlocal done
                done += 1
                share(min(1.0, done / total))

            yield tick
