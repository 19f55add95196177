"""Samples and totals out of the hub, and in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from tests.unit.cli.conftest import run
from tests.unit.cli.test_importing import csv, held

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = """device,at,ac.power,pv.power,meter.power
INV-1,2026-06-01T10:00Z,1.25,0.1,
INV-1,2026-06-01T10:05Z,-0.30000000000000004,,
INV-1,2026-06-20T10:05Z,1e300,7,
MTR-1,2026-06-01T10:00Z,,,123456789.125
"""
TEXTS = (
    'device,at,key,value,text\nINV-1,2026-06-01T10:00Z,x:state,,"ok, ""fine"""\nINV-1,2026-06-01T10:05Z,x:state,,12\n'
)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("form", [(), ("--serials",)])
@pytest.mark.parametrize("sealed", [False, True])
def test_an_export_imports_to_the_same_samples(fleet: Path, name: str, form: tuple[str, ...], *, sealed: bool) -> None:
    run("import", csv(fleet, NUMBERS))
    run("import", csv(fleet, TEXTS))
    if sealed:
        run("seal")
    before = held(fleet, 1), held(fleet, 2)
    out = fleet.parent / name
    run("export", out, *form)
    again(fleet, out, before)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_the_wide_form_imports_to_the_same_samples(fleet: Path, name: str) -> None:
    run("import", csv(fleet, NUMBERS))
    before = held(fleet, 1), held(fleet, 2)
    out = fleet.parent / name
    run("export", out, "--wide")
    again(fleet, out, before)


def again(fleet: Path, out: Path, before: tuple[object, object]) -> None:
    """Import into a hub with the same devices; the samples must be those from before."""
    other = fleet.parent / "other"
    run("init", "--data", other)
    run("account", "add", "a", "--data", other)
    run("plant", "add", "Roof", "--zone", "UTC", "--data", other)
    for name, kind, serial in (("Inverter", "inverter", "INV-1"), ("Meter", "meter", "MTR-1")):
        run("device", "add", name, "--plant", "Roof", "--kind", kind, "--serial", serial, "--data", other)
    done = run("import", out, "--data", other, "--json").json()
    assert (done["records"], done["new"]) == (4, 4)
    assert (held(other, 1), held(other, 2)) == before


def test_texts_do_not_fit_the_wide_form(fleet: Path) -> None:
    run("import", csv(fleet, TEXTS))
    out = fleet.parent / "out.csv"
    assert "x:state holds texts" in run("export", out, "--wide", code=1).err
    assert not out.exists()
    assert list(fleet.parent.glob(".*.part")) == []


def test_spans_keys_and_devices_are_chosen(fleet: Path) -> None:
    run("import", csv(fleet, NUMBERS))
    span = ("--since", "2026-06-01T10:05Z", "--until", "2026-06-20T10:05Z")
    assert run("export", "-", *span).out.splitlines() == [
        "device,at,key,value,text",
        "1,2026-06-01T10:05:00.000Z,ac.power,-0.30000000000000004,",
    ]
    assert run("export", "-", "--keys", "pv.power", "--wide").out.splitlines() == [
        "device,at,pv.power",
        "1,2026-06-01T10:00:00.000Z,0.1",
        "1,2026-06-20T10:05:00.000Z,7.0",
    ]
    assert run("export", "-", "--device", "MTR-1").out.splitlines()[1:] == [
        "2,2026-06-01T10:00:00.000Z,meter.power,123456789.125,"
    ]


def test_totals_are_of_plants_or_of_devices(fleet: Path) -> None:
    run("import", csv(fleet, "device,at,ac.energy\n1,2026-06-01T10:00Z,1000\n1,2026-06-01T10:30Z,3000\n"))
    plant = run("export", "-", "--buckets", "day").out.splitlines()
    assert plant[0].startswith("plant,since,production,")
    assert plant[1].startswith("1,2026-05-31T22:00:00.000Z,2000.0,")
    device = run("export", "-", "--buckets", "hour", "--device", "INV-1").out.splitlines()
    assert device[0].startswith("device,since,")
    out = fleet.parent / "out.parquet"
    run("export", out, "--buckets", "month", "--plant", "Roof")
    assert parquet.read_table(out).column("production").to_pylist() == [2000.0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("out.xls",), "tells no format"),
        (("-", "--format", "parquet"), "only CSV goes to stdout"),
        (("-", "--since", "2026-02-01", "--until", "2026-01-01"), "--since must lie before --until"),
        (("-", "--keys", "ac.power"), "nothing here ever sent 'ac.power'"),
        (("-", "--plant", "Garden"), "there is no plant 'Garden'"),
    ],
)
def test_what_cannot_be_exported_is_said(fleet: Path, words: tuple[str, ...], says: str) -> None:
    assert says in run("export", *words, code=1).err


def test_a_hub_without_samples_exports_a_heading(fleet: Path) -> None:
    assert run("export", "-").out == "device,at,key,value,text\n"
