"""The firmware catalogue: files are copied whole, the newest that fits is found, and what was changed is not given."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from heliograph.errors import BadRequestError, ConflictError, DeviceFileError, NotFoundError
from heliograph.model.firmware import Firmware
from heliograph.store.firmware import PIECE, Catalogue
from tests.unit.store.world import Store


@pytest.fixture
def catalogue(store: Store, tmp_path: Path) -> Catalogue:
    """An empty catalogue."""
    return Catalogue(store.database, tmp_path / "firmware")


def source(tmp_path: Path, content: bytes = b"image", name: str = "image.bin") -> Path:
    """A file to add."""
    path = tmp_path / name
    path.write_bytes(content)
    return path


def add(
    store: Store, catalogue: Catalogue, file: Path, version: str, upgrades: tuple[str, ...] = (), model: str = "M"
) -> Firmware:
    """Add a package."""
    sha256, size = catalogue.take_file(file)
    package = Firmware(
        id=0, model=model, version=version, file=file.name, sha256=sha256, size=size, added_at_ms=1, upgrades=upgrades
    )
    return store.database.write_now(lambda rows: catalogue.put(rows, package))


def test_a_file_is_copied_under_its_digest_for_its_owner_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    content = bytes(range(256)) * (PIECE // 128)
    steps: list[int] = []
    sha256, size = catalogue.take_file(source(tmp_path, content), steps.append)
    assert (sha256, size, sum(steps), len(steps)) == (
        hashlib.sha256(content).hexdigest(),
        len(content),
        len(content),
        2,
    )
    folder = tmp_path / "firmware"
    assert (folder / sha256).read_bytes() == content
    assert stat.S_IMODE((folder / sha256).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [sha256]


def test_an_empty_file_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="is empty"):
        catalogue.take_file(source(tmp_path, b""))


def test_a_file_that_changes_while_it_is_read_leaves_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    file = source(tmp_path)

    def change(_: int) -> None:
        file.write_bytes(b"other content")

    with pytest.raises(ConflictError, match="changed"):
        catalogue.take_file(file, change)
    assert list((tmp_path / "firmware").iterdir()) == []


def test_a_copy_that_breaks_off_leaves_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalogue.take_file(source(tmp_path), stop)
    assert list((tmp_path / "firmware").iterdir()) == []


async def test_the_newest_that_fits_is_found(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    for version in ("1.9", "1.10", "1.2"):
        add(store, catalogue, source(tmp_path, version.encode()), version)
    add(store, catalogue, source(tmp_path, b"2"), "2.0", upgrades=("1.10",))
    add(store, catalogue, source(tmp_path, b"3"), "3.0", model="N")
    assert [one.version for one in catalogue.all()] == ["1.2", "1.9", "1.10", "2.0", "3.0"]
    assert (await catalogue.newest_for("M", "1.2")).version == "1.10"
    assert (await catalogue.newest_for("M", "1.10")).version == "2.0"
    assert (await catalogue.newest_for("M", "")).version == "1.10"
    for model, version in (("M", "2.0"), ("", ""), ("O", "1")):
        with pytest.raises(NotFoundError):
            await catalogue.newest_for(model, version)


@pytest.mark.parametrize("content", [b"imagf", b"image and more", None])
async def test_a_file_that_is_not_what_was_added_is_not_given(
    store: Store, catalogue: Catalogue, tmp_path: Path, content: bytes | None
) -> None:
    package = add(store, catalogue, source(tmp_path), "1")
    assert await catalogue.newest_for("M", "") == package
    path = catalogue.path(package)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DeviceFileError):
        await catalogue.newest_for("M", "")
    assert catalogue.missing() == ([] if content == b"imagf" else [package])


def test_a_version_that_is_added_again_takes_the_place_of_the_old(
    store: Store, catalogue: Catalogue, tmp_path: Path
) -> None:
    first = add(store, catalogue, source(tmp_path, b"old"), "1")
    second = add(store, catalogue, source(tmp_path, b"new"), "1")
    assert catalogue.all() == [second]
    assert catalogue.drop_file(first.sha256)
    assert not catalogue.drop_file(second.sha256)
    assert catalogue.missing() == []
    assert catalogue.drop_file("0" * 64)


def test_what_is_removed_is_returned_and_gone(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    package = add(store, catalogue, source(tmp_path), "1")
    assert store.database.write_now(lambda rows: catalogue.remove(rows, "M", "1")) == package
    assert catalogue.all() == []
    with pytest.raises(NotFoundError, match="no M 1"):
        store.database.write_now(lambda rows: catalogue.remove(rows, "M", "1"))
