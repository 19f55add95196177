"""What the tests with real clients share: no proxy stands between them and the hub."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def _loopback_without_proxy() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
