"""Digests and comparison for the signature schemes of the dialects."""

from __future__ import annotations

import base64
import hashlib
import hmac


def same(given: str, expected: str) -> bool:
    """Whether two signatures are equal, in time that tells nothing."""
    return hmac.compare_digest(given.encode(), expected.encode())


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def hmac_sha256_hex(key: str, data: bytes) -> str:
    """Lower-case hexadecimal HMAC-SHA-256."""
    return hmac.digest(key.encode(), data, "sha256").hex()


def hmac_sha1_base64(key: str, data: bytes) -> str:
    """Base64 of HMAC-SHA-1, for schemes that still prescribe it."""
    return base64.b64encode(hmac.digest(key.encode(), data, "sha1")).decode()
