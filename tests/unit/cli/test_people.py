"""People from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path

ADA = ("person", "add", "Ada", "--email", "ada@example.com", "--phone", "+49 30 12")


def test_a_person_is_added_listed_and_found_by_any_contact(fleet: Path) -> None:
    added = run(*ADA, "--plant", "Roof", "--json").json()
    assert (added["name"], added["account"], added["plants"], added["disabled"]) == ("Ada", "owner", [1], False)
    for word in ("Ada", "1", "ADA@example.com", "0049 3012"):
        assert run("person", "show", word, "--json").json() == added
    assert run("person", "list", "--json").json() == [added]
    assert "ada@example.com" in run("person", "list").out
    assert run("person", "add", "Bob", "--phone", "030 9", "--json").json()["plants"] == "all"


def test_people_are_of_an_account(fleet: Path) -> None:
    run(*ADA)
    run("account", "add", "guest")
    run(*ADA, "--account", "guest")
    assert len(run("person", "list", "--json").json()) == 2
    assert [one["account"] for one in run("person", "list", "--account", "guest", "--json").json()] == ["guest"]
    assert "by its id, 1, 2" in run("person", "show", "Ada", code=1).err
    assert "several persons" in run("person", "show", "ada@example.com", code=1).err


def test_a_person_can_be_disabled_and_enabled_again(fleet: Path) -> None:
    run(*ADA)
    run("person", "disable", "Ada")
    assert run("person", "show", "Ada", "--json").json()["disabled"] is True
    run("person", "disable", "Ada", "--undo")
    assert run("person", "show", "Ada", "--json").json()["disabled"] is False


def test_an_empty_list_says_what_to_do(fleet: Path) -> None:
    assert "heliograph person add" in run("person", "list").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((" ", "--email", "a@b"), "needs a name"), (("A",), "--email or --phone"),
        (("A", "--phone", "+"), "or --phone"),
        (("A", "--email", "a b@c"), "no e-mail address"), (("A", "--email", "ada@EXAMPLE.com"), "has ada@EXAMPLE.com"),
        (("A", "--phone", "+493012"), "already"), (("A", "--email", "x@y", "--plant", "Rof"), "no plant 'Rof'"),
        (("A", "--email", "x@y", "--account", "none"), "no account"),
    ],
)  # fmt: skip
def test_whom_nothing_could_find_is_refused(fleet: Path, words: tuple[str, ...], says: str) -> None:
    run(*ADA)
    done = run("person", "add", *words, code=1)
    assert says in done.err
    assert len(run("person", "list", "--json").json()) == 1


def test_a_plant_of_another_account_is_nobodys_here(fleet: Path) -> None:
    run("account", "add", "guest")
    run("plant", "add", "Shed", "--zone", "UTC", "--account", "guest")
    done = run("person", "add", "A", "--email", "a@b", "--account", "owner", "--plant", "Shed", code=1)
    assert "another account" in done.err
