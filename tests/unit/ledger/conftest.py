"""Ledgers for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.ledger.books import Books


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """A hub whose ledger is empty."""
    made = Books(tmp_path / "books")
    yield made
    made.world.close()


@pytest.fixture
async def filled(books: Books) -> Books:
    """Three statements: four entries of two devices; a correction and a further day; the same in other bytes."""
    first = {"2024-06-01": ("1.5", "10.5"), "2024-06-02": ("2.0", "12.5"), "2024-06-03": ("3", "15.5")}
    await books.state(first, {"2024-06-01": "7.25"})
    second = {"2024-06-02": ("2.5", "13.0"), "2024-06-04": ("4", "19.5")}
    await books.state(second)
    await books.state(second, mark="again")
    return books
