"""A whole hub into a file, and back."""

from __future__ import annotations

import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from heliograph.cli.opening import opened
from tests.unit.cli.conftest import run
from tests.unit.cli.ledgers import fill
from tests.unit.cli.test_importing import csv, held

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["hub.tar", "hub.tar.gz"])
def test_a_restored_hub_is_the_same(fleet: Path, name: str) -> None:
    run("import", csv(fleet, "device,at,ac.power\n1,2026-06-01T10:00Z,1\n"))
    token = run("credential", "add", "native", "--name", "tool", "--json").json()["token"]
    file = fleet.parent / name
    said = run("backup", file).err
    assert "key file" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = fleet.parent / "other"
    run("restore", file, "--data", other)
    assert held(other) == held(fleet)
    with opened(other) as hub:
        assert hub.registry.credentials[("native", "tool")].secret.reveal() == token.rpartition("_")[2]
    assert run("doctor", "--data", other, "--port", 1, "--json", code=run_code(other)).json()
    assert {entry.name for entry in fleet.parent.iterdir()} == {"hub", "other", name, "samples.csv"}


def run_code(data: Path) -> int:
    """A port below 1024 is free for some users only."""
    from heliograph.cli.ports import why_not_free

    del data
    return 1 if why_not_free("127.0.0.1", 1) else 0


def test_a_backup_does_not_replace_a_file_unasked(fleet: Path) -> None:
    file = fleet.parent / "hub.tar"
    file.write_text("mine")
    assert "--force" in run("backup", file, code=1).err
    assert file.read_text() == "mine"
    run("backup", file, "--force")


def test_restore_does_not_replace_a_hub_unasked(fleet: Path) -> None:
    file = fleet.parent / "hub.tar"
    run("backup", file)
    run("account", "add", "later")
    assert "--force" in run("restore", file, code=1).err
    run("restore", file, "--force")
    assert [account["name"] for account in run("account", "list", "--json").json()] == ["owner"]


def test_restore_refuses_what_is_no_whole_backup(fleet: Path) -> None:
    file, other = fleet.parent / "hub.tar", fleet.parent / "other"
    file.write_text("no tar")
    assert "is no backup" in run("restore", file, "--data", other, code=1).err
    with tarfile.open(file, "w") as tar:
        tar.add(fleet / "heliograph.toml", "../heliograph.toml")
    assert "is no backup" in run("restore", file, "--data", other, code=1).err
    with tarfile.open(file, "w") as tar:
        tar.add(fleet / "heliograph.toml", "heliograph.toml")
    assert "is not in it" in run("restore", file, "--data", other, code=1).err
    run("backup", file, "--force")
    file.write_bytes(file.read_bytes()[:20_000])
    assert "cut short" in run("restore", file, "--data", other, code=1).err
    assert not other.exists()


def test_packages_of_the_catalogue_and_the_ledger_come_back(fleet: Path) -> None:
    image, file, other = fleet.parent / "image.bin", fleet.parent / "hub.tar", fleet.parent / "other"
    image.write_bytes(b"image")
    run("firmware", "add", "--model", "SUN", "--version", "2", image)
    (fleet / "firmware" / "stray").write_bytes(b"nobody's")
    fill(fleet)
    assert "1 firmware file." in run("backup", file).err
    assert "1 firmware file" in run("restore", file, "--data", other).err
    assert [package["file_there"] for package in run("firmware", "list", "--data", other, "--json").json()] == [True]
    assert [stat.S_IMODE((other / "firmware").stat().st_mode), len(list((other / "firmware").iterdir()))] == [0o700, 1]
    assert run("ledger", "verify", "--data", other, "--json").json()["entries"] == 5


def test_a_package_that_is_gone_is_left_out(fleet: Path) -> None:
    image, file = fleet.parent / "image.bin", fleet.parent / "hub.tar"
    image.write_bytes(b"image")
    run("firmware", "add", "--model", "SUN", "--version", "2", image)
    for path in (fleet / "firmware").iterdir():
        path.unlink()
    assert "firmware file" not in run("backup", file).err


@pytest.mark.parametrize("name", ["firmware/../evil", "firmware/x", f"firmware/{'a' * 65}", f"other/{'a' * 64}"])
def test_restore_takes_no_package_of_another_name(fleet: Path, name: str) -> None:
    file, other = fleet.parent / "hub.tar", fleet.parent / "other"
    run("backup", file)
    with tarfile.open(file, "a") as tar:
        tar.add(fleet / "heliograph.toml", name)
    assert "is no backup" in run("restore", file, "--data", other, code=1).err
    assert not other.exists()
