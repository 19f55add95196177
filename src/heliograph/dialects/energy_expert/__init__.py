"""Energy Expert: device data points pushed by PushDeviceData."""

from heliograph.dialects.energy_expert.auth import present
from heliograph.dialects.energy_expert.codes import ENVELOPE
from heliograph.dialects.energy_expert.facade import DEVICE_SCHEME, WHOLE_ACCOUNT, check_alias, decode, serve
from heliograph.dialects.energy_expert.fields import METER
from heliograph.protocol.dialect import Dialect

DIALECT = Dialect(
    name="energy_expert",
    title="Energy Expert PushDeviceData",
    document="PushDeviceData, EnergyExpertExternal 2022-09-23",
    envelope=ENVELOPE,
    serve=serve,
    tables=(METER,),
    decode=decode,
    present=present,
    check_alias=check_alias,
)

__all__ = ["DEVICE_SCHEME", "DIALECT", "WHOLE_ACCOUNT"]
