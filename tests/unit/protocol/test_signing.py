"""Digests against published vectors (RFC 4231, RFC 2202, FIPS 180)."""

from __future__ import annotations

import base64

from heliograph.protocol.signing import hmac_sha1_base64, hmac_sha256_base64, hmac_sha256_hex, same, sha256_hex


def test_hmac_sha256_is_that_of_the_published_vectors() -> None:
    data = b"what do ya want for nothing?"
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256_hex("Jefe", data) == hmac_sha256_hex("Jefe", data) == expected
    assert hmac_sha256_hex("Jeff", data) != expected
    assert base64.b64decode(hmac_sha256_base64("Jefe", data)).hex() == expected


def test_hmac_sha1_is_that_of_the_published_vectors() -> None:
    signed = base64.b64decode(hmac_sha1_base64("Jefe", b"what do ya want for nothing?"))
    assert signed.hex() == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


def test_sha256_is_that_of_the_published_vectors() -> None:
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_signatures_are_compared_as_they_are_whatever_was_sent() -> None:
    assert same("abc", "abc")
    assert not same("abc", "ABC")
    assert not same("", "abc")
    assert not same("äöü€", "abc")
