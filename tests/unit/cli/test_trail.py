"""The audit trail as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_trail_tells_who_changed_what_the_newest_last(fleet: Path) -> None:
    run("account", "add", "guest")
    lines = run("audit", "--json").json()
    assert [line["action"] for line in lines] == [
        "account.saved", "plant.saved", "device.saved", "device.saved", "account.saved",
    ]  # fmt: skip
    assert {line["account"] for line in lines} == {"owner", "guest"}
    assert "by command line" in lines[0]["detail"]
    assert lines == sorted(lines, key=lambda line: line["at"])


def test_a_part_of_the_trail_can_be_chosen(fleet: Path) -> None:
    run("account", "add", "guest")
    assert [line["detail"][:9] for line in run("audit", "--action", "device", "--json").json()] == [
        "device 1 ",
        "device 2 ",
    ]
    assert [line["detail"][:9] for line in run("audit", "--limit", 1, "--json").json()] == ["account 2"]
    assert len(run("audit", "--account", "guest", "--json").json()) == 1
    assert run("audit", "--since", "2999-01-01", "--json").json() == []
    assert "Nothing like it" in run("audit", "--action", "fly%").err
    assert "plant.saved" in run("audit").out
    assert "no account 'nobody'" in run("audit", "--account", "nobody", code=1).err
