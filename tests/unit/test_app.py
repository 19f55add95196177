"""Putting a hub and its dialects together: what cannot be served is said before anything listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliograph.app import make_app
from heliograph.config import Config, ServeConfig
from heliograph.errors import ConfigError
from tests.unit.store.world import World


def refused(path: Path, config: Config) -> str:
    """Why a configuration cannot be served."""
    world = World(path, config=config)
    with pytest.raises(ConfigError) as caught:
        make_app(world.hub)
    world.close()
    return str(caught.value)


def test_a_dialect_that_no_folder_has_is_named_with_those_there_are(tmp_path: Path) -> None:
    text = refused(tmp_path, Config(serve=ServeConfig(dialects=("huawei", "morse"))))
    assert "'morse'" in text
    assert "huawei" in text


def test_settings_of_a_dialect_that_does_not_exist_are_refused(tmp_path: Path) -> None:
    assert "dialects.morse" in refused(tmp_path, Config(dialects={"morse": {"speed": 12}}))


def test_a_setting_that_a_dialect_does_not_know_is_refused_even_if_it_is_not_served(tmp_path: Path) -> None:
    config = Config(serve=ServeConfig(dialects=("huawei",)), dialects={"native": {"colour": "blue"}})
    assert "dialects.native" in refused(tmp_path, config)
