"""SQLite: one file, one writer, many readers; what is acknowledged is on the disk.

One task owns the write connection. It takes whatever is queued into one transaction, so that single records share the
wait for the disk. Statements run on the event loop, the commit in a thread: the driver drops and retakes the
interpreter's lock at every row, so a busy loop would stall a writing thread at each of them (docs/decisions/0002).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from heliograph.errors import HubError, StoreBusyError, StoreError, StoreFullError
from heliograph.store.base import Rows
from heliograph.store.schema import MIGRATIONS, RULES

log = logging.getLogger("heliograph.store")
T = TypeVar("T")


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the database is kept."""

    busy_timeout_s: float = 5.0
    """How long a write waits for another process that holds the database. [s]"""
    group_rows: int = 3000
    """About how many records one transaction takes at most."""
    background_rows: int = 600
    """How much folding and sealing a transaction does beside callers' records, in records' worth of time."""
    checkpoint_mb: int = 32
    """How much the write-ahead log grows before it is folded into the database. [MB]"""
    cache_mb: int = 24
    """Page cache of each connection. [MB]"""


class Task(msgspec.Struct):
    """A queued write: `job` runs inside a transaction, `weight` is about how many rows it writes."""

    job: Callable[[Rows], Any]  # any: jobs return what they like
    weight: int
    done: asyncio.Future[Any]
    guarded: bool = True


def connect(path: Path, config: StoreConfig, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the database file with the settings every connection shares."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout={int(config.busy_timeout_s * 1000)}")
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # holds only for a file without tables
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute(f"PRAGMA cache_size={-1024 * config.cache_mb}")
    connection.execute("PRAGMA temp_store=MEMORY")
    if read_only:
        connection.execute("PRAGMA query_only=1")
    return connection


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the tables up to date in one transaction; returns the version.

    Raises StoreError for a database newer than this program.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreError(f"the database is of version {version}, this program knows {len(MIGRATIONS)}: upgrade it")
    if version == len(MIGRATIONS):
        return version
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have migrated while this one waited for the lock.
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for migration in MIGRATIONS[version:]:
        for statement in migration:
            connection.execute(statement)
    if version == 0:
        connection.execute("INSERT INTO meta (key, value) VALUES ('rules', ?)", (RULES,))
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    connection.execute("COMMIT")
    return len(MIGRATIONS)


def translate(error: sqlite3.Error | OSError) -> StoreError:
    """The hub's error for a driver's; the text holds no path and no statement."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError("another process holds the database; try again")
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError("no room left on the disk; nothing was kept")
    if code == sqlite3.SQLITE_IOERR:
        return StoreFullError("the disk does not take data; nothing was kept")
    return StoreError("the database failed; nothing was kept")


class Database:
    """The file with its connections: `writer` for the one writing task, `reader` for committed data."""

    def __init__(self, path: Path, config: StoreConfig | None = None) -> None:
        self.path = path
        self.config = config or StoreConfig()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        try:
            self.writer = connect(path, self.config)
            try:
                self.version = migrate(self.writer)
                self.reader = self._view = connect(path, self.config, read_only=True)
            except BaseException:
                self.writer.close()
                raise
        except sqlite3.Error as error:
            raise translate(error) from error
        # The writer waits on the loop, not in the driver, for another process's lock.
        self.writer.execute("PRAGMA busy_timeout=0")
        self._queue: deque[Task] = deque()
        self._background: deque[Task] = deque()
        self._wake = asyncio.Event()
        self._threads = ThreadPoolExecutor(1, "heliograph-commit")
        self._checkpointer = ThreadPoolExecutor(1, "heliograph-checkpoint")
        self._checkpointing: asyncio.Future[None] | None = None
        self._residue = False
        self._empty_pages = 0
        self._closed = False
        self._committing = False
        self.after_rollback: Callable[[], None] = lambda: None
        self.commits = 0

    @property
    def changing(self) -> bool:
        """Whether a transaction is under way, until what it wrote can be read.

        The driver says that there is none as soon as a commit begins.
        """
        return self._committing or self.writer.in_transaction

    async def write(
        self, job: Callable[[Rows], T], *, weight: int = 1, guarded: bool = True, background: bool = False
    ) -> T:
        """Run `job` in the next transaction and return its result after the commit.

        A HubError that the job raises undoes this job alone. `guarded=False` is for jobs that raise only before their
        first change; a `background` job waits for others when there are some, but never for long. Raises
        StoreError when the transaction could not be kept.
        """
        if self._closed:
            raise StoreError("the hub is shutting down")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue = self._background if background else self._queue
        queue.append(Task(job, weight, cast("asyncio.Future[Any]", done), guarded))
        self._wake.set()
        return await done

    def write_now(self, job: Callable[[Rows], T]) -> T:
        """Run `job` in a transaction of its own, before the writing task runs (set-up, command line)."""
        try:
            self.writer.execute(f"PRAGMA busy_timeout={int(self.config.busy_timeout_s * 1000)}")
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                result = job(cast("Rows", self.writer))
                self.writer.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            self.writer.execute("PRAGMA busy_timeout=0")
        return result

    async def run(self) -> None:
        """The writing task, until `finish`."""
        while self._queue or self._background or not self._closed:
            if not self._queue and not self._background:
                self._wake.clear()
                await self._wake.wait()
            while self._queue or self._background:
                await self._transaction()

    def finish(self) -> None:
        """Refuse new writes; the writing task ends when everything queued is written."""
        self._closed = True
        self._wake.set()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Run the writing task for as long as the block lasts; what is queued at its end is still written."""
        self._closed = False
        writer = asyncio.create_task(self.run(), name="writer")
        try:
            yield
        finally:
            self.finish()
            await writer

    def _take(self) -> list[Task]:
        """What goes into the next transaction: callers first, then what of the background's work still fits.

        One background job always goes along, so that it is never starved.
        """
        group: list[Task] = []
        weight = 0
        while self._queue and (not group or weight + self._queue[0].weight <= self.config.group_rows):
            weight += self._queue[0].weight
            group.append(self._queue.popleft())
        room = self.config.background_rows if group else self.config.group_rows
        weight = 0
        while self._background and (not weight or weight + self._background[0].weight <= room):
            weight += self._background[0].weight
            group.append(self._background.popleft())
        return group

    async def _transaction(self) -> None:
        group = self._take()
        try:
            await self._begin()
            results = self._apply(group)
            self._committing = True
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._commit)
            finally:
                self._committing = False
        except (sqlite3.Error, OSError, StoreError) as error:
            self._rollback()
            self._settle(group, [error if isinstance(error, StoreError) else translate(error)] * len(group))
            return
        except Exception:
            # A fault of the program must not take the writing task with it; everyone in the group is told.
            log.exception("a write failed")
            self._rollback()
            self._settle(group, [StoreError("the write failed; nothing was kept")] * len(group))
            return
        self.commits += 1
        self._settle(group, results)
        self._maybe_checkpoint()

    @staticmethod
    def _settle(group: list[Task], results: Sequence[Any]) -> None:
        for task, result in zip(group, results, strict=True):
            if task.done.done():
                continue
            if isinstance(result, HubError):
                task.done.set_exception(result)
            else:
                task.done.set_result(result)

    def _apply(self, group: list[Task]) -> list[Any]:
        results: list[Any] = []
        rows = cast("Rows", self.writer)
        for task in group:
            try:
                if task.guarded:
                    rows.execute("SAVEPOINT job")
                results.append(task.job(rows))
                if task.guarded:
                    rows.execute("RELEASE job")
            except StoreError:
                raise
            except HubError as error:
                results.append(error)
                if task.guarded:
                    rows.execute("ROLLBACK TO job")
                    rows.execute("RELEASE job")
                    self._reload()
        return results

    def _commit(self) -> None:
        self.writer.execute("COMMIT")
        # What was committed is kept, whether or not the files can shrink now.
        with suppress(sqlite3.Error):
            if self._empty_pages:
                # As a script: the driver's execute() stops the pragma after its first page.
                pages, self._empty_pages = self._empty_pages, 0
                self.writer.executescript(f"PRAGMA incremental_vacuum({pages})")
            if self._residue:
                # What came during the checkpoint is little; once it is copied too, the log starts over by itself.
                self._residue = False
                self.writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _rollback(self) -> None:
        if self.writer.in_transaction:
            self.writer.execute("ROLLBACK")
        self._reload()

    def _reload(self) -> None:
        """Let memory follow a rollback. What the same transaction keeps of other jobs, only the writer sees."""
        self._view = self.writer
        try:
            self.after_rollback()
        finally:
            self._view = self.reader

    async def _begin(self) -> None:
        waited_s = 0.0
        while True:
            try:
                self.writer.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not isinstance(translate(error), StoreBusyError) or waited_s >= self.config.busy_timeout_s:
                    raise
            await asyncio.sleep(0.02)
            waited_s += 0.02

    def wal_bytes(self) -> int:
        """Size of the write-ahead log. [bytes]"""
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _maybe_checkpoint(self) -> None:
        if self._checkpointing is not None and not self._checkpointing.done():
            return
        if self.commits % 16 or self.wal_bytes() < self.config.checkpoint_mb << 20:
            return
        loop = asyncio.get_running_loop()
        self._checkpointing = loop.run_in_executor(self._checkpointer, self._checkpoint)

    def _checkpoint(self) -> None:
        """Copy most of the log into the database, beside the writer. One that cannot be made now is made later."""
        try:
            connection = connect(self.path, self.config)
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                connection.close()
        except sqlite3.Error as error:
            log.warning("the write-ahead log could not be folded in: %s", translate(error))
            return
        self._residue = True

    def empty_share(self) -> tuple[int, int]:
        """How many pages of the file are empty, and how many there are."""
        return int(self.query("PRAGMA freelist_count")[0][0]), int(self.query("PRAGMA page_count")[0][0])

    async def give_back(self, pages: int) -> None:
        """Return empty pages to the file system, after the next commit."""
        self._empty_pages = pages
        await self.write(lambda rows: rows)

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:  # any: see Cursor
        """Rows of committed data. Raises StoreError."""
        try:
            return self._view.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error) from error

    def data_version(self) -> int:
        """A number that is another one once anything was committed, by this process or by another."""
        return int(self.query("PRAGMA data_version")[0][0])

    @contextmanager
    def snapshot(self) -> Iterator[Rows]:
        """Committed data as of one moment, for what several statements read. Raises StoreError."""
        try:
            self.reader.execute("BEGIN")
            try:
                yield cast("Rows", self.reader)
            finally:
                self.reader.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error) from error

    def backup(self, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Copy the database as of now to a new file, while it is in use. `progress(left, total)` counts pages."""
        copy = sqlite3.connect(target)
        try:
            self.reader.backup(copy, pages=4096, progress=lambda _s, left, total: progress and progress(left, total))
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            copy.close()

    def check(self) -> list[str]:
        """What SQLite's own quick check finds; empty when all is well."""
        return [str(row[0]) for row in self.query("PRAGMA quick_check") if row[0] != "ok"]

    def close(self) -> None:
        """Close all connections; the log is folded in, so the file alone is the database."""
        self._closed = True
        self._threads.shutdown()
        self._checkpointer.shutdown()
        self.reader.close()
        try:
            self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.writer.close()
