"""Accounts, plants, devices and credentials from the command line."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from heliograph.cli.opening import opened
from tests.unit.cli.conftest import run
from tests.unit.cli.ledgers import fill

if TYPE_CHECKING:
    from pathlib import Path


def test_lists_and_shows_tell_what_was_added(fleet: Path) -> None:
    assert [account["name"] for account in run("account", "list", "--json").json()] == ["owner"]
    plant = run("plant", "show", "Roof", "--json").json()
    assert (plant["zone"], plant["capacity_w"], plant["tariff"], plant["devices"]) == (
        "Europe/Berlin",
        10_000,
        [0.3],
        2,
    )
    assert [device["serial"] for device in run("device", "list", "--json").json()] == ["INV-1", "MTR-1"]
    assert run("device", "show", "1", "--json").json() == run("device", "show", "INV-1", "--json").json()
    assert "Inverter" in run("device", "list").out


def test_an_empty_list_says_what_to_do_and_is_an_empty_array(data: Path) -> None:
    done = run("account", "list")
    assert (done.out, "heliograph account add" in done.err) == ("", True)
    assert run("plant", "list", "--json").json() == []


METER = ("device", "add", "D", "--plant", "Roof", "--kind", "meter")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plant", "show", "Rof"), "did you mean 'Roof'?"),
        (("account", "add", "owner"), "already"),
        (("account", "add", " "), "needs a name"),
        (("plant", "add", "P", "--zone", "Mars/Base"), "is not a time zone"),
        (("plant", "add", "P", "--zone", "europe/madird"), "did you mean 'Europe/Madrid'?"),
        (("plant", "add", "P", "--zone", "UTC", "--tariff", "1,2"), "one price, or 24"),
        (("plant", "add", "P", "--zone", "UTC", "--tariff", "x"), "no number"),
        (("plant", "add", "P", "--zone", "UTC", "--kpi-profile", "x"), "no profile"),
        (("plant", "add", "P", "--zone", "UTC", "--account", "nobody"), "there is no account"),
        (("device", "add", "D", "--plant", "Roof", "--kind", "meter", "--alias", "huawei"), "must read DIALECT=ID"),
        (("device", "add", "D", "--plant", "Roof", "--kind", "meter", "--alias", "sun=1"), "no dialect 'sun'"),
        (("device", "add", "D", "--plant", "Roof", "--kind", "meter", "--gateway", "9"), "there is no device '9'"),
        ((*METER, "--alias", "energy_expert=m-1"), "energy_expert:1=m-1"),
        ((*METER, "--alias", "huawei:1=77"), "leave out :1"),
        ((*METER, "--alias", "huawei=m-1"), "a number of 1 to 18 digits"),
        ((*METER, "--alias", "redex:1=STR1"), "leave out :1"),
        ((*METER, "--alias", "apsystems:ecu=216000000001"), "leave out :ecu"),
        (("plant", "add", "P", "--zone", "UTC", "--alias", "energy_expert:1=p"), "no plants"),
        (("credential", "add", "sun"), "no dialect 'sun'"),
        (("credential", "add", "native", "--scope", "all"), "no scope 'all'"),
        (("credential", "add", "native", "--name", "a b"), "a token's name"),
        (("credential", "add", "native", "--secret", "short"), "a token's secret"),
        (("credential", "add", "native", "--operation", "fly"), "no operation 'fly'"),
        (("credential", "add", "huawei", "--kpi", "day_powr"), "no figure 'day_powr'"),
        (("credential", "add", "huawei", "--kpi", "getKpiStationDay:day_power"), "no figure 'day_power' in getKpiSta"),
        (("credential", "add", "huawei", "--kpi", "fly:day_power"), "NAME or OPERATION:NAME"),
        (("credential", "add", "huawei", "--kpi", ""), "NAME or OPERATION:NAME"),
        (("credential", "add", "native", "--expires", "soon"), "--expires must be ISO 8601"),
        (("credential", "show", "native", "x"), "no native credential 'x'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(fleet: Path, words: tuple[str, ...], says: str) -> None:
    done = run(*words, code=1)
    assert says in done.err
    assert done.err.startswith("heliograph: ")
    assert (done.err.count("\n"), done.out) == (1, "")


def test_a_directory_without_a_hub_names_the_command_that_makes_one(tmp_path: Path) -> None:
    assert "heliograph init" in run("plant", "list", "--data", tmp_path, code=1).err


def test_a_missing_key_file_is_not_replaced_by_a_new_one(fleet: Path) -> None:
    (fleet / "heliograph.key").unlink()
    assert "restore it from a backup" in run("credential", "list", code=1).err
    assert not (fleet / "heliograph.key").exists()


def test_several_accounts_have_to_be_told_apart(fleet: Path) -> None:
    run("account", "add", "guest")
    assert "name one with --account" in run("plant", "add", "P", "--zone", "UTC", code=1).err
    run("plant", "add", "P", "--zone", "UTC", "--account", "guest")
    assert [plant["name"] for plant in run("plant", "list", "--account", "guest", "--json").json()] == ["P"]
    assert "another account" in run("credential", "add", "native", "--account", "owner", "--plant", "P", code=1).err


def test_two_plants_of_one_name_are_told_apart_by_id(fleet: Path) -> None:
    run("plant", "add", "Roof", "--zone", "UTC")
    assert "by its id, 1, 2" in run("plant", "show", "Roof", code=1).err
    assert run("plant", "show", 2, "--json").json()["zone"] == "UTC"


def test_a_device_goes_by_its_serial_number_its_id_or_its_name(fleet: Path) -> None:
    assert [run("device", "show", word, "--json").json()["id"] for word in ("MTR-1", 2, "Meter")] == [2, 2, 2]
    run("device", "add", "Meter", "--plant", "Roof", "--kind", "meter", "--serial", "Inverter")
    assert run("device", "show", "Inverter", "--json").json()["id"] == 3
    assert "by its id, 2, 3" in run("device", "show", "Meter", code=1).err


def test_a_gateway_stands_in_the_same_plant(fleet: Path) -> None:
    run("plant", "add", "Shed", "--zone", "UTC")
    through = ("--kind", "meter", "--gateway", "INV-1")
    assert "stands in another plant" in run("device", "add", "D", "--plant", "Shed", *through, code=1).err
    assert run("device", "add", "D", "--plant", "Roof", *through, "--json").json()["gateway_id"] == 1


def test_a_plant_without_a_gateway_may_have_its_ecu_named(fleet: Path) -> None:
    plant = run("plant", "add", "P", "--zone", "UTC", "--alias", "apsystems:ecu=216000000001", "--json").json()
    assert plant["aliases"] == [{"dialect": "apsystems", "scope": "ecu", "id": "216000000001"}]


def test_an_alias_is_kept_in_its_scope(fleet: Path) -> None:
    alias = ("--alias", "energy_expert:1=meter-9", "--alias", "huawei=77")
    device = run("device", "add", "D", "--plant", "Roof", "--kind", "meter", *alias, "--json").json()
    assert device["aliases"] == [
        {"dialect": "energy_expert", "scope": "1", "id": "meter-9"},
        {"dialect": "huawei", "scope": "", "id": "77"},
    ]
    assert (
        "belongs to another device"
        in run("device", "add", "E", "--plant", "Roof", "--kind", "meter", "--alias", "huawei=77", code=1).err
    )


def test_a_refused_alias_leaves_no_device_behind(fleet: Path) -> None:
    run("device", "add", "D", "--plant", "Roof", "--kind", "meter", "--alias", "huawei=77")
    run("device", "add", "E", "--plant", "Roof", "--kind", "meter", "--alias", "huawei=77", code=1)
    assert [device["name"] for device in run("device", "list", "--json").json()] == ["Inverter", "Meter", "D"]


def test_a_secret_is_made_and_shown_once(fleet: Path) -> None:
    made = run(
        "credential", "add", "native", "--name", "tool", "--scope", "read", "--expires", "2030-01-01", "--json"
    ).json()
    assert re.fullmatch(r"hg_tool_[0-9a-f]{48}", made["token"])
    secret = made["token"].rpartition("_")[2]
    for words in (("credential", "list"), ("credential", "show", "native", "tool")):
        assert secret not in run(*words).out
        assert secret not in run(*words, "--json").out
    shown = run("credential", "show", "native", "tool", "--json").json()
    assert (shown["scopes"], shown["expires_at"]) == (["read"], "2030-01-01T00:00:00.000Z")


def test_a_credential_speaks_the_words_of_its_dialect(fleet: Path) -> None:
    done = run("credential", "add", "huawei", "--name", "me", "--secret", "it", "--plant", "Roof", "--json").json()
    assert (done["userName"], done["systemCode"], done["plants"]) == ("me", "it", [1])
    assert {"accessKeyId", "accessKeySecret"} < run("credential", "add", "energy_expert", "--json").json().keys()
    assert {"ClientId", "ClientSecret", "ApiKey"} < run("credential", "add", "redex", "--json").json().keys()
    assert "at most 36 characters" in run("credential", "add", "redex", "--name", "n" * 37, code=1).err


@pytest.mark.parametrize("words", [("account", "owner"), ("plant", "Roof"), ("device", "INV-1")])
def test_what_is_disabled_can_be_enabled_again(fleet: Path, words: tuple[str, str]) -> None:
    noun, name = words
    run(noun, "disable", name)
    assert run(noun, "show", name, "--json").json()["disabled"] is True
    run(noun, "disable", name, "--undo")
    assert run(noun, "show", name, "--json").json()["disabled"] is False


def test_a_credential_can_be_disabled(fleet: Path) -> None:
    run("credential", "add", "native", "--name", "tool")
    run("credential", "disable", "native", "tool")
    assert run("credential", "show", "native", "tool", "--json").json()["disabled"] is True


def test_a_credential_reads_the_figures_that_it_names(fleet: Path) -> None:
    figures = ("day_power", "getKpiStationDay:inverter_power", "active_power", "getDevRealKpi:temperature", "day_power")
    words = [word for figure in figures for word in ("--kpi", figure)]
    run("credential", "add", "huawei", "--name", "narrow", *words)
    assert run("credential", "show", "huawei", "narrow", "--json").json()["kpis"] == list(figures[:4])
    assert "day_power" in run("credential", "list").out
    run("credential", "add", "huawei", "--name", "wide")
    assert run("credential", "show", "huawei", "wide", "--json").json()["kpis"] == "all"


def test_a_dialect_without_tables_takes_any_figure(fleet: Path) -> None:
    run("credential", "add", "native", "--name", "tool", "--kpi", "anything")
    assert run("credential", "show", "native", "tool", "--json").json()["kpis"] == ["anything"]


def test_the_scope_control_is_given_on_demand_alone(fleet: Path) -> None:
    run("credential", "add", "native", "--name", "plain")
    run("credential", "add", "native", "--name", "driver", "--scope", "read", "--scope", "control")
    for name, scopes in (("plain", ["read", "write"]), ("driver", ["read", "control"])):
        assert run("credential", "show", "native", name, "--json").json()["scopes"] == scopes


def test_a_device_says_which_reported_total_counts(fleet: Path) -> None:
    words = ("device", "add", "D", "--plant", "Roof", "--kind", "inverter", "--serial", "D-1")
    assert run(*words, "--reported", "reported", "--json").json()["reported"] == "reported"
    assert run("device", "show", "INV-1", "--json").json()["reported"] == "fills"
    assert run("device", "set", "INV-1", "--reported", "computed", "--json").json()["reported"] == "computed"
    assert run("device", "show", "INV-1", "--json").json()["reported"] == "computed"


def test_another_rule_folds_what_was_stated_again(fleet: Path) -> None:
    fill(fleet)
    with opened(fleet) as hub:
        hub.database.writer.execute("DELETE FROM dirty")
    run("device", "set", "INV-1", "--reported", "fills")
    with opened(fleet) as hub:
        assert hub.database.query("SELECT count(*) FROM dirty") == [(0,)]
    run("device", "set", "INV-1", "--reported", "reported")
    with opened(fleet) as hub:
        days = {date.fromordinal(day) for (day,) in hub.database.query("SELECT day FROM dirty WHERE device = 1")}
        assert {date(2024, 5, 1), date(2024, 6, 1), date(2024, 6, 2)} <= days
        assert "reported totals: reported" in hub.database.query("SELECT detail FROM audit ORDER BY id")[-1][0]
