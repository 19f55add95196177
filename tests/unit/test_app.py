"""Putting a hub and its dialects together: what cannot be served is said before anything listens."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from heliograph.app import make_app
from heliograph.config import Config, ServeConfig
from heliograph.errors import ConfigError, StoreError
from tests.unit.store.world import World


async def ask(world: World, path: str) -> httpx.Response:
    """What the application of a hub answers."""
    transport = httpx.ASGITransport(make_app(world.hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://elsewhere.example") as http:
        return await http.get(path)


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


async def test_a_browser_is_told_what_it_has_found(tmp_path: Path) -> None:
    world = World(tmp_path, config=Config(serve=ServeConfig(dialects=("huawei", "native"))))
    page = await ask(world, "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<li>Huawei SmartPVMS northbound</li>" in page.text
    assert "Fox ESS" not in page.text
    assert (await ask(world, "/api/v1/openapi.json")).status_code == 200
    assert "/api/v1/openapi.json" in page.text
    world.close()
    alone = World(tmp_path / "other", config=Config(serve=ServeConfig(dialects=("huawei",))))
    assert "/api/v1" not in (await ask(alone, "/")).text
    alone.close()


@pytest.mark.parametrize("path", ["/thirdData", "/op", "/api/v1", "/healthz/", "/metrics/"])
async def test_nobody_is_sent_to_the_host_that_they_named(tmp_path: Path, path: str) -> None:
    world = World(tmp_path)
    answer = await ask(world, path)
    assert "location" not in answer.headers
    if path == "/thirdData":
        assert answer.json()["failCode"] == 401
    world.close()


async def test_a_hub_whose_database_fails_is_not_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)

    def failing(*_: object) -> None:
        raise StoreError("the database failed; nothing was kept")

    monkeypatch.setattr(world.hub.database, "query", failing)
    answer = await ask(world, "/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    monkeypatch.undo()
    world.close()
