"""Samples from files into the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from heliograph.cli.opening import opened
from tests.unit.cli.conftest import minutes_ago, run

if TYPE_CHECKING:
    from pathlib import Path

FAR_MS = 2**60


def held(data: Path, device: int = 1) -> dict[int, dict[str, float | str]]:
    """All samples of a device, by instant."""
    with opened(data) as hub:
        series = hub.tiers.series(device, 0, FAR_MS)
    bags: dict[int, dict[str, float | str]] = {}
    for index, at_ms in enumerate(series.at_ms.tolist()):
        bag: dict[str, float | str] = {
            key: float(values[index]) for key, values in series.columns.items() if values[index] == values[index]
        }
        bag.update((key, word) for key, words in series.texts.items() if (word := words[index]) is not None)
        bags[at_ms] = bag
    return bags


def csv(data: Path, text: str) -> Path:
    """A file of these lines."""
    path = data.parent / "samples.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_long_and_wide_lines_are_the_same_samples(fleet: Path) -> None:
    long = "device,at,key,value\n1,2026-06-01T12:00:00+02:00,ac.power,900\nINV-1,1780308000000,pv.power,950.5\n"
    run("import", csv(fleet, long))
    expected = {1780308000000: {"ac.power": 900.0, "pv.power": 950.5}}
    assert held(fleet) == expected
    wide = "device;at;pv.power;ac.power\nINV-1;2026-06-01T10:00:00Z;950.5;900\n"
    done = run("import", csv(fleet, wide), "--json").json()
    assert (done["records"], done["values"], done["known"], done["new"]) == (1, 2, 1, 0)
    assert held(fleet) == expected


def test_a_time_without_an_offset_is_the_plants_own(fleet: Path) -> None:
    run("import", csv(fleet, "device,at,ac.power\n1,2026-06-01 12:00,1\n1,2026-01-01 12:00,2\n"))
    assert held(fleet) == {1767265200000: {"ac.power": 2.0}, 1780308000000: {"ac.power": 1.0}}


def test_an_empty_cell_is_no_sample(fleet: Path) -> None:
    run("import", csv(fleet, "device,at,ac.power,pv.power\n1,2026-06-01T10:00Z,,5\n1,2026-06-01T11:00Z,,\n\n"))
    assert held(fleet) == {1780308000000: {"pv.power": 5.0}}


def test_texts_stand_in_a_column_of_their_own(fleet: Path) -> None:
    run("import", csv(fleet, 'device,at,key,value,text\n1,2026-06-01T10:00Z,x:note,,"a, b"\n'))
    assert held(fleet) == {1780308000000: {"x:note": "a, b"}}


def test_a_sealed_sample_counts_as_known_and_a_changed_one_as_corrected(fleet: Path) -> None:
    file = csv(fleet, "device,at,ac.power\n1,2026-06-01T10:00Z,1\n1,2026-06-01T11:00Z,2\n")
    assert run("import", file, "--json").json()["new"] == 2
    assert "Sealed 2 records" in run("seal").err
    assert run("import", file, "--json").json()["known"] == 2
    file.write_text("device,at,ac.power,pv.power\n1,2026-06-01T10:00Z,1,5\n1,2026-06-01T11:00Z,3,5\n")
    done = run("import", file, "--json").json()
    assert (done["new"], done["corrected"]) == (1, 1)
    run("seal")
    assert held(fleet) == {
        1780308000000: {"ac.power": 1.0, "pv.power": 5.0},
        1780311600000: {"ac.power": 3.0, "pv.power": 5.0},
    }


def test_a_dry_run_keeps_nothing_and_counts_the_same(fleet: Path) -> None:
    file = csv(fleet, "device,at,ac.power\n1,2026-06-01T10:00Z,1\n")
    dry = run("import", file, "--dry-run", "--json").json()
    assert held(fleet) == {}
    assert run("import", file, "--json").json() == dry


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: there is no column 'device'"),
        ("device,ac.power\n1,2\n", "line 1: there is no column 'at'"),
        ("device,at\n1,2\n", "line 1: there is no column of values"),
        ("device,at,ac.power,ac.power\n", "line 1: two columns have the same name"),
        ("device,at,key,value,ac.power\n", "line 1: beside key and value"),
        ("device,at,ac.pover\n", "line 1: no measurement is called 'ac.pover': did you mean ac.power?"),
        ("device,at,key,value\n1,2026-06-01T10:00Z,ac power,1\n", "line 2: 'ac power' is no key"),
        (
            "device,at,ac.power\n1,2026-06-01T10:00Z,1\nINV-2,2026-06-01T10:00Z,1\n",
            "line 3: there is no device 'INV-2'",
        ),
        ("device,at,ac.power\n1,2026-06-01T10:00Z,1\n1,yesterday,1\n", "line 3: at must be ISO 8601"),
        ("device,at,ac.power\n1,1999-06-01T10:00Z,1\n", "line 2: at '1999-06-01T10:00Z' lies before 2000-01-01"),
        ("device,at,ac.power\n1,2099-06-01T10:00Z,1\n", "line 2: at '2099-06-01T10:00Z' lies in the future"),
        ('device,at,ac.power\n1,2026-06-01T10:00Z,"1,5"\n', "line 2: ac.power is '1,5', which is no number"),
        ("device,at,ac.power\n1,2026-06-01T10:00Z,inf\n", "line 2: ac.power is 'inf', which is no finite number"),
        ("device,at,ac.power\n\n1,2026-06-01T10:00Z\n", "line 3: there are 2 cells under 3 headings"),
        (
            "device,at,key,value\n1,2026-06-01T10:00Z,ac.power,1\n1,2026-06-01T10:00Z,ac.power,2\n",
            "line 3: ac.power is 2.0 here and 1.0 in another line",
        ),
        (
            "device,at,ac.power\n1,2026-06-01T10:00Z,1\n1,2026-06-01T12:00+02:00,2\n",
            "line 3: ac.power is 2.0 here and 1.0 in another line",
        ),
        ("device,at,key,value,text\n1,2026-06-01T10:00Z,x:a,1,b\n", "line 2: x:a has a value and a text"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_kept(fleet: Path, text: str, says: str) -> None:
    assert says in run("import", csv(fleet, text), code=1).err
    assert held(fleet) == {}


def test_bytes_that_are_no_text_are_refused(fleet: Path) -> None:
    path = fleet.parent / "samples.csv"
    path.write_bytes(b"device,at,ac.power\n1,2026-06-01T10:00Z,\xff\n")
    assert "line 2: this is no UTF-8 text" in run("import", path, code=1).err


def test_a_device_that_is_disabled_takes_no_samples(fleet: Path) -> None:
    run("device", "disable", "INV-1")
    assert "is disabled" in run("import", csv(fleet, "device,at,ac.power\n1,2026-06-01T10:00Z,1\n"), code=1).err


def test_new_keys_are_taken_when_asked_for_and_then_known(fleet: Path) -> None:
    file = csv(fleet, "device,at,flux\n1,2026-06-01T10:00Z,1\n")
    run("import", file, "--new-keys")
    run("import", file)
    assert held(fleet) == {1780308000000: {"flux": 1.0}}


def test_batches_before_a_bad_line_stay_and_the_message_says_so(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.cli.importing.BATCH", 2)
    lines = [f"1,2026-06-01T10:{minute:02}Z,{minute}" for minute in range(5)]
    file = csv(fleet, "\n".join(["device,at,ac.power", *lines, "1,2026-06-01T10:06Z,x", ""]))
    err = run("import", file, code=1).err
    assert "line 7" in err
    assert "4 records before it are kept" in err
    assert len(held(fleet)) == 4
    file.write_text(file.read_text().replace(",x", ",6"))
    done = run("import", file, "--json").json()
    assert (done["known"], done["new"]) == (4, 2)


def test_parquet_takes_instants_texts_and_integers(fleet: Path) -> None:
    table = pa.table(
        {
            "device": [1, 1],
            "at": pa.array([1780308000000, 1780308060000], pa.timestamp("ms", tz="Asia/Tokyo")),
            "key": ["ac.power", "x:note"],
            "value": pa.array([5, None], pa.int64()),
            "text": [None, "hot"],
        }
    )
    path = fleet.parent / "samples.parquet"
    parquet.write_table(table, path)
    run("import", path)
    assert held(fleet) == {1780308000000: {"ac.power": 5.0}, 1780308060000: {"x:note": "hot"}}


def test_parquet_wall_times_are_the_plants_own(fleet: Path) -> None:
    at = pa.array([1780315200000], pa.timestamp("ms"))  # twelve o'clock on the first of June
    path = fleet.parent / "samples.parquet"
    parquet.write_table(pa.table({"device": ["INV-1"], "at": at, "ac.power": [1.5]}), path)
    run("import", path)
    assert held(fleet) == {1780308000000: {"ac.power": 1.5}}


def test_what_only_says_that_it_is_parquet_is_refused(fleet: Path) -> None:
    path = fleet.parent / "samples.parquet"
    path.write_text("no")
    assert "no Parquet file" in run("import", path, code=1).err


def test_the_newest_reading_and_the_totals_follow(fleet: Path) -> None:
    now_ms = minutes_ago(10)
    lines = [f"1,{now_ms - minute * 60_000},1200" for minute in range(30)]
    run("import", csv(fleet, "\n".join(["device,at,ac.power", *lines])))
    shown = run("device", "show", "INV-1", "--json").json()
    assert shown["newest_at"] is not None
    totals = run("export", "-", "--buckets", "year", "--device", "INV-1").out.splitlines()
    heading, *rows = [line.split(",") for line in totals]
    production = sum(float(row[heading.index("production")]) for row in rows)
    assert production == pytest.approx(1200 * 29 / 60)
