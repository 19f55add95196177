"""What `doctor` looks at. Each check changes nothing and returns one finding."""

from __future__ import annotations

import os
import shutil
import zoneinfo
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from heliograph import config
from heliograph.cli import settings
from heliograph.cli.ports import answering_version, why_not_free
from heliograph.clock import DAY_MS, HOUR_MS, SECOND_MS, WallClock, zone
from heliograph.config import Config
from heliograph.errors import ConfigError, HubError, StoreError
from heliograph.hub import DATABASE, FIRMWARE, KEY
from heliograph.model.plants import Plant
from heliograph.protocol.times import format_instant
from heliograph.store.firmware import Catalogue
from heliograph.store.keyring import Keyring
from heliograph.store.sqlite import Database

if TYPE_CHECKING:
    from collections.abc import Callable

OK, WARN, FAIL = "ok", "warn", "fail"
MB = 1 << 20
SCARCE_BYTES = 256 * MB
SHORT_BYTES = 2048 * MB
DIRTY_DAYS = 5000
LOG_FACTOR = 4
"""A write-ahead log so many times its usual size is no longer folded in."""


class Finding(msgspec.Struct, frozen=True):
    """What one check found, and what to do about it."""

    status: str
    detail: str
    advice: str = ""
    check: str = ""

    def named(self, check: str) -> Finding:
        """The same under the name of its check."""
        return msgspec.structs.replace(self, check=check)


class Patient:
    """The data directory, with what several checks need."""

    def __init__(self, data: Path, port: int | None) -> None:
        self.data = data
        self.config = Config()
        self.config_error = self.database_error = ""
        self.database: Database | None = None
        try:
            self.config = config.load(data)
            settings.check_dialects(self.config)
        except (HubError, OSError, UnicodeDecodeError) as error:
            self.config_error = str(error)
        self.port = port or self.config.serve.port
        if (data / DATABASE).is_file():
            try:
                self.database = Database(data / DATABASE, self.config.store)
            except (StoreError, OSError) as error:
                self.database_error = str(error)

    def query(self, sql: str) -> list[Any]:  # any: rows of a database
        """Rows of the database; none where it cannot be read."""
        try:
            return self.database.query(sql) if self.database else []
        except StoreError:
            return []

    def number(self, sql: str) -> int | None:
        """The one number a statement gives."""
        found = self.query(sql)
        value = found[0][0] if found else None
        return value if isinstance(value, int) else None

    def close(self) -> None:
        """Close the database."""
        if self.database:
            self.database.close()


def checks() -> list[tuple[str, Callable[[Patient], Finding]]]:
    """Every check with its name."""
    return [
        ("directory", directory),
        ("settings", settings_file),
        ("key file", key_file),
        ("database", database),
        ("secrets", stored_secrets),
        ("ledger", ledger),
        ("firmware", firmware),
        ("write-ahead log", log_size),
        ("folding", folding),
        ("disk", disk),
        ("clock", clock),
        ("time zones", time_zones),
        ("port", port),
    ]


def directory(patient: Patient) -> Finding:
    """Whether the directory is there, and who may enter it."""
    data = patient.data
    if not data.is_dir():
        return Finding(FAIL, f"there is no directory {data}", f"make it with `heliograph init --data {data}`")
    if not os.access(data, os.W_OK | os.X_OK):
        return Finding(FAIL, f"{data} cannot be written to", "run as the user who owns it")
    if data.stat().st_mode & 0o077:
        return Finding(WARN, f"others may enter {data}", f"chmod 700 {data}")
    return Finding(OK, f"{data} is there and yours alone")


def settings_file(patient: Patient) -> Finding:
    """Whether the settings can be read."""
    if patient.config_error:
        return Finding(FAIL, patient.config_error, f"there are these settings: {', '.join(settings.names())}")
    if not (patient.data / config.FILE).exists():
        return Finding(OK, f"no {config.FILE}: every setting has its default")
    return Finding(OK, f"{config.FILE} can be read")


def key_file(patient: Patient) -> Finding:
    """Whether the key file is there, whole, and private."""
    path = patient.data / KEY
    if not path.is_file():
        return Finding(FAIL, f"{KEY} is missing", "restore it from a backup: without it no secret can be read")
    if path.stat().st_mode & 0o077:
        return Finding(FAIL, f"others may read {KEY}", f"chmod 600 {path}; then replace every credential")
    try:
        Keyring(path)
    except (ConfigError, OSError) as error:
        return Finding(FAIL, str(error), "restore the key file from a backup")
    return Finding(OK, f"{KEY} is there and yours alone")


def database(patient: Patient) -> Finding:
    """Whether SQLite finds the database sound."""
    restore = "stop the hub, keep the directory aside, and restore a backup into a new one"
    if patient.database is None:
        if patient.database_error:
            return Finding(FAIL, f"{DATABASE} cannot be opened: {patient.database_error}", restore)
        return Finding(FAIL, f"{DATABASE} is missing", f"make a hub with `heliograph init --data {patient.data}`")
    try:
        faults = patient.database.check()
    except StoreError as error:
        faults = [str(error)]
    if faults:
        return Finding(FAIL, f"{DATABASE} is damaged: {faults[0]}", restore)
    size_mb = (patient.data / DATABASE).stat().st_size / MB
    return Finding(OK, f"{DATABASE} is sound, {size_mb:.1f} MB, version {patient.database.version}")


def stored_secrets(patient: Patient) -> Finding:
    """Whether the key file opens the secrets."""
    rows = patient.query("SELECT secret FROM credential")
    if not (patient.data / KEY).is_file():
        return Finding(FAIL if rows else WARN, f"{len(rows)} secrets and no key to read them", f"restore {KEY}")
    try:
        keyring = Keyring(patient.data / KEY)
        for (secret,) in rows:
            keyring.unlock(secret)
    except (ConfigError, OSError) as error:
        return Finding(FAIL, str(error), f"restore the {KEY} that belongs to this database")
    return Finding(OK, f"{KEY} opens all {len(rows)} secrets")


def ledger(patient: Patient) -> Finding:
    """Whether each chain of the ledger ends where it should; the proof of all its seals takes longer."""
    advice = "`heliograph ledger verify` tells more; keep the directory aside, and compare with a backup or an export"
    for table, key, links, place in (
        ("chain", "device", "declared", "sequence"),
        ("account_chain", "account", "statement", "place"),
    ):
        found = patient.query(
            f"SELECT c.{key} FROM {table} c WHERE"  # noqa: S608  names of ours
            f" c.seal IS NOT (SELECT seal FROM {links} WHERE {key} = c.{key} AND {place} = c.length)"
            f" OR EXISTS (SELECT 1 FROM {links} WHERE {key} = c.{key} AND {place} > c.length) LIMIT 1"
        )
        if found:
            return Finding(FAIL, f"the chain of {key} {found[0][0]} does not end as it did", advice)
    chains, entries = (
        patient.number("SELECT count(*) FROM chain"),
        patient.number("SELECT CAST(total(length) AS INTEGER) FROM chain"),
    )
    if chains is None and patient.database is not None:
        return Finding(FAIL, "its tables cannot be read", advice)
    return Finding(OK, f"{chains or 0} chains end as they should, with {entries or 0} entries")


def firmware(patient: Patient) -> Finding:
    """Whether the files of the firmware catalogue are there."""
    if patient.database is None or patient.database_error:
        return Finding(OK, "no catalogue to look at")
    catalogue = Catalogue(patient.database, patient.data / FIRMWARE)
    try:
        missing = catalogue.missing()
    except StoreError as error:
        return Finding(FAIL, str(error), "look at what is said of the database")
    if missing:
        names = ", ".join(f"{package.model} {package.version}" for package in missing)
        return Finding(FAIL, f"the file is missing, or not whole, of {names}", "add it again: heliograph firmware add")
    return Finding(OK, f"the files of all {len(catalogue.all())} packages are there")


def log_size(patient: Patient) -> Finding:
    """Whether the write-ahead log is folded into the database in time."""
    size = patient.database.wal_bytes() if patient.database else 0
    limit = LOG_FACTOR * patient.config.store.checkpoint_mb * MB
    if size > limit:
        advice = "stop whatever keeps the database open for long, then start the hub again"
        return Finding(WARN, f"it has grown to {size / MB:.0f} MB", advice)
    return Finding(OK, f"{size / MB:.1f} MB")


def folding(patient: Patient) -> Finding:
    """How many days wait for their totals."""
    waiting = patient.number("SELECT count(*) FROM dirty") or 0
    if waiting > DIRTY_DAYS:
        advice = "let `heliograph serve` run; if it does, look at what it logs"
        return Finding(WARN, f"{waiting} device-days wait to be folded", advice)
    return Finding(OK, f"{waiting} device-days wait to be folded")


def disk(patient: Patient) -> Finding:
    """How much room is left."""
    place = patient.data if patient.data.is_dir() else patient.data.absolute().parent
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding(WARN, f"cannot tell: {error.strerror}")
    if free < SCARCE_BYTES:
        return Finding(FAIL, f"{free / MB:.0f} MB are left", "make room: the hub refuses samples when the disk is full")
    if free < SHORT_BYTES:
        return Finding(WARN, f"{free / MB:.0f} MB are left", "make room soon")
    return Finding(OK, f"{free / MB / 1024:.1f} GB are left")


def clock(patient: Patient) -> Finding:
    """Whether this machine's clock can be right, by what it wrote before and what devices sent."""
    now_ms = WallClock().now_ms()
    names = (DATABASE, f"{DATABASE}-wal", KEY, config.FILE)
    paths = [patient.data / name for name in names]
    written = [path.stat().st_mtime_ns // 1_000_000 for path in paths if path.exists()]
    if written and max(written) > now_ms + 60 * SECOND_MS:
        late_h = (max(written) - now_ms) / HOUR_MS
        return Finding(FAIL, f"it is {late_h:.1f} h behind files written here", "set the clock, and keep it with NTP")
    if patient.number("SELECT count(*) FROM meta WHERE key = 'demo'"):
        return Finding(OK, f"{format_instant(now_ms)}; a demo's samples have a clock of their own")
    newest_ms = patient.number("SELECT max(at) FROM latest")
    if newest_ms is not None and newest_ms > now_ms + HOUR_MS:
        detail = f"it says {format_instant(now_ms)}, the newest sample is of {format_instant(newest_ms)}"
        return Finding(WARN, detail, "set the clock, or that of the device, and keep both with NTP")
    if newest_ms is not None and newest_ms < now_ms - 30 * DAY_MS:
        return Finding(WARN, f"the newest sample is of {format_instant(newest_ms)}", "see whether devices still send")
    return Finding(OK, f"{format_instant(now_ms)}")


def time_zones(patient: Patient) -> Finding:
    """Whether the tz database knows the plants' zones."""
    try:
        version = metadata.version("tzdata")
    except metadata.PackageNotFoundError:
        version = "missing"
    places = [folder for folder in zoneinfo.TZPATH if Path(folder).is_dir()]
    source = f"the system's in {places[0]}" if places else f"the package tzdata {version}"
    zones = {msgspec.msgpack.decode(body, type=Plant).zone for (body,) in patient.query("SELECT body FROM plant")}
    for name in sorted(zones | {"UTC"}):
        try:
            zone(name)
        except HubError as error:
            return Finding(FAIL, str(error), "upgrade the package tzdata, or the system's")
    return Finding(OK, f"{len(zones)} in use, all known to {source}")


def port(patient: Patient) -> Finding:
    """Whether the port is free, or a hub answers on it."""
    host, number = patient.config.serve.host, patient.port
    reason = why_not_free(host, number)
    if not reason:
        return Finding(OK, f"{host}:{number} is free")
    version = answering_version("127.0.0.1" if host == "0.0.0.0" else host, number)  # noqa: S104
    if version:
        return Finding(OK, f"a hub of version {version} answers on {host}:{number}")
    return Finding(
        FAIL, f"{host}:{number}: {reason}", "stop what holds it, or choose another with --port or serve.port"
    )
