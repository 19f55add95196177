"""The one operation of the document."""

from __future__ import annotations

from heliograph.dialects.energy_expert.wire import PushRequest, PushResult
from heliograph.protocol.operations import Operation

PUSH = Operation(
    name="PushDeviceData",
    method="POST",
    path="/api/v1/data/increment/push",
    request=PushRequest,
    result=PushResult,
    scope="write",
    cite="PushDeviceData, Request syntax",
    summary="Push the data points of devices.",
)
