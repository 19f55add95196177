"""Configuration: every setting once, with its default, unit and meaning. Unknown keys are errors.

Read from `heliograph.toml` in the data directory.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from heliograph.commands.dispatch import CommandConfig
from heliograph.errors import ConfigError
from heliograph.rollup.levels import RollupConfig
from heliograph.store.sqlite import StoreConfig
from heliograph.watch.worker import WatchConfig

FILE = "heliograph.toml"


class ServeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the hub is reached."""

    host: str = "127.0.0.1"
    """Address to listen on; keep it on loopback unless a proxy with TLS stands in front."""
    port: int = 8080
    """Port to listen on."""
    max_body_bytes: int = 8 << 20
    """The largest request body, also after unpacking. [bytes]"""
    proxies: int = 0
    """How many proxies stand in front that note their callers in X-Forwarded-For; who guesses is told apart by that."""
    limits: Literal["documented", "off"] = "documented"
    """Whether facades refuse calls that come more often than the vendor's document allows."""
    dialects: tuple[str, ...] = ()
    """The dialects to serve; empty for all."""


class IngestConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which samples are taken."""

    max_future_s: int = 86400
    """How far a sample may lie ahead of the plant clock. [s]"""
    earliest: str = "2000-01-01"
    """The first day samples may lie in. [date, UTC]"""


class SealConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When samples are compressed."""

    after_h: float = 6.0
    """How long after the end of a local day its samples are sealed. [h]"""
    every_s: float = 60.0
    """How often the worker looks for days to seal. [s]"""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings."""

    serve: ServeConfig = ServeConfig()
    ingest: IngestConfig = IngestConfig()
    rollup: RollupConfig = RollupConfig()
    seal: SealConfig = SealConfig()
    store: StoreConfig = StoreConfig()
    watch: WatchConfig = WatchConfig()
    commands: CommandConfig = CommandConfig()
    dialects: dict[str, dict[str, object]] = {}
    """Settings of single dialects, for example `[dialects.redex]`; each dialect says which it has."""


def load(data: Path) -> Config:
    """The configuration of a data directory; defaults when it has no file.

    Raises ConfigError naming the setting that is wrong.
    """
    path = data / FILE
    if not path.exists():
        return Config()
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), Config)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{FILE} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{FILE}: {error}. `heliograph doctor` lists the settings.") from error
