"""Digests and comparison for the signature schemes of the dialects."""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache


def same(given: str, expected: str) -> bool:
    """Whether two signatures are equal, in time that tells nothing."""
    return hmac.compare_digest(given.encode(), expected.encode())


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def hmac_sha256_hex(key: str, data: bytes) -> str:
    """Lower-case hexadecimal HMAC-SHA-256."""
    machine = _keyed(key, "sha256").copy()
    machine.update(data)
    return machine.hexdigest()


def hmac_sha256_base64(key: str, data: bytes) -> str:
    """Base64 of HMAC-SHA-256."""
    machine = _keyed(key, "sha256").copy()
    machine.update(data)
    return base64.b64encode(machine.digest()).decode()


def hmac_sha1_base64(key: str, data: bytes) -> str:
    """Base64 of HMAC-SHA-1, for schemes that still prescribe it."""
    machine = _keyed(key, "sha1").copy()
    machine.update(data)
    return base64.b64encode(machine.digest()).decode()


@lru_cache(maxsize=1024)
def _keyed(key: str, algorithm: str) -> hmac.HMAC:
    """A machine with the key already in it: that is the slower half of a short message's signature."""
    return hmac.new(key.encode(), digestmod=algorithm)
