"""The settings file that `init` writes, and the directory around it."""

from __future__ import annotations

import re
import stat
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from heliograph import config
from heliograph.app import dialects
from heliograph.cli.settings import names, template
from heliograph.protocol.dialect import settings_of
from tests.unit.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_template_holds_every_setting_at_its_default(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", template(), flags=re.MULTILINE)
    (tmp_path / config.FILE).write_text(text)
    found = config.load(tmp_path)
    assert msgspec.structs.replace(found, dialects={}) == config.Config()
    known = {dialect.name: dialect for dialect in dialects() if dialect.settings is not None}
    assert found.dialects.keys() == known.keys()
    for name, dialect in known.items():
        assert settings_of(dialect, found.dialects) == settings_of(dialect, {}), name
    assert all(re.search(rf"^# {name.rpartition('.')[2]} = ", template(), re.MULTILINE) for name in names())


def test_every_setting_is_explained() -> None:
    lines = template().splitlines()
    for line, setting in pairwise(lines):
        if re.match(r"# \w+ = ", setting):
            assert re.match(r"# \w.*\.|# .*\]$", line), setting


def test_init_makes_a_private_directory_and_says_what_is_next(data: Path) -> None:
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("heliograph.toml", "heliograph.key", "heliograph.db"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600


def test_init_leaves_what_is_there_alone(data: Path, tmp_path: Path) -> None:
    assert "there is a hub" in run("init", code=1).err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    assert "not empty" in run("init", "--data", tmp_path / "full", code=1).err


def test_init_uses_settings_that_are_there(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_text("[serve]\nport = 81\n")
    run("init", "--data", tmp_path)
    assert config.load(tmp_path).serve.port == 81


def test_a_wrong_setting_is_named(data: Path) -> None:
    (data / config.FILE).write_text("[serve]\nprot = 81\n")
    assert "prot" in run("plant", "list", code=1).err
