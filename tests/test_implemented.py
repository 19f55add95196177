"""IMPLEMENTED.md says what the hub serves, calls and has checked: each column follows from facts, none from a hand."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from heliograph.dialects.redex.facade import RedexSettings
from heliograph.protocol.dialect import Dialect, discover
from tests.clients.seen import generator, on_file
from tests.live import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIALECTS = discover("heliograph.dialects")
ROW = re.compile(r"^\| (?P<name>[^|]*) \| `(?P<call>[A-Z]+ [^|`]+)` \|(?P<rest>.*)\|$", re.MULTILINE)


@pytest.fixture
def generate() -> Any:  # any: a module found by its path
    """The generator, fresh for every test."""
    return generator()


def cells(section: str) -> dict[str, list[str]]:
    """The rows of a dialect's table by method and path: document, served, called, checked by."""
    return {row["call"]: [cell.strip() for cell in row["rest"].split("|")] for row in ROW.finditer(section)}


def test_the_page_is_what_the_generator_writes(generate: Any) -> None:
    path = ROOT / "IMPLEMENTED.md"
    assert path in generate.documents()
    text = path.read_text(encoding="utf-8")
    assert "<!-- generated:implemented -->" in text
    assert generate.rewrite(text) == text


def test_every_dialect_has_its_table(generate: Any) -> None:
    headings = re.findall(r"^## .*\(`(\w+)`\)$", generate.implemented(), re.MULTILINE)
    assert headings == sorted(DIALECTS)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_operation_has_one_row_and_says_that_it_is_served(generate: Any, name: str) -> None:
    section = generate.describe_dialect(DIALECTS[name])
    rows = cells(section)
    assert len(rows) == len(ROW.findall(section))
    operations = generate.operations_with(DIALECTS[name], {})
    assert operations
    assert {call for call, row in rows.items() if row[1] == "yes"} == operations.keys()


@pytest.mark.parametrize("name", DIALECTS)
def test_every_vendor_s_document_is_listed_and_served_whole(generate: Any, name: str) -> None:
    assert name == "native" or generate.DOCUMENTED[name]
    assert "**missing**" not in generate.describe_dialect(DIALECTS[name])


def test_a_call_of_the_document_that_is_not_served_is_shown_as_missing(generate: Any) -> None:
    generate.DOCUMENTED["huawei"]["POST /thirdData/getDevHistory"] = "2.99"
    rows = cells(generate.describe_dialect(DIALECTS["huawei"]))
    assert rows["POST /thirdData/getDevHistory"] == ["2.99", "**missing**", "no", ""]
    assert list(rows)[-1] == "POST /thirdData/getDevHistory"


def test_calls_that_only_real_clients_make_stand_in_no_document(generate: Any) -> None:
    rows = cells(generate.describe_dialect(DIALECTS["huawei"]))
    beyond = {call.rpartition("/")[2] for call, row in rows.items() if not row[0]}
    assert beyond == {"logout", "stations", "getDevKpiHour", "devOnOff"}


def test_operations_behind_a_setting_name_it(generate: Any) -> None:
    rows = cells(generate.describe_dialect(DIALECTS["redex"]))
    later = {call for call, row in rows.items() if row[1] == "with `later = true`"}
    always = {call for call, row in rows.items() if row[1] == "yes"}
    assert "POST /public/v2/generation-data" in always
    assert {"POST /public/v2/generation-datas", "POST /public/v2/batches", "POST /public/v2/monthly-data"} <= later
    assert RedexSettings().later is False
    assert later | always == rows.keys()


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_called_follows_from_what_the_folder_holds(generate: Any, name: str) -> None:
    folder = ROOT / "src" / "heliograph" / "dialects" / name
    expected = "driver" if (folder / "driver.py").exists() else "client" if (folder / "session.py").exists() else "no"
    rows = cells(generate.describe_dialect(DIALECTS[name]))
    for call, row in rows.items():
        assert row[2] == ("no" if call.startswith(generate.FOR_BROWSERS) else expected), call


def test_a_driver_or_a_session_turns_the_column(generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = sys.modules["heliograph.dialects.redex"]
    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    for module, expected in ((None, "no"), ("session.py", "client"), ("driver.py", "driver")):
        if module is not None:
            (tmp_path / module).touch()
        assert generate.called(DIALECTS["redex"], "POST /public/v2/generation-data") == expected
        assert generate.called(DIALECTS["redex"], "GET /oauth2/refresh") == "no"


def test_a_setting_that_takes_an_operation_away_is_told_too(generate: Any) -> None:
    class Switches(msgspec.Struct, frozen=True):
        """A dialect that serves more with a setting off."""

        strict: bool = True

    redex = DIALECTS["redex"]

    def serve(hub: Any) -> Any:  # any: the contract does not matter here
        lax = not hub.dialect_settings.get("redex", {}).get("strict", True)
        within: Any = _With(later=lax)  # any: as the hub
        return redex.serve(within)

    made = Dialect(
        name="redex", title="T", document="D", envelope=redex.envelope, serve=serve, settings=Switches,
    )  # fmt: skip
    conditions = {condition for _, condition in generate.served_operations(made).values()}
    assert conditions == {"yes", "with `strict = false`"}


class _With:
    """As much of a hub as serving needs."""

    def __init__(self, *, later: bool) -> None:
        self.dialect_settings = {"redex": {"later": later}}
        self.wall = self.clock = self.tokens = None


def test_the_file_of_checks_names_installed_clients_dialects_and_operations(generate: Any) -> None:
    for client, versions in on_file().items():
        for version, dialects in versions.items():
            if version:
                assert metadata.version(client) == version, f"{client} was checked in another version"
            for dialect, operations in dialects.items():
                known = {name for name, _ in generate.served_operations(DIALECTS[dialect]).values()}
                assert set(operations) <= known
                assert operations == sorted(set(operations))


def test_the_pinned_clients_are_those_that_were_checked() -> None:
    pinned = dict(re.findall(r'"([\w-]+)==([\w.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    found = {client.replace("_", "-"): versions.keys() for client, versions in on_file().items() if any(versions)}
    assert {name: {version} for name, version in pinned.items()} == found


def test_the_clients_stand_in_the_last_column(generate: Any) -> None:
    rows = cells(generate.describe_dialect(DIALECTS["huawei"]))
    assert rows["POST /thirdData/getStationRealKpi"][3] == "fusionsolar 0.0.6, pyhfs 0.1.1"
    assert rows["POST /thirdData/stations"][3] == "pyhfs 0.1.1"
    assert rows["POST /thirdData/snIsRegister"][3] == ""
