"""Names as numbers: the same name always the same number, and none that the disk does not hold."""

from __future__ import annotations

import pytest

from heliograph.errors import ConflictError
from heliograph.store.base import Rows
from tests.unit.store.world import Store


def test_a_name_keeps_its_number_over_a_reopening(store: Store) -> None:
    first = store.database.write_now(lambda rows: store.names.shape(("a", "b"), rows))
    held = store.names.measurement, dict(store.names.ids)
    again = Store(store.database.path)
    assert again.names.shapes == {("a", "b"): first}
    assert again.names.ids == held[1]
    assert again.names.columns == {first: ("a", "b")}
    again.database.close()


def test_the_order_of_names_makes_another_shape_of_the_same_measurements(store: Store) -> None:
    def job(rows: Rows) -> tuple[int, int, int]:
        shape = store.names.shape
        return shape(("a", "b"), rows), shape(("b", "a"), rows), shape(("a", "b"), rows)

    one, other, again = store.database.write_now(job)
    assert one == again != other
    assert len(store.names.ids) == 2


def test_names_made_in_an_undone_transaction_are_forgotten(store: Store) -> None:
    store.database.write_now(lambda rows: store.names.shape(("kept",), rows))

    def job(rows: Rows) -> None:
        store.names.shape(("lost", "kept"), rows)
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        store.database.write_now(job)
    assert set(store.names.ids) == {"kept"}
    assert set(store.names.shapes) == {("kept",)}
    number = store.database.write_now(lambda rows: store.names.shape(("other",), rows))
    assert store.names.columns[number] == ("other",)
    assert store.database.query("SELECT count(*) FROM measurement") == [(2,)]


def test_a_shape_without_measurements_has_a_number_too(store: Store) -> None:
    number = store.database.write_now(lambda rows: store.names.shape((), rows))
    store.load_names()
    assert store.names.columns[number] == ()


def test_a_name_that_another_process_made_meanwhile_is_found(store: Store) -> None:
    other = Store(store.database.path)
    number = other.database.write_now(lambda rows: other.names.shape(("a",), rows))
    assert store.database.write_now(lambda rows: store.names.shape(("a",), rows)) == number
    other.database.close()


def test_names_of_another_process_are_taken_over_when_looked_for(store: Store) -> None:
    other = Store(store.database.path)
    number = other.database.write_now(lambda rows: other.names.measurement("theirs", rows))
    store.names.refresh()
    store.names.refresh()
    assert store.names.ids == {"theirs": number}
    assert store.names.keys[number] == "theirs"
    other.database.close()
