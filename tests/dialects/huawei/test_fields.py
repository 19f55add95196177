"""The field tables hold every printed name, in order, and read what they write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.huawei.fields import FIVE_MINUTES, REAL_TIME, TYPE_IDS, TYPE_NAMES
from heliograph.model.devices import DeviceKind
from heliograph.model.measurements import CATALOGUE
from heliograph.model.units import factor
from heliograph.protocol.fields import Field, FieldTable

PRINTED: dict[str, dict[str, list[str]]] = json.loads(
    (Path(__file__).parent / "printed_names.json").read_text(encoding="utf-8")
)
TABLES = [*REAL_TIME.values(), *FIVE_MINUTES.values()]


@pytest.mark.parametrize(("chapter", "tables"), [("3.6", REAL_TIME), ("3.7", FIVE_MINUTES)])
def test_every_printed_name_is_served_in_the_printed_order(chapter: str, tables: dict[int, FieldTable]) -> None:
    served = {str(type_id): list(table.wire_names) for type_id, table in tables.items()}
    # The meter's table is the only one of 3.6 that leaves run_state out.
    if chapter == "3.6":
        served["17"].remove("run_state")
    assert served == PRINTED[chapter]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_dimensions_match_and_measurements_are_known(table: FieldTable) -> None:
    for entry in table.entries:
        assert isinstance(entry, Field)
        assert CATALOGUE[entry.measurement.key] is entry.measurement
        assert factor(entry.unit, entry.measurement.unit) > 0


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@given(data=st.data())
def test_what_is_written_is_read_back(table: FieldTable, data: st.DataObject) -> None:
    cell = st.one_of(st.just(np.nan), st.integers(-(10**9), 10**9).map(lambda value: value / 1000))
    wire = np.array([data.draw(st.lists(cell, min_size=len(table.names), max_size=len(table.names)))])
    for index, name in enumerate(table.wire_names):
        if name in {"open_time", "close_time", "thunder_count", "run_state"}:
            wire[0, index] = np.trunc(wire[0, index])
    keys, values = table.decode(table.wire_names, wire)
    again = table.encode({key: values[:, index] for index, key in enumerate(keys)}, 1)
    assert np.array(again, dtype=np.float64)[:, 0] == pytest.approx(wire[0], nan_ok=True, rel=1e-9, abs=1e-9)


def test_units_that_the_document_sets_apart_are_kept_apart() -> None:
    def wire(type_id: int, name: str, value: float) -> float:
        entry = REAL_TIME[type_id].by_name[name]
        assert isinstance(entry, Field)
        written: float = REAL_TIME[type_id].encode({entry.measurement.key: np.array([value])}, 1)[
            REAL_TIME[type_id].wire_names.index(name)
        ][0]
        return written

    assert wire(17, "active_power", 1500.0) == 1.5
    assert wire(47, "active_power", 1500.0) == 1500.0
    assert wire(1, "active_power", 21_050.0) == 21.05
    assert wire(39, "ch_discharge_power", -800.0) == 800.0
    assert wire(10, "radiant_total", 5000.0) == 18.0
    assert wire(14, "temperature", 44.6) == 44.6
    assert wire(17, "positive_active_top", 7000.0) == 7.0
    assert wire(1, "open_time", 1_501_862_400_000.0) == 1_501_862_400_000
    assert wire(39, "battery_soh", 99.0) == 99.0


def test_the_sharp_tariff_is_top_and_the_flat_one_power() -> None:
    table = REAL_TIME[17]
    keys = {entry.name: entry.measurement.key for entry in table.entries if isinstance(entry, Field)}
    assert keys["reverse_active_top"] == "meter.sharp.energy_reverse"
    assert keys["positive_active_power"] == "meter.flat.energy_forward"
    assert keys["positive_reactive_valley"] == "meter.valley.reactive_energy_forward"
    assert keys["reverse_reactive_peak"] == "meter.peak.reactive_energy_reverse"


def test_every_kind_of_device_has_a_type_number() -> None:
    assert set(TYPE_IDS) == set(DeviceKind)


def test_every_printed_type_has_a_name() -> None:
    of_2_8 = {1, 2, 3, *range(6, 12), *range(13, 28), *range(37, 41), *range(45, 48), *range(52, 64), 70}
    assert set(TYPE_NAMES) == of_2_8 | {71}
    assert len(TYPE_NAMES) == 45
    assert len(set(TYPE_NAMES.values())) == 45
    assert set(TYPE_IDS.values()) | set(REAL_TIME) <= set(TYPE_NAMES)
