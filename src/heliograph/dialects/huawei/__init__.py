"""Huawei SmartPVMS, also known as FusionSolar: the northbound interface under `/thirdData/`."""

from __future__ import annotations

from heliograph.dialects.huawei.auth import present
from heliograph.dialects.huawei.codes import HuaweiEnvelope, decode_request
from heliograph.dialects.huawei.facade import Settings, serve
from heliograph.dialects.huawei.fields import FIVE_MINUTES, REAL_TIME
from heliograph.dialects.huawei.lookup import check_alias
from heliograph.protocol.dialect import Dialect

DIALECT = Dialect(
    name="huawei",
    title="Huawei SmartPVMS northbound",
    document="SmartPVMS northbound interface reference, issue 01 of 2020-06-23",
    envelope=HuaweiEnvelope(),
    serve=serve,
    tables=(*REAL_TIME.values(), *FIVE_MINUTES.values()),
    decode=decode_request,
    settings=Settings,
    present=present,
    check_alias=check_alias,
)
