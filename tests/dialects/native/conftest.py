"""What the tests of this dialect share."""

from __future__ import annotations

import pytest

from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub


@pytest.fixture
def hub() -> FakeHub:
    """A fresh hub in memory."""
    return FakeHub()


@pytest.fixture
def api(hub: FakeHub) -> Api:
    """Calls with all scopes."""
    return Api(hub)
