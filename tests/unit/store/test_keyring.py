"""Secrets under lock and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliograph.errors import ConfigError
from heliograph.model.access import Secret
from heliograph.store.keyring import Keyring


def test_a_secret_comes_back_with_the_same_key_file(tmp_path: Path) -> None:
    token = Keyring(tmp_path / "key").lock(Secret("paßwort"))
    assert Keyring(tmp_path / "key").unlock(token).reveal() == "paßwort"
    assert b"pa" not in token[:2]


def test_the_same_secret_is_never_locked_to_the_same_bytes(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "key")
    assert ring.lock(Secret("x")) != ring.lock(Secret("x"))


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    Keyring(tmp_path / "deep" / "key")
    assert (tmp_path / "deep" / "key").stat().st_mode & 0o777 == 0o600


def test_another_key_opens_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    token = Keyring(tmp_path / "one").lock(Secret("hidden"))
    with pytest.raises(ConfigError, match="restore the key file") as caught:
        Keyring(tmp_path / "two").unlock(token)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no key at all", b"\xff\xfe" * 30])
def test_a_broken_key_file_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match="restore it from a backup"):
        Keyring(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == content
