"""The client half's session: a login when there is none, and again when the other side has ended it. (2.1)"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from heliograph.dialects.huawei.operations import LOGIN, LOGOUT
from heliograph.dialects.huawei.wire import LoginQuery
from heliograph.errors import SessionError
from heliograph.model.access import Secret
from heliograph.protocol.calling import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.protocol.calling import Client, Sent
    from heliograph.protocol.operations import Operation

TOKEN = "XSRF-TOKEN"  # noqa: S105  the name of a header
# Several cookies stand in one text, with commas between, and dates of theirs have commas too.
_COOKIE = re.compile(rf"(?:^|[;,])\s*{TOKEN}=\"?([^\";,\s]+)", re.IGNORECASE)


class HuaweiSession(Session):
    """Logs in with the name and password of a third-party system."""

    def __init__(self, user: str, password: Secret) -> None:
        self._user, self._password = user, password
        self._token = ""
        self._turn = asyncio.Lock()

    async def sign(self, client: Client, operation: Operation[Any, Any], sent: Sent) -> dict[str, str]:
        """See Session. Raises SessionError when a login brings no token."""
        if operation.public:
            return {TOKEN: self._token} if self._token and operation.name == LOGOUT.name else {}
        async with self._turn:
            if not self._token:
                await client.call(LOGIN, LoginQuery(self._user, self._password.reveal()))
            if not self._token:
                raise SessionError("the login was answered without a token")
            return {TOKEN: self._token}

    def heard(self, operation: Operation[Any, Any], headers: Mapping[str, str]) -> None:
        """See Session: the token comes in a header, in a cookie, or in both."""
        if operation.name == LOGIN.name:
            cookie = _COOKIE.search(headers.get("set-cookie", ""))
            self._token = headers.get(TOKEN.lower(), "") or (cookie[1] if cookie else "")
        elif operation.name == LOGOUT.name:
            self._token = ""

    async def renew(self, proof: Mapping[str, str]) -> bool:
        """See Session. A login since then stays: another one would end it."""
        if proof.get(TOKEN) == self._token:
            self._token = ""
        return True
