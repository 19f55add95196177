"""The model: units, the catalogue of measurements, secrets, states."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import units
from heliograph.model.access import Credential, Secret
from heliograph.model.buckets import QUANTITIES
from heliograph.model.commands import NEXT_STATES, Command, CommandState
from heliograph.model.measurements import CATALOGUE, Aggregation, Measurement, _define, known
from heliograph.model.units import CENTI_KWH, KW, KWH, MJ_PER_M2, MW, WH, WH_PER_M2, Unit, W, factor

UNITS = {name: unit for name, unit in vars(units).items() if isinstance(unit, Unit)}
CANONICAL = {entry.unit.dimension: entry.unit for entry in CATALOGUE.values()}


def test_a_factor_is_how_many_canonical_units_a_wire_unit_is() -> None:
    assert factor(KW, W) == 1000.0
    assert factor(MW, KW) == 1000.0
    assert factor(WH, KWH) == 0.001
    assert factor(CENTI_KWH, WH) == 10.0
    assert factor(MJ_PER_M2, WH_PER_M2) == pytest.approx(277.7777777777778)


@pytest.mark.parametrize("name", sorted(UNITS))
def test_a_unit_is_itself_and_the_way_back_undoes_the_way(name: str) -> None:
    unit = UNITS[name]
    assert factor(unit, unit) == 1.0
    canonical = CANONICAL.get(unit.dimension, unit)
    assert factor(unit, canonical) * factor(canonical, unit) == pytest.approx(1.0)


def test_power_is_no_energy() -> None:
    with pytest.raises(ValueError, match="kW is a unit of power, not of energy"):
        factor(KW, WH)


def test_units_have_symbols_of_their_own() -> None:
    symbols = [unit.symbol for unit in UNITS.values()]
    assert len(symbols) == len(set(symbols))


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_a_measurement_is_named_by_part_index_and_quantity_and_says_what_it_is(key: str) -> None:
    entry = CATALOGUE[key]
    assert entry.key == key
    assert re.fullmatch(r"[a-z]+(\.([a-z]+|[1-9]\d?))?\.[a-z_]+", key)
    assert entry.help.endswith(".")
    assert entry.unit.factor == 1.0


@pytest.mark.parametrize("key", sorted(key for key, entry in CATALOGUE.items() if "energy" in key.split(".")[-1]))
def test_energies_are_counters_or_registers_of_the_day(key: str) -> None:
    assert CATALOGUE[key].aggregation in (Aggregation.COUNTER, Aggregation.DAILY)
    assert (CATALOGUE[key].aggregation is Aggregation.DAILY) == key.endswith("_today")


def test_a_dimension_is_kept_in_one_unit() -> None:
    for entry in CATALOGUE.values():
        assert entry.unit == CANONICAL[entry.unit.dimension]


def test_an_unknown_point_is_a_gauge_and_nothing_is_dropped() -> None:
    assert known("ac.power") is CATALOGUE["ac.power"]
    made = known("fox:someThing")
    assert (made.key, made.unit.symbol, made.aggregation) == ("fox:someThing", "1", Aggregation.MEAN)
    assert isinstance(made, Measurement)


def test_quantities_of_buckets_are_listed_once() -> None:
    assert len(QUANTITIES) == len(set(QUANTITIES))
    assert len(QUANTITIES) <= 32


# Secrets


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=20))
def test_a_secret_does_not_show_itself(text: str) -> None:
    secret = Secret(f"~{text}~")
    holder = Credential(id=1, account_id=1, dialect="d", name="n", secret=secret)
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!s:>40}",
        f"{secret:>40}",
        "{}".format(secret),  # noqa: UP032  formatting is what is tested
        repr(holder),
    ):
        assert f"~{text}~" not in shown
    assert secret.reveal() == f"~{text}~"
    assert type(secret.reveal()) is str
    assert secret == Secret(f"~{text}~")


# Commands


def test_every_state_says_what_follows_and_final_ones_say_nothing() -> None:
    assert set(NEXT_STATES) == set(CommandState)
    final = {state for state, after in NEXT_STATES.items() if not after}
    s = CommandState
    assert final == {s.CONFIRMED, s.REFUSED, s.FAILED, s.EXPIRED, s.CANCELLED}


def test_only_what_surely_did_not_leave_is_accepted_again() -> None:
    s = CommandState
    assert {state for state, after in NEXT_STATES.items() if s.ACCEPTED in after} == {s.SENT}
    assert {state for state, after in NEXT_STATES.items() if s.SENT in after} == {s.ACCEPTED}


def test_only_what_was_not_sent_or_was_asked_after_is_confirmed() -> None:
    s = CommandState
    assert {state for state, after in NEXT_STATES.items() if s.CONFIRMED in after} == {s.ACCEPTED, s.SENT, s.UNKNOWN}
    assert s.FAILED not in NEXT_STATES[s.ACCEPTED]


def test_what_may_have_been_heard_is_never_sent_again() -> None:
    s = CommandState
    reached, waiting = set[CommandState](), [s.UNKNOWN]
    while waiting:
        state = waiting.pop()
        for after in NEXT_STATES[state] - reached:
            reached.add(after)
            waiting.append(after)
    assert reached == {s.CONFIRMED, s.FAILED}


@pytest.mark.parametrize("state", list(CommandState))
def test_a_command_is_settled_once_nothing_follows(state: CommandState) -> None:
    command = Command(
        id=1, account_id=1, device_id=1, key="k", name="n", arguments={}, state=state, accepted_at_ms=0,
        expires_at_ms=0, changed_at_ms=0,
    )  # fmt: skip
    assert command.settled is (not NEXT_STATES[state])


def test_structs_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CATALOGUE["ac.power"].key = "x"  # type: ignore[misc]  # that is the point
    assert msgspec.structs.replace(CATALOGUE["ac.power"], key="x").key == "x"


def test_a_measurement_is_defined_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        _define("ac.power", W, "Again.")
    assert CATALOGUE["ac.power"].help != "Again."
