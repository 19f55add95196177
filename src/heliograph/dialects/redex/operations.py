"""The operation of the document, the token calls before it, and the later forms."""

from __future__ import annotations

import msgspec

from heliograph.dialects.redex.wire import (
    BatchQuery,
    GenerationQuery,
    MonthlyQuery,
    Nothing,
    PluralQuery,
    ProcessResult,
    RefreshQuery,
    StatusQuery,
    StatusResult,
    TokenQuery,
    TokenResult,
)
from heliograph.protocol.operations import Chunk, Limit, Operation

MOST_RECORDS = 3000
"""How many records one call may have, over all its devices."""
SIXTY_A_MINUTE = Limit(60, 60.0, "account", fixed=True)
_BEYOND = "not in the document: "

CONNECT = Operation(
    name="connectToken",
    method="POST",
    path="/public/v2/connect/token",
    request=TokenQuery,
    result=TokenResult,
    public=True,
    cite=f"{_BEYOND}token by key",
    summary="Get a pair of tokens with a key.",
)
REFRESH = Operation(
    name="refreshToken",
    method="POST",
    path="/public/v2/connect/token/refresh",
    request=RefreshQuery,
    result=TokenResult,
    public=True,
    cite=f"{_BEYOND}token by refresh",
    summary="Get a new pair of tokens with a refresh token.",
)
SEND = Operation(
    name="sendGenerationData",
    method="POST",
    path="/public/v2/generation-data",
    request=GenerationQuery,
    result=Nothing,
    scope="write",
    limit=SIXTY_A_MINUTE,
    chunk=Chunk("data", MOST_RECORDS),
    cite="Send Generation Data, Request",
    summary="State the energies of a device by day.",
)
SEND_PLURAL = Operation(
    name="sendGenerationDatas",
    method="POST",
    path="/public/v2/generation-datas",
    request=PluralQuery,
    result=ProcessResult,
    scope="write",
    limit=SIXTY_A_MINUTE,
    cite=f"{_BEYOND}generation-datas",
    summary="State the energies of one device or several by day.",
)
SEND_BATCHES = Operation(
    name="sendGenerationDataBatches",
    method="POST",
    path="/public/v2/generation-datas/batches",
    request=BatchQuery,
    result=ProcessResult,
    scope="write",
    limit=SIXTY_A_MINUTE,
    cite=f"{_BEYOND}batches",
    summary="State the energies of several devices by day.",
)
SEND_MONTHLY = Operation(
    name="sendMonthlyData",
    method="POST",
    path="/public/v2/generation-datas/monthly-data",
    request=MonthlyQuery,
    result=ProcessResult,
    scope="write",
    limit=SIXTY_A_MINUTE,
    cite=f"{_BEYOND}monthly-data",
    summary="State the energies of a device by month.",
)
STATUS = Operation(
    name="getProcessStatus",
    method="GET",
    path="/public/v2/generation-datas/statuses",
    request=StatusQuery,
    result=StatusResult,
    limit=SIXTY_A_MINUTE,
    cite=f"{_BEYOND}process status",
    summary="Ask what became of a submission in a later form.",
)
BATCHES_ALIAS = msgspec.structs.replace(SEND_BATCHES, path="/public/v2/batches")
MONTHLY_ALIAS = msgspec.structs.replace(SEND_MONTHLY, path="/public/v2/monthly-data")
STATUS_ALIAS = msgspec.structs.replace(STATUS, path="/public/v2/generation-datas/status")
