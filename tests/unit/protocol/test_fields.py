"""Field tables: one entry reads and writes, and what goes out is what came in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import measurements as m
from heliograph.model.samples import Floats
from heliograph.model.units import HZ, KW, KWH, MS_EPOCH, ONE, TIMES, WH, A, W
from heliograph.protocol.fields import Coded, Entry, Field, FieldTable, Half, Ignored, Split, Text, to_wire

NaN = float("nan")
STATES = {0.0: 512.0, 1.0: 256.0, 7.0: 512.0}
ENTRIES: list[Entry] = [
    Field("activePower", m.AC_POWER, KW),
    Field("batPower", m.BATTERY_POWER, KW, negated=True),
    Field("batCurrent", m.BATTERY_CURRENT, A, negated=True),
    Field("gridFrequency", m.AC_FREQUENCY, HZ),
    Field("cosPhi", m.AC_POWER_FACTOR, ONE),
    Field("total", m.AC_ENERGY, KWH),
    Field("startedAt", m.INVERTER_STARTED_AT, MS_EPOCH),
    Field("lightning", m.COMBINER_LIGHTNING, TIMES),
    Coded("state", m.INVERTER_STATE, STATES),
    Split("meterPower", m.METER_DEMAND_FORWARD, m.METER_DEMAND_REVERSE, KW),
    Text("serial", "serial"),
    Ignored("checksum", "it says nothing of the device"),
]
TABLE = FieldTable("test", "inverter", ENTRIES, "chapter 1")
decimals = st.one_of(st.just(NaN), st.integers(-(10**9), 10**9).map(lambda n: n / 1000))
digits = st.decimals(-(10**6), 10**6, places=6).map(float)


def decode(**columns: list[float]) -> dict[str, list[float]]:
    """Wire columns as the hub keeps them."""
    keys, values = TABLE.decode(tuple(columns), np.array(list(columns.values())).T)
    return {key: values[:, index].tolist() for index, key in enumerate(keys)}


def encode(**columns: list[float]) -> dict[str, list[Any]]:
    """The hub's columns (underscores for dots) as they travel, without those that are all missing."""
    ready: dict[str, Floats] = {key.replace("__", "."): np.array(values) for key, values in columns.items()}
    rows = len(next(iter(columns.values())))
    found = dict(zip(TABLE.wire_names, TABLE.encode(ready, rows), strict=True))
    return {name: values for name, values in found.items() if any(v is not None and v == v for v in values)}


def test_units_and_signs_are_computed_from_what_the_entry_states() -> None:
    assert decode(activePower=[1.5], batPower=[2.0], total=[3.25], gridFrequency=[50.02]) == {
        "ac.power": [1500.0],
        "battery.power": [-2000.0],
        "ac.energy": [3250.0],
        "ac.frequency": [50.02],
    }
    assert encode(ac__power=[1500.0], battery__power=[-2000.0], ac__energy=[3250.0]) == {
        "activePower": [1.5],
        "batPower": [2.0],
        "total": [3.25],
    }


def test_a_field_of_the_wrong_dimension_cannot_be_used() -> None:
    with pytest.raises(ValueError, match="not of power"):
        FieldTable("test", "bad", [Field("x", m.AC_POWER, KWH)], "").plan(("x",))


def test_a_name_stands_in_a_table_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        FieldTable("test", "bad", [Field("x", m.AC_POWER, W), Text("x", "x")], "")


def test_an_unknown_point_is_kept_under_its_dialect_s_name() -> None:
    assert decode(newThing=[7.0]) == {"test:newThing": [7.0]}


def test_texts_and_ignored_points_are_left_out_of_the_numbers() -> None:
    assert decode(serial=[1.0], activePower=[2.0], checksum=[3.0]) == {"ac.power": [2000.0]}


def test_what_is_missing_stays_missing_both_ways() -> None:
    for key, values in decode(**{name: [NaN] for name in TABLE.names if name != "serial"}).items():
        assert np.isnan(values).all(), key
    missing = TABLE.encode({key: np.array([NaN]) for key in TABLE.keys}, 1)
    assert all(value is None or value != value for (value,) in missing)
    assert all(value is None or value != value for (value,) in TABLE.encode({}, 1))


def test_codes_are_translated_and_unlisted_ones_pass() -> None:
    assert decode(state=[0.0, 1.0, 7.0, 99.0, NaN])["inverter.state"][:4] == [512.0, 256.0, 512.0, 99.0]
    assert encode(inverter__state=[512.0, 256.0, 99.0]) == {"state": [0.0, 1.0, 99.0]}


def test_a_signed_number_becomes_two_and_one_again() -> None:
    found = decode(meterPower=[1.5, -2.0, 0.0])
    assert found == {"meter.demand_forward": [1500.0, 0.0, 0.0], "meter.demand_reverse": [0.0, 2000.0, 0.0]}
    assert encode(meter__demand_forward=[1500.0, 0.0, 0.0], meter__demand_reverse=[0.0, 2000.0, 0.0]) == {
        "meterPower": [1.5, -2.0, 0.0]
    }


def test_one_known_side_of_a_signed_number_is_enough() -> None:
    assert encode(meter__demand_reverse=[2000.0]) == {"meterPower": [-2.0]}
    assert encode(meter__demand_forward=[2000.0]) == {"meterPower": [2.0]}
    both = encode(meter__demand_forward=[NaN, 1000.0], meter__demand_reverse=[500.0, NaN])
    assert both == {"meterPower": [-0.5, 1.0]}


def test_instants_and_counts_travel_as_whole_numbers() -> None:
    found = encode(inverter__started_at=[1_700_000_000_000.0, NaN], combiner__lightning_count=[3.0, 4.0])
    assert found == {"startedAt": [1_700_000_000_000, None], "lightning": [3, 4]}
    assert all(isinstance(value, int) for value in found["lightning"])


def test_columns_and_rows_keep_their_order_whatever_is_asked() -> None:
    names = ("total", "unknown", "serial", "meterPower", "activePower")
    keys, values = TABLE.decode(names, np.arange(10.0).reshape(2, 5))
    assert keys == ("ac.energy", "test:unknown", "meter.demand_forward", "meter.demand_reverse", "ac.power")
    assert values.tolist() == [[0.0, 1.0, 3000.0, 0.0, 4000.0], [5000.0, 6.0, 8000.0, 0.0, 9000.0]]


def test_decoding_leaves_what_it_was_given_alone() -> None:
    given = np.array([[0.0], [7.0]])
    TABLE.decode(("state",), given)
    plain = np.array([[50.0]])
    TABLE.decode(("gridFrequency",), plain)[1][0, 0] = -1
    assert given.tolist() == [[0.0], [7.0]]
    assert plain.tolist() == [[50.0]]


@given(st.lists(st.tuples(*[decimals] * 6), min_size=1, max_size=8))
def test_what_was_encoded_decodes_to_the_same(rows: list[tuple[float, ...]]) -> None:
    keys = ("ac.power", "battery.power", "battery.current", "ac.frequency", "ac.energy", "meter")
    matrix = np.array(rows, np.float64)
    columns: dict[str, Floats] = {key: matrix[:, index] for index, key in enumerate(keys[:-1])}
    columns["meter.demand_forward"] = np.maximum(matrix[:, 5], 0.0)
    columns["meter.demand_reverse"] = np.maximum(-matrix[:, 5], 0.0)
    wire = TABLE.encode(columns, len(rows))
    used = [index for index, name in enumerate(TABLE.wire_names) if name not in ("startedAt", "lightning", "state")]
    names = tuple(TABLE.wire_names[index] for index in used)
    values = np.array([[np.nan if v is None else v for v in wire[index]] for index in used], np.float64).T
    back, decoded = TABLE.decode(names, values)
    for key, column in columns.items():
        assert np.allclose(decoded[:, back.index(key)], column, rtol=1e-12, atol=1e-9, equal_nan=True), key


@given(st.lists(digits, min_size=1, max_size=20))
def test_decimals_survive_the_way_through_the_canonical_unit_exactly(listed: list[float]) -> None:
    wire = np.array(listed)
    for name in ("activePower", "batPower", "batCurrent", "gridFrequency", "total"):
        keys, values = TABLE.decode((name,), wire[:, None])
        out = TABLE.encode({keys[0]: values[:, 0]}, len(listed))[TABLE.wire_names.index(name)]
        assert out == listed
        assert [str(Decimal(repr(v))) for v in out] == [str(Decimal(repr(v + 0.0))) for v in listed]


@given(st.lists(st.floats(-1e15, 1e15), max_size=20), st.sampled_from([1.0, -1.0]))
def test_a_scale_of_one_loses_nothing(listed: list[float], scale: float) -> None:
    assert to_wire(np.array(listed), scale).tolist() == [value / scale for value in listed]


def test_no_noise_of_the_last_digit_goes_out() -> None:
    assert to_wire(np.array([1234.5 * 1e3, 0.1 * 3 * 1e3, -0.0]), 1e3).tolist() == [1234.5, 0.3, 0.0]
    assert str(to_wire(np.array([0.0]), -1e3)[0]) == "0.0"
    assert to_wire(np.array([NaN, 1e3]), 1e3)[1] == 1.0
    assert to_wire(np.array([]), 1e3).tolist() == []


def test_a_row_carries_the_vendor_s_names_in_their_order() -> None:
    made = TABLE.row_type()
    row = made(*[float(n) for n in range(len(TABLE.wire_names))])
    assert list(msgspec.json.decode(msgspec.json.encode(row))) == list(TABLE.wire_names)
    assert TABLE.row_type() is made


def test_keys_are_all_that_the_table_reads() -> None:
    assert {"ac.power", "meter.demand_forward", "meter.demand_reverse"} <= set(TABLE.keys)
    assert "serial" not in TABLE.keys
    assert WH.factor == 1.0


HALVES = FieldTable(
    "test",
    "halves",
    [Half("import", m.GRID_POWER, KW), Half("export", m.GRID_POWER, KW, negative=True), Field("ac", m.AC_POWER, KW)],
    "chapter 2",
)


def test_the_two_halves_of_a_signed_number_travel_apart_and_neither_is_negative() -> None:
    wire = HALVES.encode({"grid.power": np.array([1500.0, -250.0, 0.0, NaN])}, 4)
    found = dict(zip(HALVES.wire_names, wire, strict=True))
    assert found["import"][:3] == [1.5, 0.0, 0.0]
    assert found["export"][:3] == [0.0, 0.25, 0.0]
    assert not any(np.signbit(value) for half in ("import", "export") for value in found[half][:3])
    assert all(np.isnan(found[half][3]) for half in ("import", "export"))


@pytest.mark.parametrize("names", [("import", "ac", "export"), ("export", "import"), ("import",), ("export",)])
def test_halves_are_read_as_one_number_whichever_come(names: tuple[str, ...]) -> None:
    signed = {"import": 1.5, "export": 0.25, "ac": 9.0}
    keys, values = HALVES.decode(names, np.array([[signed[name] for name in names]]))
    assert set(keys) <= {"grid.power", "ac.power"}
    expected = sum({"import": 1500.0, "export": -250.0, "ac": 0.0}[name] for name in names)
    assert values[0, keys.index("grid.power")] == expected


def test_a_half_that_is_missing_leaves_the_other_as_it_is() -> None:
    keys, values = HALVES.decode(("import", "export"), np.array([[NaN, 0.25], [1.5, NaN], [NaN, NaN]]))
    assert keys == ("grid.power",)
    assert values[:2, 0].tolist() == [-250.0, 1500.0]
    assert np.isnan(values[2, 0])
