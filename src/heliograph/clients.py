"""Clients of the vendors' clouds, usable without a hub.

```python
from heliograph.clients import Huawei
from heliograph.dialects.huawei import operations as op
from heliograph.dialects.huawei.wire import NoQuery

async with Huawei("https://example.com", "user", "password") as cloud:
    plants = await cloud.call(op.LIST_PLANTS, NoQuery())
```

Each calls every operation of its dialect, as declared in the dialect's `operations` and `wire`: typed, paced by the
limits that the vendor's document names, signed, and made again where that is safe (`protocol.calling`). What the other
side refuses is raised as the error that its code stands for (`errors`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from heliograph.dialects import apsystems, energy_expert, foxess, huawei, redex
from heliograph.dialects.apsystems.session import ApsystemsSession
from heliograph.dialects.energy_expert.session import EnergyExpertSession
from heliograph.dialects.foxess.session import FoxessSession
from heliograph.dialects.huawei.session import HuaweiSession
from heliograph.dialects.redex.session import RedexSession
from heliograph.model.access import Secret
from heliograph.protocol.calling import Client, Policy, Session, connect
from heliograph.protocol.dialect import Dialect
from heliograph.protocol.operations import Operation

__all__ = ["APsystems", "Cloud", "EnergyExpert", "FoxESS", "Huawei", "Policy", "Redex"]
Q = TypeVar("Q", bound=msgspec.Struct)
R = TypeVar("R")


class Cloud:
    """A vendor's cloud, or a hub that speaks as one; open while the `async with` block lasts."""

    def __init__(
        self, base_url: str, dialect: Dialect, session: Session, *, policy: Policy | None = None, paced: bool = True
    ) -> None:
        """`paced` False calls as fast as asked, for a server without limits."""
        self._base_url, self._dialect, self._session = base_url, dialect, session
        self._policy, self._paced = policy, paced
        self._stack = AsyncExitStack()
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        opened = connect(self._base_url, self._dialect.envelope, self._session, policy=self._policy, paced=self._paced)
        self._client = await self._stack.enter_async_context(opened)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client = None
        await self._stack.aclose()

    @property
    def _open(self) -> Client:
        if self._client is None:
            raise RuntimeError("open it first: async with ... as cloud")
        return self._client

    async def call(self, operation: Operation[Q, R], request: Q) -> R:
        """Call an operation. Raises HubError; see `protocol.calling.Client.call`."""
        return await self._open.call(operation, request)

    def call_chunked(self, operation: Operation[Q, R], request: Q) -> AsyncIterator[R]:
        """Call an operation as often as its longest list makes necessary."""
        return self._open.call_chunked(operation, request)


class Huawei(Cloud):
    """SmartPVMS northbound (FusionSolar): logs in by itself, and again when its session has ended."""

    def __init__(
        self, base_url: str, user: str, password: str, *, policy: Policy | None = None, paced: bool = True
    ) -> None:
        super().__init__(
            base_url, huawei.DIALECT, HuaweiSession(user, Secret(password)), policy=policy, paced=paced
        )  # fmt: skip


class FoxESS(Cloud):
    """Fox ESS Open API, with a private token or with an access token of OAuth."""

    def __init__(
        self, base_url: str, token: str = "", *, access: str = "", lang: str = "en", policy: Policy | None = None,
        paced: bool = True,
    ) -> None:  # fmt: skip
        session = FoxessSession(
            Secret(token) if token else None, access=Secret(access) if access else None, lang=lang
        )  # fmt: skip
        super().__init__(base_url, foxess.DIALECT, session, policy=policy, paced=paced)


class APsystems(Cloud):
    """APsystems OpenAPI, with an application account."""

    def __init__(
        self, base_url: str, app_id: str, app_secret: str, *, algorithm: str = "HmacSHA256",
        policy: Policy | None = None, paced: bool = True,
    ) -> None:  # fmt: skip
        session = ApsystemsSession(app_id, Secret(app_secret), algorithm=algorithm)
        super().__init__(base_url, apsystems.DIALECT, session, policy=policy, paced=paced)


class Redex(Cloud):
    """REDEX generation data: gets and renews its tokens by itself."""

    def __init__(
        self, base_url: str, client_id: str, client_secret: str, api_key: str, *, policy: Policy | None = None,
        paced: bool = True,
    ) -> None:  # fmt: skip
        session = RedexSession(client_id, Secret(client_secret), Secret(api_key))
        super().__init__(base_url, redex.DIALECT, session, policy=policy, paced=paced)


class EnergyExpert(Cloud):
    """Energy Expert PushDeviceData, signed in the ACS3 form."""

    def __init__(
        self, base_url: str, key_id: str, secret: str, *, policy: Policy | None = None, paced: bool = True
    ) -> None:
        super().__init__(
            base_url, energy_expert.DIALECT, EnergyExpertSession(key_id, Secret(secret)), policy=policy, paced=paced
        )  # fmt: skip
