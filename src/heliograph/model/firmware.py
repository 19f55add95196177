"""Firmware: the packages that devices of a model can be upgraded with."""

from __future__ import annotations

import re

import msgspec

_PARTS = re.compile(r"\d+|[A-Za-z]+")


class Firmware(msgspec.Struct, frozen=True, kw_only=True):
    """A package: for which model, which version it brings, and its file."""

    id: int
    model: str
    version: str
    file: str
    """The name that the file came with."""
    sha256: str
    size: int
    """Of the file. [bytes]"""
    added_at_ms: int
    upgrades: tuple[str, ...] = ()
    """The versions that it can be put on; empty for all."""

    def fits(self, version: str) -> bool:
        """Whether a device with this version can be upgraded with it: it must be newer."""
        return version_key(self.version) > version_key(version) and (not self.upgrades or version in self.upgrades)


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """What versions are ordered by: their numbers as numbers, their letters as letters."""
    parts = _PARTS.findall(version)
    return tuple((int(part), "") if part.isdigit() else (-1, part.upper()) for part in parts)
