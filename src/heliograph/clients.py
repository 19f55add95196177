"""Clients of the vendors' clouds, usable without a hub.

```python
from heliograph.clients import Huawei
from heliograph.dialects.huawei import operations as op

async with Huawei("https://example.com", "user", "password") as cloud:
    plants = (await cloud.call(op.LIST_PLANTS)).data
    devices = await cloud.call(op.LIST_DEVICES, op.LIST_DEVICES.request(plants=plants[0].code))
```

Each calls every operation of its dialect, as declared in the dialect's `operations`: typed, paced by the limits that
the vendor's document names, signed, and made again where that is safe (`protocol.calling`). `request` and `result` of
an operation are the types of what it takes and gives, from the dialect's `wire`. What the other side refuses is raised
as the error that its code stands for (`errors`); those worth catching are here as well.
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
from heliograph.dialects.foxess.oauth_wire import TokenResult
from heliograph.dialects.foxess.session import END, EXCHANGE, RENEW, ApplicationQuery, FoxessSession
from heliograph.dialects.huawei.session import HuaweiSession
from heliograph.dialects.redex.session import RedexSession
from heliograph.errors import (
    BadRequestError,
    DeviceError,
    ForbiddenError,
    HubError,
    NotFoundError,
    OutcomeUnknownError,
    SpentError,
    TooFrequentError,
    UnauthenticatedError,
    UnreachableError,
)
from heliograph.model.access import Secret
from heliograph.protocol.calling import Client, Policy, Session, connect
from heliograph.protocol.codes import VendorError
from heliograph.protocol.dialect import Dialect
from heliograph.protocol.operations import Operation

__all__ = [
    "APsystems",
    "BadRequestError",
    "Cloud",
    "DeviceError",
    "EnergyExpert",
    "ForbiddenError",
    "FoxESS",
    "FoxESSApplication",
    "Huawei",
    "HubError",
    "NotFoundError",
    "OutcomeUnknownError",
    "Policy",
    "Redex",
    "SpentError",
    "TooFrequentError",
    "UnauthenticatedError",
    "UnreachableError",
    "VendorError",
]
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

    async def call(self, operation: Operation[Q, R], request: Q | None = None) -> R:
        """Call an operation; one without parameters needs no request.

        Raises HubError, see `protocol.calling.Client.call`; TypeError when a request is needed.
        """
        return await self._open.call(operation, operation.request() if request is None else request)

    def call_chunked(self, operation: Operation[Q, R], request: Q) -> AsyncIterator[R]:
        """Call an operation with parts of a list that is too long for one call; the results, one by one.

        The list may also be text with commas between. Raises as `call`; results that came before still count.
        """
        return self._open.call_chunked(operation, request)


class Huawei(Cloud):
    """SmartPVMS northbound (FusionSolar): logs in by itself, and again once its session has ended.

    A login ends the session before it, so let one program have a user of its own. Operations are in
    `dialects.huawei.operations`.
    """

    def __init__(
        self, base_url: str, user: str, password: str, *, policy: Policy | None = None, paced: bool = True
    ) -> None:
        super().__init__(
            base_url, huawei.DIALECT, HuaweiSession(user, Secret(password)), policy=policy, paced=paced
        )  # fmt: skip


class FoxESS(Cloud):
    """Fox ESS Open API, with a private token or with an access token of OAuth; `lang` is that of its messages.

    Raises ValueError unless it is one of both. Operations are in `dialects.foxess.operations`.
    """

    def __init__(
        self, base_url: str, token: str = "", *, access: str = "", lang: str = "en", policy: Policy | None = None,
        paced: bool = True,
    ) -> None:  # fmt: skip
        session = FoxessSession(
            Secret(token) if token else None, access=Secret(access) if access else None, lang=lang
        )  # fmt: skip
        super().__init__(base_url, foxess.DIALECT, session, policy=policy, paced=paced)


class FoxESSApplication(Cloud):
    """An application that people let at their plants: gets access tokens of Fox ESS for a code, and renews them."""

    def __init__(self, base_url: str, client_id: str, client_secret: str, *, policy: Policy | None = None) -> None:
        super().__init__(base_url, foxess.DIALECT, Session(), policy=policy)
        self._client_id, self._client_secret = client_id, Secret(client_secret)

    def _asking(self, **given: str) -> ApplicationQuery:
        return ApplicationQuery(client_id=self._client_id, client_secret=self._client_secret.reveal(), **given)

    async def exchange(self, code: str, *, redirect_uri: str = "", verifier: str = "") -> TokenResult:
        """Tokens for the code with which somebody was sent back. Raises HubError, see `call`; a code counts once.

        `redirect_uri` is where they were sent back to, `verifier` that of PKCE, where the page was opened with such.
        """
        return await self.call(
            EXCHANGE,
            self._asking(grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier),
        )

    async def refresh(self, refresh_token: str) -> TokenResult:
        """New tokens for a refresh token, which counts once. Raises HubError, see `call`."""
        return await self.call(RENEW, self._asking(grant_type="refresh_token", refresh_token=refresh_token))

    async def revoke(self, access_token: str) -> None:
        """End an access token before its time. Raises HubError, see `call`."""
        await self.call(END, self._asking(access_token=access_token))


class APsystems(Cloud):
    """APsystems OpenAPI, with an application account, signed by `HmacSHA256` or `HmacSHA1`.

    Raises ValueError for another algorithm. Operations are in `dialects.apsystems.operations`.
    """

    def __init__(
        self, base_url: str, app_id: str, app_secret: str, *, algorithm: str = "HmacSHA256",
        policy: Policy | None = None, paced: bool = True,
    ) -> None:  # fmt: skip
        session = ApsystemsSession(app_id, Secret(app_secret), algorithm=algorithm)
        super().__init__(base_url, apsystems.DIALECT, session, policy=policy, paced=paced)


class Redex(Cloud):
    """REDEX generation data: gets and renews its tokens by itself. Operations are in `dialects.redex.operations`."""

    def __init__(
        self, base_url: str, client_id: str, client_secret: str, api_key: str, *, policy: Policy | None = None,
        paced: bool = True,
    ) -> None:  # fmt: skip
        session = RedexSession(client_id, Secret(client_secret), Secret(api_key))
        super().__init__(base_url, redex.DIALECT, session, policy=policy, paced=paced)


class EnergyExpert(Cloud):
    """Energy Expert PushDeviceData, signed in the ACS3 form. It is in `dialects.energy_expert.operations`."""

    def __init__(
        self, base_url: str, key_id: str, secret: str, *, policy: Policy | None = None, paced: bool = True
    ) -> None:
        super().__init__(
            base_url, energy_expert.DIALECT, EnergyExpertSession(key_id, Secret(secret)), policy=policy, paced=paced
        )  # fmt: skip
