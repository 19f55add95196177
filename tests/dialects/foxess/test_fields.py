"""The printed table is whole, every variable of it is mapped, and what is written is read back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.foxess import DIALECT
from heliograph.dialects.foxess.codes import LANGUAGES
from heliograph.dialects.foxess.fields import ENTRIES, RUNNING, STATES, TABLE, TEXTS, UNTRANSLATED
from heliograph.dialects.foxess.variables import UNPRINTED, printed, served
from heliograph.model import measurements as m
from heliograph.model.measurements import CATALOGUE
from heliograph.model.samples import Floats
from heliograph.model.units import KW, Unit, factor
from heliograph.protocol.fields import Coded, Field, FieldTable, Half, Ignored, Text

SYMBOLS = {"kvar": "kVar", "degC": "℃", "1": "", "code": None}
"""How the vendor writes units that the hub calls otherwise."""


def test_the_table_has_every_printed_variable_in_six_languages() -> None:
    assert len(printed()) == 120
    assert list(printed())[:3] == ["todayYield", "pvPower", "pv1Volt"]
    assert list(printed())[-1] == "dischargeEnergyToTal"
    for variable in printed().values():
        assert set(variable.names) == set(LANGUAGES)
        assert all(variable.names.values())
    assert printed()["pvPower"].names["pt"] == "Potência PV"
    assert printed()["runningState"].states == {
        "160": "self-test", "161": "waiting", "162": "checking", "163": "on-grid", "164": "off-grid", "165": "fault",
        "166": "permanent-fault", "167": "standby", "168": "upgrading", "169": "fct", "170": "illegal",
    }  # fmt: skip
    assert not printed()["SoC"].grid
    assert printed()["SoC"].storage
    assert sum(not variable.grid for variable in printed().values()) == 25
    # The table forgets to say of pv2Power which inverters have it.
    assert printed()["pv2Power"].grid


def test_every_variable_is_mapped_in_the_printed_order() -> None:
    assert [entry.name for entry in ENTRIES] == list(served())
    assert [entry.why for entry in ENTRIES if isinstance(entry, Ignored)] == ["how many codes currentFault has"]
    assert DIALECT.tables == (TABLE,)
    assert set(UNPRINTED) == {"PVEnergyTotal"}


def unit_of(entry: object) -> Unit | None:
    """The unit of an entry that is a number."""
    return entry.unit if isinstance(entry, Field | Half) else None


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_units_are_the_printed_ones_and_fit_their_measurements(entry: Field | Half | Coded | Text | Ignored) -> None:
    unit = unit_of(entry)
    told = served()[entry.name].unit
    if unit is None:
        assert told is None
        assert entry.name in TEXTS
        return
    assert isinstance(entry, Field | Half)
    assert CATALOGUE[entry.measurement.key] is entry.measurement
    assert factor(unit, entry.measurement.unit) > 0
    assert SYMBOLS.get(unit.symbol, unit.symbol) == told


def test_misprinted_units_are_put_right() -> None:
    assert printed()["todayYield"].unit == "kWh"
    assert printed()["ResidualEnergy"].unit == "0.01kWh"
    assert printed()["energyThroughput"].unit == "Wh"
    assert printed()["PowerFactor"].unit == ""
    assert TABLE.encode({m.BATTERY_REMAINING.key: np.array([9560.0])}, 1)[_place("ResidualEnergy")] == [956.0]


def _place(name: str) -> int:
    return TABLE.wire_names.index(name)


@given(data=st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    cell = st.one_of(st.just(np.nan), st.integers(-(10**9), 10**9).map(lambda value: value / 1000))
    keys = tuple(dict.fromkeys(TABLE.keys))
    columns: dict[str, Floats] = {
        key: np.array(data.draw(st.lists(cell, min_size=2, max_size=2)), dtype=np.float64) for key in keys
    }
    states = st.sampled_from([*STATES.values(), *UNTRANSLATED])
    columns[m.INVERTER_STATE.key] = np.array([data.draw(states), data.draw(states)], dtype=np.float64)
    wire = np.array(TABLE.encode(columns, 2), dtype=np.float64).T
    read_keys, values = TABLE.decode(TABLE.wire_names, wire)
    assert sorted(read_keys) == sorted(keys)
    for index, key in enumerate(read_keys):
        assert values[:, index] == pytest.approx(columns[key], nan_ok=True, rel=1e-9, abs=1e-6)


def test_the_halves_of_a_power_are_read_as_one_number_whichever_is_there() -> None:
    nan = np.nan
    names = ("feedinPower", "SoC", "gridConsumptionPower")
    keys, values = TABLE.decode(names, np.array([[0.5, 50, 0], [0, 51, 1.2], [0.25, 52, nan], [nan, 53, nan]]))
    assert keys == (m.GRID_POWER.key, m.BATTERY_SOC.key)
    assert values[:, 0] == pytest.approx([-500.0, 1200.0, -250.0, nan], nan_ok=True)
    assert TABLE.decode(("gridConsumptionPower",), np.array([[0.7]]))[1].tolist() == [[700.0]]
    assert not str(TABLE.encode({m.GRID_POWER.key: np.array([0.0])}, 1)).count("-0.0")


def test_a_half_knows_its_scale() -> None:
    assert Half("x", m.GRID_POWER, KW, negative=True).scale == -1000.0
    table = FieldTable("t", "t", [Half("out", m.GRID_POWER, KW, negative=True)], "nowhere")
    assert table.encode({m.GRID_POWER.key: np.array([-1500.0, 10.0, np.nan])}, 3) == [
        [1.5, 0.0, pytest.approx(np.nan, nan_ok=True)]
    ]


def test_signs_are_those_of_real_answers() -> None:
    def wire(name: str, key: str, value: float) -> float:
        told: float = TABLE.encode({key: np.array([value])}, 1)[_place(name)][0]
        return told

    assert wire("meterPower", m.METER_POWER.key, 44.0) == 0.044
    assert wire("invBatPower", m.BATTERY_PORT_POWER.key, -47.0) == -0.047
    assert wire("batCurrent", m.BATTERY_CURRENT.key, -7.4) == 7.4
    assert wire("batChargePower", m.BATTERY_POWER.key, -1788.0) == 1.788
    assert wire("batDischargePower", m.BATTERY_POWER.key, -1788.0) == 0.0


def test_every_running_state_comes_back_as_it_was() -> None:
    codes = [float(code) for code in range(160, 171)]
    _, kept = TABLE.decode(("runningState",), np.array([codes]).T)
    assert TABLE.encode({m.INVERTER_STATE.key: kept[:, 0]}, len(codes))[_place("runningState")] == codes
    assert set(printed()["runningState"].states) == {str(int(code)) for code in codes}
    assert all(RUNNING[hub] == wire for wire, hub in STATES.items())
    assert all(first < second for first, second in pairwise(sorted(STATES)))
