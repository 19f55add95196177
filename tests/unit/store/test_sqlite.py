"""The database: what is acknowledged is kept, what fails leaves nothing, and work goes on afterwards."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from heliograph.errors import ConflictError, StoreBusyError, StoreError, StoreFullError
from heliograph.store import sqlite
from heliograph.store.base import Rows
from heliograph.store.schema import MIGRATIONS
from heliograph.store.sqlite import Database, StoreConfig, connect, migrate, translate
from tests.unit.store.world import Store, block

T = 1_700_000_000_000
QUICK = StoreConfig(busy_timeout_s=0.1, cache_mb=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    made = Database(tmp_path / "a.db", QUICK)
    yield made
    made.close()


def note(key: str, value: str = "1") -> Callable[[Rows], None]:
    """A job that keeps one row."""

    def job(rows: Rows) -> None:
        rows.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))

    return job


def kept(database: Database) -> list[str]:
    """The keys that are committed, as another process sees them."""
    connection = sqlite3.connect(database.path)
    found = connection.execute("SELECT key FROM meta WHERE key <> 'rules' ORDER BY key").fetchall()
    connection.close()
    return [key for (key,) in found]


@contextmanager
def locked(database: Database) -> Iterator[sqlite3.Connection]:
    """Another process holds the database."""
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.execute("ROLLBACK")
        other.close()


# Opening


def test_a_new_file_is_for_its_owner_alone_and_safe_against_power_loss(database: Database) -> None:
    assert database.path.stat().st_mode & 0o077 == 0
    for connection in (database.writer, database.reader):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        database.reader.execute("INSERT INTO meta VALUES ('a', 'b')")


def test_migrations_run_once(database: Database) -> None:
    assert database.version == len(MIGRATIONS)
    again = Database(database.path, QUICK)
    assert again.version == len(MIGRATIONS)
    again.close()


def test_a_database_of_a_newer_program_is_refused_untouched(database: Database) -> None:
    database.writer.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="upgrade"):
        Database(database.path, QUICK)
    assert database.writer.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


def test_only_the_migrations_that_are_missing_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(tmp_path / "a.db", QUICK).close()
    more = (*MIGRATIONS, ("CREATE TABLE added (n INTEGER)", "INSERT INTO added VALUES (7)"))
    monkeypatch.setattr(sqlite, "MIGRATIONS", more)
    made = Database(tmp_path / "a.db", QUICK)
    assert (made.version, made.query("SELECT n FROM added")) == (len(MIGRATIONS) + 1, [(7,)])
    made.close()


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(tmp_path / "a.db", QUICK).close()
    monkeypatch.setattr(sqlite, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE added (n INTEGER)", "NONSENSE")))
    with pytest.raises(StoreError):
        Database(tmp_path / "a.db", QUICK)
    monkeypatch.undo()
    made = Database(tmp_path / "a.db", QUICK)
    assert made.version == len(MIGRATIONS)
    assert made.query("SELECT name FROM sqlite_master WHERE name = 'added'") == []
    made.close()


def test_two_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    slow, quick = connect(path, QUICK), connect(path, QUICK)

    class Interrupted(sqlite3.Connection):
        """Lets the other process migrate between the look at the version and the lock."""

        def execute(self, sql: str, *more: object) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE":
                migrate(quick)
            return super().execute(sql, *more)  # type: ignore[arg-type]  # the same parameters

    late = sqlite3.connect(path, isolation_level=None, factory=Interrupted)
    assert migrate(late) == migrate(slow) == len(MIGRATIONS)
    for connection in (slow, quick, late):
        connection.close()


def test_a_file_that_is_no_database_is_an_error_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "secret-place.db").write_bytes(b"this is no database at all, only text" * 100)
    with pytest.raises(StoreError) as caught:
        Database(tmp_path / "secret-place.db", QUICK)
    assert "secret-place" not in str(caught.value)


# Errors


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusyError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusyError),
        (sqlite3.SQLITE_LOCKED, StoreBusyError),
        (sqlite3.SQLITE_FULL, StoreFullError),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFullError),
        (sqlite3.SQLITE_CORRUPT, StoreError),
    ],
)
def test_the_drivers_codes_become_errors_of_the_store(code: int, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("/secret/path is broken")
    error.sqlite_errorcode = code
    assert type(translate(error)) is kind
    assert "secret" not in str(translate(error))


def test_a_full_disk_of_the_system_is_a_full_store() -> None:
    assert isinstance(translate(OSError(errno.ENOSPC, "no space")), StoreFullError)
    assert isinstance(translate(OSError(errno.EDQUOT, "quota")), StoreFullError)
    assert type(translate(OSError(errno.EPERM, "no"))) is StoreError


def test_a_query_that_fails_is_an_error_of_the_store(database: Database) -> None:
    with pytest.raises(StoreError):
        database.query("SELECT * FROM nowhere")
    with pytest.raises(StoreError), database.snapshot() as rows:
        rows.execute("SELECT * FROM nowhere")
    assert database.query("SELECT 1") == [(1,)]


# Writing


async def test_a_write_is_on_disk_when_it_returns(database: Database) -> None:
    async with database.writing():
        await database.write(note("a"))
        assert kept(database) == ["a"]


async def test_writes_that_wait_share_a_transaction(database: Database) -> None:
    async with database.writing():
        await asyncio.gather(*(database.write(note(f"{n:03}")) for n in range(100)))
        assert database.commits == 1
    assert len(kept(database)) == 100


async def test_a_transaction_takes_no_more_than_it_should(database: Database) -> None:
    async with database.writing():
        await asyncio.gather(*(database.write(note(f"{n}"), weight=3000) for n in range(4)))
        assert database.commits == 4
        await database.write(note("huge"), weight=1_000_000)
    assert "huge" in kept(database)


def _same(number: int, _: Rows) -> int:
    return number


async def test_background_work_waits_for_callers_but_is_never_starved(database: Database) -> None:
    order: list[str] = []

    def job(name: str, _: Rows) -> None:
        order.append(name)

    async with database.writing():
        waiting = [database.write(partial(job, f"fold {n}"), weight=500, background=True) for n in range(3)]
        waiting += [database.write(partial(job, f"post {n}"), weight=2000) for n in range(2)]
        await asyncio.gather(*waiting)
        assert database.commits == 3
    assert order == ["post 0", "fold 0", "post 1", "fold 1", "fold 2"]


async def test_jobs_return_what_they_like_in_their_own_order(database: Database) -> None:
    async with database.writing():
        results = await asyncio.gather(*(database.write(partial(_same, n)) for n in range(5)))
    assert results == list(range(5))


async def test_a_job_that_is_refused_undoes_itself_alone(database: Database) -> None:
    def refuse(rows: Rows) -> None:
        note("lost")(rows)
        raise ConflictError("no")

    async with database.writing():
        outcomes = await asyncio.gather(
            database.write(note("a")), database.write(refuse), database.write(note("b")), return_exceptions=True
        )
    assert isinstance(outcomes[1], ConflictError)
    assert database.commits == 1
    assert kept(database) == ["a", "b"]


async def test_what_others_of_a_transaction_named_survives_a_refusal_beside_them(store: Store) -> None:
    def refuse(rows: Rows) -> None:
        store.names.shape(("undone",), rows)
        raise ConflictError("no")

    def make_shape(rows: Rows) -> None:
        store.hot.apply(store.submission(block(1, {T: {"early": 1.0}})), rows)

    def later(rows: Rows) -> None:
        store.hot.apply(store.submission(block(2, {T: {"undone": 2.0}})), rows)

    async with store.database.writing():
        outcomes = await asyncio.gather(
            *(store.database.write(job) for job in (make_shape, refuse, later)), return_exceptions=True
        )
    assert [type(outcome) for outcome in outcomes] == [type(None), ConflictError, type(None)]
    assert store.bags(1) == {T: {"early": 1.0}}
    assert store.bags(2) == {T: {"undone": 2.0}}
    again = Store(store.database.path)
    assert (again.bags(1), again.bags(2)) == ({T: {"early": 1.0}}, {T: {"undone": 2.0}})
    again.database.close()


async def test_a_fault_of_the_program_fails_its_transaction_and_the_next_one_works(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(rows: Rows) -> None:
        rows.execute("INSERT INTO meta VALUES (?, '1')", (1 << 70,))

    async with database.writing():
        outcomes = await asyncio.gather(database.write(note("a")), database.write(fault), return_exceptions=True)
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        await database.write(note("b"))
    assert kept(database) == ["b"]
    assert "a write failed" in caplog.text


async def test_a_caller_who_gave_up_does_not_hold_up_the_others(database: Database) -> None:
    async with database.writing():
        first = asyncio.create_task(database.write(note("a")))
        second = asyncio.create_task(database.write(note("b")))
        await asyncio.sleep(0)
        first.cancel()
        await second
        await database.write(note("c"))
    assert kept(database) == ["a", "b", "c"]


async def test_everything_queued_is_written_before_the_end_and_nothing_after(database: Database) -> None:
    async with database.writing():
        waiting = [asyncio.create_task(database.write(note(f"{n}"))) for n in range(3)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert len(kept(database)) == 3
    with pytest.raises(StoreError, match="shutting down"):
        await database.write(note("late"))


def test_a_write_outside_the_task_is_all_or_nothing(database: Database) -> None:
    def half(rows: Rows) -> None:
        note("lost")(rows)
        raise ConflictError("no")

    database.write_now(note("a"))
    with pytest.raises(ConflictError):
        database.write_now(half)
    with pytest.raises(StoreError):
        database.write_now(note("a"))
    database.write_now(note("b"))
    assert kept(database) == ["a", "b"]


# Trouble


async def test_a_locked_database_refuses_and_keeps_nothing_and_works_once_it_is_free(database: Database) -> None:
    async with database.writing():
        with locked(database), pytest.raises(StoreBusyError):
            await database.write(note("a"))
        assert kept(database) == []
        await database.write(note("b"))
    assert kept(database) == ["b"]


async def test_a_short_lock_is_waited_for_without_blocking_the_loop(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", StoreConfig(busy_timeout_s=5.0))
    async with database.writing():
        with locked(database):
            waiting = asyncio.create_task(database.write(note("a")))
            turns = 0
            for _ in range(5):
                await asyncio.sleep(0.01)
                turns += 1
            assert not waiting.done()
        await waiting
    assert (turns, kept(database)) == (5, ["a"])
    database.close()


def test_a_locked_database_refuses_a_write_outside_the_task_too(database: Database) -> None:
    with locked(database), pytest.raises(StoreBusyError):
        database.write_now(note("a"))
    database.write_now(note("b"))
    assert kept(database) == ["b"]


async def test_a_full_disk_refuses_whole_requests_and_takes_data_again_once_there_is_room(store: Store) -> None:
    readings = {T + n: {"a": n / 7} for n in range(3000)}
    pages = store.database.writer.execute("PRAGMA page_count").fetchone()[0]
    store.database.writer.execute(f"PRAGMA max_page_count={pages + 4}")
    async with store.database.writing():
        with pytest.raises(StoreFullError):
            await store.hot.append(store.submission(block(1, readings)))
        assert store.bags(1) == {}
        assert store.hot.latest([1])[0].readings == {}
        await store.hot.append(store.submission(block(1, {T: {"a": 1.0}})))
        store.database.writer.execute("PRAGMA max_page_count=1000000")
        done = await store.hot.append(store.submission(block(1, readings)))
    assert (done.accepted, done.corrected) == (2999, 1)
    assert len(store.bags(1)) == 3000
    assert store.database.check() == []


def test_a_full_disk_at_a_write_outside_the_task_leaves_no_transaction_open(store: Store) -> None:
    pages = store.database.writer.execute("PRAGMA page_count").fetchone()[0]
    store.database.writer.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreFullError):
        store.put(1, {T + n: {"a": n / 7} for n in range(3000)})
    assert not store.database.writer.in_transaction
    store.database.writer.execute("PRAGMA max_page_count=1000000")
    assert store.put(1, {T: {"a": 1.0}}) == (1, 0, 0)


# The log and backups


async def test_the_log_is_folded_into_the_file_when_it_grows(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", StoreConfig(checkpoint_mb=1))
    async with database.writing():
        for n in range(96):
            await database.write(note(f"{n}", "x" * 100_000))
            if database._checkpointing is not None:
                await database._checkpointing
    assert 0 < database.wal_bytes() < 4 << 20
    assert len(kept(database)) == 96
    database.close()
    assert database.wal_bytes() == 0


class Stubborn:
    """A connection whose log and file cannot shrink now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        """Run a statement, unless it would shrink the log."""
        if "wal_checkpoint(PASSIVE)" in sql:
            raise sqlite3.OperationalError("not now")
        return self._connection.execute(sql, *parameters)

    def executescript(self, sql: str) -> Any:
        """Run nothing."""
        raise sqlite3.OperationalError("not now either")


async def test_files_that_cannot_shrink_are_no_reason_to_deny_what_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "writer", Stubborn(database.writer))
    async with database.writing():
        database._residue = True
        await database.write(note("a"))
        await database.give_back(5)
        await database.write(note("b"))
    assert kept(database) == ["a", "b"]


def test_a_backup_is_a_whole_database_of_that_moment(database: Database, tmp_path: Path) -> None:
    database.write_now(note("a"))
    seen: list[tuple[int, int]] = []
    database.backup(tmp_path / "copy.db", lambda left, total: seen.append((left, total)))
    database.write_now(note("b"))
    copy = Database(tmp_path / "copy.db", QUICK)
    assert kept(copy) == ["a"]
    assert copy.check() == []
    assert seen[-1][0] == 0
    copy.close()


def test_a_closed_database_is_one_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", QUICK)
    database.write_now(note("a"))
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


async def test_space_of_deleted_rows_is_given_back(database: Database) -> None:
    def clear(rows: Rows) -> None:
        rows.execute("DELETE FROM meta")

    async with database.writing():
        for n in range(40):
            await database.write(note(f"{n}", "x" * 50_000))
        await database.write(clear)
        free, pages = database.empty_share()
        assert free > 400
        await database.give_back(10_000)
        after, left = database.empty_share()
    assert after < free
    assert left < pages
