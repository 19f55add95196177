"""One example of a body and of an answer for each call; tests hold them against the types, the document shows them."""

from __future__ import annotations

from typing import Any

Example = Any  # any: JSON of any shape

PLANT: Example = {
    "id": 1, "name": "Lakeside", "zone": "Europe/Berlin", "address": "Quay 3", "capacity_w": 29900.0,
    "latitude": 53.55, "longitude": 10.0, "grid_type": "commercial", "build_state": "connected",
    "connected_on": "2024-04-01", "contact_name": "", "contact_phone": "", "poverty_alleviation": False,
    "kpi_profile": "huawei-2020", "tariff": [0.31], "currency": "EUR", "disabled": False,
}  # fmt: skip
DEVICE: Example = {
    "id": 7, "plant": 1, "kind": "inverter", "name": "Roof east", "serial": "HG-0007", "model": "", "firmware": "",
    "capacity_w": 14950.0, "role": "grid", "gateway": None, "latitude": None, "longitude": None, "interval_s": 300,
    "attributes": {}, "disabled": False, "reported": "fills",
}  # fmt: skip
AT, LATER = "2026-06-21T10:05:00.000Z", "2026-06-21T10:10:00.000Z"
VALUES: Example = {"ac.power": 8120.5, "pv.1.voltage": 612.4, "inverter.temperature": None, "acme:mode": "eco"}
LATEST: Example = {
    "device": 7, "at": AT,
    "readings": {"ac.power": {"value": 8120.5, "at": AT}, "acme:mode": {"value": "eco", "at": AT}},
}  # fmt: skip
BUCKET: Example = {
    "since": "2026-06-20T22:00:00.000Z", "until": "2026-06-21T22:00:00.000Z", "production": 171300.0,
    "integrated": 250.0, "pv_input": 176100.0, "feed_in": 120400.0, "purchase": None, "charged": None,
    "discharged": None, "consumption": None, "irradiation": 7105.0, "revenue": 53.1, "charging_time": None,
    "discharging_time": None, "received": 288.0, "producing": 181.0, "idle": 2.0, "declared": 171280.0,
    "computed": None, "reported": None, "source": "computed",
}  # fmt: skip
ENERGY: Example = {"plant": 1, "level": "day", "zone": "Europe/Berlin", "currency": "EUR", "buckets": [BUCKET]}
KPI: Example = {
    "since": BUCKET["since"], "until": BUCKET["until"], "reference_yield_h": 7.105, "array_yield_h": 5.89,
    "final_yield_h": 5.729, "capture_loss_h": 1.215, "system_loss_h": 0.161, "performance_ratio": 0.806,
    "expected": 576, "received": 574, "availability": 0.9965,
}  # fmt: skip
ALARM: Example = {
    "code": "2032", "raised_at": AT, "cleared_at": None, "severity": "major", "name": "Grid loss",
    "cause": "The grid is gone.", "advice": "Check the breaker.", "type": "protection", "cause_id": 1,
}  # fmt: skip
ALARM_HELD: Example = {
    "id": f"2032@{AT}", "device": 7, **ALARM, "status": "acknowledged", "watched": False, "until": None,
}  # fmt: skip
COMMAND: Example = {
    "id": 12, "device": 7, "name": "device.switch", "arguments": {"on": True}, "state": "confirmed", "settled": True,
    "progress": 100.0, "code": "", "key": "monday-1", "credential": 3, "accepted_at": AT, "changed_at": LATER,
    "expires_at": "2026-06-21T10:15:00.000Z",
}  # fmt: skip
STATED: Example = {"on": "2026-06-20", "period_kwh": "51.20", "accumulated_kwh": "18330.45"}
INGESTED: Example = {"accepted": 1, "duplicates": 0, "corrected": 0}

BODIES: dict[str, Example] = {
    "create-plant": {"name": "Lakeside", "zone": "Europe/Berlin", "capacity_w": 29900.0},
    "replace-plant": PLANT,
    "create-device": {"plant": 1, "kind": "inverter", "name": "Roof east"},
    "replace-device": DEVICE,
    "send-samples": [{"device": 7, "at": AT, "values": VALUES}, {"device": 7, "at": LATER, "values": VALUES}],
    "send-device-samples": {"at": AT, "values": VALUES},
    "report-alarms": ALARM,
    "handle-alarm": {"status": "acknowledged", "note": "The electrician comes on Monday."},
    "send-command": {"name": "device.switch", "arguments": {"on": True}, "key": "monday-1", "wait_s": 10},
    "declare-energy": [STATED, {"on": "2026-06-21", "period_kwh": 48.7}],
}
RESULTS: dict[str, Example] = {
    "list-plants": {"plants": [PLANT], "next": None},
    "get-plant": PLANT,
    "create-plant": PLANT,
    "replace-plant": PLANT,
    "list-devices": {"devices": [DEVICE], "next": None},
    "get-device": DEVICE,
    "create-device": DEVICE,
    "replace-device": DEVICE,
    "send-samples": {"accepted": 2, "duplicates": 0, "corrected": 0},
    "send-device-samples": INGESTED,
    "get-device-latest": LATEST,
    "list-latest": {"latest": [LATEST], "next": None},
    "get-history": {
        "device": 7,
        "at": [AT, LATER],
        "columns": {"ac.power": [8120.5, None]},
        "texts": {"acme:mode": ["eco", None]},
    },
    "get-plant-energy": ENERGY,
    "get-device-energy": {**ENERGY, "device": 7},
    "get-plant-kpis": {"plant": 1, "level": "day", "zone": "Europe/Berlin", "periods": [KPI]},
    "list-gaps": {"device": 7, "gaps": [{"since": AT, "until": "2026-06-21T11:00:00.000Z", "missing": 11}]},
    "list-alarms": {"alarms": [ALARM_HELD], "next": None},
    "report-alarms": {"reported": 1, "new": 1},
    "handle-alarm": ALARM_HELD,
    "get-settings": {
        "device": 7,
        "settings": [
            {
                "key": "battery.min_soc",
                "value": 20.0,
                "unit": "%",
                "minimum": 10.0,
                "maximum": 100.0,
                "precision": 1.0,
                "choices": [],
                "fixed": False,
            }
        ],
    },
    "list-commands": {"commands": [COMMAND], "next": None},
    "get-command": COMMAND,
    "send-command": COMMAND,
    "cancel-command": {**COMMAND, "state": "cancelled", "progress": 0.0},
    "get-declared": {"device": 7, "declared": [STATED]},
    "declare-energy": {"statement": 31, "new": 1, "unchanged": 0, "corrected": 1},
    "list-measurements": {
        "measurements": [
            {"key": "ac.power", "unit": "W", "help": "Active power out of the device.", "aggregation": "mean"}
        ]
    },
    "who-am-i": {"account": 1, "credential": 3, "scopes": ["read"], "plants": None, "operations": None},
}
PROBLEM: Example = {
    "type": "urn:heliograph:problem:bad-request",
    "title": "The request does not say what it must",
    "status": 400,
    "detail": "samples[3].values.ac.power of device 7 must be a finite number, a text or null, not true",
    "field": "samples[3].values.ac.power",
    "device": "7",
}
