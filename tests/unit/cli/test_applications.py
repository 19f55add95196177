"""Applications and passwords from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from heliograph.cli import app
from heliograph.hub import LocalHub
from heliograph.store.passwords import Passwords
from tests.unit.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path

BACK = "https://app.example.com/back?from=hub"
PASSWORD = "correct horse"


def typed(*words: str, text: str, code: int = 0) -> str:
    """Run a command that reads; everything that it wrote."""
    result = CliRunner().invoke(app, list(words), input=text)
    assert result.exit_code == code, result.output
    assert PASSWORD not in result.output
    return result.output


def held_password(data: Path) -> object:
    """What is kept of the first person's password."""
    hub = LocalHub(data)
    try:
        return hub.registry.people[1].password
    finally:
        hub.database.close()


def test_an_application_is_added_with_its_secret_shown_once(fleet: Path) -> None:
    done = run("application", "add", "My App", "--redirect", BACK, "--redirect", "myapp://back", "--json")
    added = done.json()
    assert added["client_id"].startswith("my-app-")
    assert (added["name"], added["account"], added["dialect"]) == ("My App", "owner", "foxess")
    assert (added["redirect_uris"], added["scopes"]) == ([BACK, "myapp://back"], ["read"])
    secret = added.pop("client_secret")
    assert len(secret) == 48
    for word in ("My App", "1", added["client_id"]):
        assert run("application", "show", word, "--json").json() == added
    assert run("application", "list", "--json").json() == [added]
    assert secret not in run("application", "list").out + run("application", "show", "My App").out


def test_scopes_are_given_and_the_secret_is_announced(fleet: Path) -> None:
    done = run("application", "add", "A", "--redirect", BACK, "--scope", "read", "--scope", "control")
    assert "client_secret" in done.out
    assert "not shown again" in done.err
    assert run("application", "show", "A", "--json").json()["scopes"] == ["read", "control"]


def test_an_application_is_changed_and_what_is_left_out_stays(fleet: Path) -> None:
    added = run("application", "add", "A", "--redirect", BACK, "--scope", "read", "--scope", "control", "--json").json()
    secret = added.pop("client_secret")
    changed = run("application", "set", "A", "--redirect", "myapp://back", "--json").json()
    assert changed == {**added, "redirect_uris": ["myapp://back"]}
    changed = run("application", "set", "A", "--name", "B", "--scope", "read", "--json").json()
    assert changed == {**added, "name": "B", "scopes": ["read"], "redirect_uris": ["myapp://back"]}
    again = run("application", "set", "B", "--new-secret", "--json").json()
    assert len(again["client_secret"]) == 48
    assert again["client_secret"] != secret
    assert "no application 'A'" in run("application", "set", "A", code=1).err
    assert "redirect" in run("application", "set", "B", "--redirect", "javascript:alert(1)", code=1).err
    assert run("application", "show", "B", "--json").json() == changed


def test_an_application_can_be_disabled_and_enabled_again(fleet: Path) -> None:
    run("application", "add", "A", "--redirect", BACK)
    for words, disabled in ((("disable", "A"), True), (("disable", "A", "--undo"), False)):
        run("application", *words)
        assert run("application", "show", "A", "--json").json()["disabled"] is disabled


def test_an_empty_list_of_applications_says_what_to_do(fleet: Path) -> None:
    assert "heliograph application add" in run("application", "list").err
    assert "no application 'A'" in run("application", "show", "A", code=1).err


@pytest.mark.parametrize(
    "address",
    [
        "", "back", "/back", "//a.example.com/", "https://", "https:///back", "https://a.example.com/#x",
        "https://a b/",
        "https://me@a.example.com/", "https://a.example.com:99999/", "javascript:alert(1)", "data:text/html,x",
        "https://a.example.com/;default-src", "https://a.example.com/\r\nx: y", "https://ä.example.com/", "https://[a/",
    ],
)  # fmt: skip
def test_an_address_that_nobody_should_be_sent_to_is_refused(fleet: Path, address: str) -> None:
    assert "--redirect" in run("application", "add", "A", "--redirect", address, code=1).err
    assert run("application", "list", "--json").json() == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:8123/cb", "http://[::1]/cb", "com.example.app:/back", BACK])
def test_an_address_of_any_kind_of_application_is_taken(fleet: Path, address: str) -> None:
    run("application", "add", "A", "--redirect", address)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((" ", "--redirect", BACK), "needs a name"), (("A", "--redirect", BACK, "--scope", "all"), "no scope 'all'"),
        (("A", "--redirect", BACK, "--dialect", "morse"), "no dialect 'morse'"),
        (("A", "--redirect", BACK, "--account", "none"), "no account"),
    ],
)  # fmt: skip
def test_an_application_that_makes_no_sense_is_refused(fleet: Path, words: tuple[str, ...], says: str) -> None:
    assert says in run("application", "add", *words, code=1).err


def test_a_password_is_asked_for_twice_and_kept_as_a_hash(fleet: Path) -> None:
    run("person", "add", "Ada", "--email", "ada@example.com")
    assert run("person", "show", "Ada", "--json").json()["signs_in"] is False
    typed("person", "password", "Ada", text=f"{PASSWORD}\nsomething else\n{PASSWORD}\n{PASSWORD}\n")
    shown = run("person", "show", "Ada", "--json").json()
    assert shown["signs_in"] is True
    assert "password" not in shown
    held = held_password(fleet)
    assert Passwords()._matches(held, PASSWORD)  # type: ignore[arg-type]  # a hash, as the next line shows
    assert "argon2id" in getattr(held, "text", "")


def test_a_password_comes_from_standard_input_too(fleet: Path) -> None:
    run("person", "add", "Ada", "--email", "ada@example.com")
    assert "can sign in" in typed("person", "password", "Ada", "--password-stdin", text=f"{PASSWORD}\r\n")
    assert Passwords()._matches(held_password(fleet), PASSWORD)  # type: ignore[arg-type]  # as above


def test_a_short_password_is_refused_and_the_old_one_stays(fleet: Path) -> None:
    run("person", "add", "Ada", "--email", "ada@example.com")
    assert "8 to 1000" in typed("person", "password", "Ada", "--password-stdin", text="short\n", code=1)
    assert held_password(fleet) is None


def test_disabling_a_person_keeps_their_password(fleet: Path) -> None:
    run("person", "add", "Ada", "--email", "ada@example.com")
    typed("person", "password", "Ada", "--password-stdin", text=f"{PASSWORD}\n")
    run("person", "disable", "Ada")
    assert run("person", "show", "Ada", "--json").json()["signs_in"] is True
