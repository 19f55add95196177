"""Finding dialects: a folder with a value, nothing more."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from heliograph.errors import ConfigError
from heliograph.model.access import Caller
from heliograph.protocol.dialect import Dialect, discover, settings_of
from heliograph.protocol.operations import Call, Request
from tests.unit.protocol.tiny import ECHO, TINY, Ask, NoHub

SOURCE = "from tests.unit.protocol.tiny import TINY\nfrom msgspec.structs import replace\n"


def folder(path: Path, name: str, sources: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of subpackages."""
    for module, source in {"": "", **sources}.items():
        place = path / name / module
        place.mkdir(parents=True, exist_ok=True)
        (place / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(path))
    for module in [known for known in sys.modules if known.startswith(name)]:
        monkeypatch.delitem(sys.modules, module)
    return name


def test_every_folder_that_holds_a_dialect_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"one": SOURCE + "DIALECT = TINY\n", "two": SOURCE + "DIALECT = replace(TINY, name='two')\n"}
    found = discover(folder(tmp_path, "found_dialects", sources, monkeypatch))
    assert list(found) == ["tiny", "two"]
    assert all(isinstance(dialect, Dialect) for dialect in found.values())


@pytest.mark.parametrize("source", ["", "DIALECT = 5\n"])
def test_a_folder_without_a_dialect_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    with pytest.raises(ValueError, match=r"empty_dialects\.one holds no DIALECT"):
        discover(folder(tmp_path, "empty_dialects", {"one": source}, monkeypatch))


def test_two_dialects_cannot_share_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = dict.fromkeys(("one", "two"), SOURCE + "DIALECT = TINY\n")
    with pytest.raises(ValueError, match="two"):
        discover(folder(tmp_path, "same_dialects", sources, monkeypatch))


def test_the_project_s_own_dialects_are_found_under_their_folder_s_names() -> None:
    found = discover("heliograph.dialects")
    assert found
    assert all(dialect.name == name for name, dialect in found.items())


def test_a_call_tells_the_plant_s_time() -> None:
    made = NoHub()
    call = Call(made.hub, ECHO, Ask("a"), Request("POST", "/", "", {}, b"", b""), Caller(1, 1), None, made.wall)
    assert call.now_ms == made.clock.at_ms != made.wall.at_ms
    assert TINY.tables == ()


class Taste(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a dialect."""

    salt: bool = False


def test_a_dialect_gets_its_own_settings_and_defaults_for_the_rest() -> None:
    salty = msgspec.structs.replace(TINY, settings=Taste)
    assert settings_of(salty, {"tiny": {"salt": True}, "other": {"pepper": 1}}) == Taste(salt=True)
    assert settings_of(salty, {}) == Taste()
    assert settings_of(TINY, {}) is None


@pytest.mark.parametrize("given", [{"salt": "much"}, {"sugar": True}])
def test_a_setting_that_a_dialect_does_not_have_is_refused_by_name(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"dialects\.tiny.*(salt|sugar)"):
        settings_of(msgspec.structs.replace(TINY, settings=Taste), {"tiny": given})
    with pytest.raises(ConfigError, match="there are no settings for tiny"):
        settings_of(TINY, {"tiny": given})
