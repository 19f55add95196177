"""The firmware catalogue from the command line."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from heliograph.cli.opening import opened
from tests.unit.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(data: Path) -> Path:
    """A package."""
    path = data.parent / "image.bin"
    path.write_bytes(b"image")
    return path


def add(file: Path, version: str, *words: object, code: int = 0) -> str:
    """Add the package as a version; what was printed."""
    done = run("firmware", "add", "--model", "SUN", "--version", version, file, *words, code=code)
    return done.out + done.err


def audit(data: Path) -> list[tuple[str, str]]:
    """The audit trail."""
    with opened(data) as hub:
        return [tuple(row) for row in hub.database.query("SELECT action, detail FROM audit ORDER BY id")]


def test_a_package_is_added_with_its_checksum_and_a_line_in_the_audit_trail(data: Path, file: Path) -> None:
    sha256 = hashlib.sha256(b"image").hexdigest()
    assert sha256 in add(file, "2", "--upgrades", "1.0, 1.1", "--upgrades", "1.0")
    (shown,) = run("firmware", "list", "--json").json()
    assert (shown["model"], shown["version"], shown["upgrades"], shown["file"], shown["size"]) == (
        "SUN", "2", ["1.0", "1.1"], "image.bin", 5,
    )  # fmt: skip
    assert (shown["sha256"], shown["file_there"]) == (sha256, True)
    assert sha256 in run("firmware", "list").out
    ((action, detail),) = audit(data)
    assert (action, sha256 in detail) == ("firmware.added", True)
    assert (data / "firmware" / sha256).read_bytes() == b"image"


def test_an_open_hub_sees_what_is_added(data: Path, file: Path) -> None:
    with opened(data) as hub:
        assert hub.firmware.all() == []
        add(file, "2")
        assert asyncio.run(hub.firmware.newest_for("SUN", "1")).version == "2"


def test_a_version_that_is_added_again_leaves_no_file_behind(data: Path, file: Path) -> None:
    add(file, "2")
    add(file, "2")
    file.write_bytes(b"newer")
    add(file, "2")
    assert [path.read_bytes() for path in (data / "firmware").iterdir()] == [b"newer"]
    assert len(run("firmware", "list", "--json").json()) == 1


def test_a_file_is_removed_with_the_last_package_that_needs_it(data: Path, file: Path) -> None:
    add(file, "2")
    add(file, "3")
    run("firmware", "remove", "--model", "SUN", "--version", "2")
    assert len(list((data / "firmware").iterdir())) == 1
    run("firmware", "remove", "--model", "SUN", "--version", "3")
    assert list((data / "firmware").iterdir()) == []
    assert [action for action, _ in audit(data)][-2:] == ["firmware.removed", "firmware.removed"]
    done = run("firmware", "list")
    assert (done.out, "heliograph firmware add" in done.err) == ("", True)
    assert "no SUN 3" in run("firmware", "remove", "--model", "SUN", "--version", "3", code=1).err


def test_what_cannot_be_added_is_said(data: Path, file: Path) -> None:
    assert "needs a model and a version" in add(file, " ", code=1)
    assert "does not exist" in add(data.parent / "none.bin", "2", code=2)
    file.write_bytes(b"")
    assert "image.bin is empty" in add(file, "2", code=1)
    assert run("firmware", "list", "--json").json() == []
