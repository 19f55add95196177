"""A program that reports the energies of an inverter to REDEX, as an installer would write it from the documentation.

`redex_script.py URL KEYS REMOTE_INV_ID DAYS` sends a CSV file of `date,kWh,total kWh`; KEYS is a JSON file with
`ClientId`, `ClientSecret` and `ApiKey`. It knows nothing of the server but what is written down for its callers.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

Json = dict[str, Any]  # any: JSON
MOST_RECORDS = 3000


class RefusedError(Exception):
    """The server said no: with which status, and what of the request it names."""

    def __init__(self, answer: Json) -> None:
        self.status: int = answer["StatusCode"]
        self.message: str = answer["Message"]
        self.errors: dict[str, str] = {error["Key"]: error["Message"] for error in answer.get("Errors") or []}
        super().__init__(f"{self.status} {self.message} {self.errors}")


class Redex:
    """A client that logs in when it must, renews its token when it can, and waits when it is told to."""

    def __init__(self, url: str, keys: Json, *, patience: bool = True, packed: bool = False) -> None:
        self._url, self._keys, self._patience, self._packed = url, keys, patience, packed
        self.access = self.refresh = ""
        self.waits: list[int] = []
        """What `Retry-After` said each time. [s]"""

    def login(self) -> Json:
        """Get tokens by key."""
        return self._hold({"GrantType": "api_key", "ApiKey": self._keys["ApiKey"]}, "token")

    def renew(self) -> Json:
        """Get tokens by refresh token."""
        return self._hold({"GrantType": "refresh_token", "RefreshToken": self.refresh}, "token/refresh")

    def _hold(self, grant: Json, path: str) -> Json:
        asked = {**grant, "ClientId": self._keys["ClientId"], "ClientSecret": self._keys["ClientSecret"]}
        data: Json = self.post(f"/public/v2/connect/{path}", asked, bearer=False)["Data"]
        self.access, self.refresh = data["AccessToken"], data["RefreshToken"]
        return data

    def send(self, device: str, days: list[Json]) -> None:
        """Report days, as many calls as it takes."""
        for start in range(0, len(days), MOST_RECORDS):
            body = {"Data": days[start : start + MOST_RECORDS], "FrequencyType": "Daily", "RemoteInvId": device}
            if not self.access:
                self.login()
            try:
                self.post("/public/v2/generation-data", body)
            except RefusedError as refusal:
                if refusal.status != 401:
                    raise
                self._again()
                self.post("/public/v2/generation-data", body)

    def _again(self) -> None:
        try:
            self.renew()
        except RefusedError:
            self.login()

    def post(self, path: str, body: object, *, bearer: bool = True, method: str = "POST") -> Json:
        """Call; `body` is JSON unless it is bytes. Raises RefusedError."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._packed:
            content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
        if bearer:
            headers["Authorization"] = f"Bearer {self.access}"
        asked = urllib.request.Request(  # noqa: S310  whoever runs this says where to
            self._url + path, content if method == "POST" else None, headers, method=method
        )
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=30) as reply:  # noqa: S310  as above
                    return self._read(reply.status, reply.read())
            except urllib.error.HTTPError as error:
                with error:
                    answer = self._read(error.code, error.read())
                if error.code != 429:
                    raise RefusedError(answer) from None
                self.waits.append(int(error.headers["Retry-After"]))
                if not self._patience:
                    raise RefusedError(answer) from None
                time.sleep(self.waits[-1])

    @staticmethod
    def _read(status: int, body: bytes) -> Json:
        answer: Json = json.loads(body)
        if answer["StatusCode"] != status:
            raise ValueError(f"status {status}, but {answer['StatusCode']} in the answer")
        return answer


def read_days(path: Path) -> list[Json]:
    """The days of a CSV file, digits as they are."""
    with path.open(newline="") as file:
        return [
            {"Timestamp": on, "PeriodProductionInKWh": period, "AccumulatedPowerInKWh": total}
            for on, period, total in csv.reader(file)
        ]


def main(url: str, keys: str, device: str, days: str) -> int:
    """Send a file; what the server refuses is printed."""
    try:
        Redex(url, json.loads(Path(keys).read_text())).send(device, read_days(Path(days)))
    except RefusedError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    sys.stdout.write("sent\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
