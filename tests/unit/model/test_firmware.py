"""Versions of firmware: which is newer, and what a package fits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.firmware import Firmware, version_key


def package(version: str, *upgrades: str) -> Firmware:
    """A package that brings this version."""
    return Firmware(
        id=1, model="M", version=version, file="f", sha256="0" * 64, size=1, added_at_ms=0, upgrades=upgrades
    )


@pytest.mark.parametrize(
    "line",
    [
        ("", "0", "1", "1.0", "1.0.1", "1.9", "1.10", "2"),
        ("V500R001C00SPC135", "V500R001C00SPC136", "V500R001C10SPC001", "V500R002C00SPC001", "V600R001"),
        ("2.1.9D", "2.1.10A", "2.1.10B"),
    ],
)
def test_numbers_count_as_numbers_and_letters_as_letters(line: tuple[str, ...]) -> None:
    for older, newer in pairwise(line):
        assert version_key(older) < version_key(newer)
        assert package(newer).fits(older)
        assert not package(older).fits(newer)


def test_signs_and_case_do_not_count() -> None:
    assert version_key("v1.2-3") == version_key("V1_2.3")
    assert not package("v1.2").fits("V1.2")


def test_a_package_fits_the_versions_that_it_names() -> None:
    named = package("2", "1.0", "3")
    assert named.fits("1.0")
    assert not named.fits("1.1")
    assert not named.fits("3")


@given(st.text(), st.text())
def test_any_two_versions_can_be_compared(one: str, other: str) -> None:
    assert (version_key(one) < version_key(other)) + (version_key(one) > version_key(other)) == (
        version_key(one) != version_key(other)
    )
